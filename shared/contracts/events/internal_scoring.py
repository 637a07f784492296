"""What scoring's workers tell each other. Key and subject: the id of the lead or company it is for."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, field

from shared.contracts.attributes import (
    EXAMPLE_COMPANY,
    EXAMPLE_LEAD,
    EXAMPLE_MOMENT,
    EXAMPLE_OTHER_LEAD,
    LeadId,
    Moment,
    ProfileId,
    Scalar,
)
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import INTERNAL


class MovedFact(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One fact as its home partition keeps it: ``id`` is that of the event that told it."""

    id: str
    occurred: Moment
    received: Moment
    name: str
    fields: Annotated[dict[str, Scalar], Meta(description="The fields that rules use")] = field(
        default_factory=dict
    )


@DECLARED.declare(name="facts_moved", on=INTERNAL["scoring"])
class FactsMoved(Event, frozen=True, kw_only=True):
    """The owner of a profile's home partition says: these facts belong to ``lead`` now.

    Sent in ``parts`` pieces, numbered from 1, once the profile has moved and again for each fact that
    comes later. Received by set union over fact ids; a version below the profile's highest is passed
    over. Does not imply that all pieces have arrived.
    """

    profile: ProfileId
    version: int
    lead: LeadId
    facts: list[MovedFact]
    part: int = 1
    parts: int = 1


@DECLARED.declare(name="profile_left", on=INTERNAL["scoring"])
class ProfileLeft(Event, frozen=True, kw_only=True):
    """The owner of a profile's home partition says: the profile no longer belongs to ``lead``.

    Its facts are to be taken out there unless a higher version of the profile has been seen. Emits
    nothing for the lead that loses them, and does not imply that ``to_lead`` has received them.
    """

    profile: ProfileId
    version: int
    lead: LeadId
    to_lead: LeadId


@DECLARED.declare(name="profile_forgotten", on=INTERNAL["scoring"])
class ProfileForgotten(Event, frozen=True, kw_only=True):
    """The owner of a profile's home partition says: this person asked to be forgotten.

    Sent to every lead to which the profile's facts were ever sent; what is still kept of them there
    loses its free properties. If the profile lives there, the lead is that person, and is marked.
    """

    profile: ProfileId
    lead: LeadId


@DECLARED.declare(name="company_facts_told", on=INTERNAL["scoring"])
class CompanyFactsTold(Event, frozen=True, kw_only=True):
    """The owner of a lead says: these facts of one of its profiles are for ``company``.

    Said of each fact once to every company that the lead's facts name. ``withdrawn`` names facts that
    count no longer. ``version`` is that of the profile's latest move: what a lead says that has lost the
    profile since is passed over. Does not imply that the person works there now.
    """

    company: Annotated[str, Meta(description="Opaque id of the company")]
    lead: LeadId
    profile: ProfileId
    version: int
    facts: list[MovedFact] = field(default_factory=list)
    withdrawn: Annotated[list[str], Meta(description="Ids of facts that count no longer")] = field(
        default_factory=list
    )


EXAMPLES: Final = (
    FactsMoved(
        profile=EXAMPLE_OTHER_LEAD,
        version=1,
        lead=EXAMPLE_LEAD,
        facts=[
            MovedFact(
                id="9d2f4b6a8c0e1f3a5b7c9d1e2f4a6b8c",
                occurred=EXAMPLE_MOMENT,
                received=EXAMPLE_MOMENT,
                name="page_viewed",
                fields={"path": "/pricing", "kind": "price"},
            )
        ],
    ),
    ProfileLeft(profile=EXAMPLE_OTHER_LEAD, version=2, lead=EXAMPLE_LEAD, to_lead=EXAMPLE_OTHER_LEAD),
    ProfileForgotten(profile=EXAMPLE_OTHER_LEAD, lead=EXAMPLE_LEAD),
    CompanyFactsTold(
        company=EXAMPLE_COMPANY,
        lead=EXAMPLE_LEAD,
        profile=EXAMPLE_LEAD,
        version=0,
        facts=[
            MovedFact(
                id="1e3a5c7d9f0b2d4f6a8c0e2a4c6e8a0c",
                occurred=EXAMPLE_MOMENT,
                received=EXAMPLE_MOMENT,
                name="opportunity_won",
                fields={"opportunity": "crm/OP-311", "amount": 28_800_000, "currency": "CNY"},
            )
        ],
    ),
)
