"""What scoring's workers tell each other after a merge. Key and subject: the destination lead's id."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, field

from shared.contracts.attributes import (
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
)
