"""What each service removed when a person asked to be forgotten. Key: profile id; subject: lead id."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from shared.contracts.attributes import EXAMPLE_OTHER_LEAD, LeadId, ProfileId
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import ERASURES


@DECLARED.declare(name="personal_data_removed", on=ERASURES)
class PersonalDataRemoved(Event, frozen=True, kw_only=True):
    """A service says: what I kept of this profile is scrubbed, so many rows in these tables.

    Said once per profile by every service, in the transaction that scrubbed it, also where there was
    nothing. Does not imply that logs and topics with a stated retention have aged out.
    """

    lead: LeadId
    profile: ProfileId
    service: Annotated[str, Meta(description="Who scrubbed it: scoring, routing, nurture, …")]
    removed: Annotated[
        dict[str, int],
        Meta(description="Table, and column where a row stays without it, to how many were scrubbed"),
    ]


EXAMPLES: Final = (
    PersonalDataRemoved(
        lead=EXAMPLE_OTHER_LEAD,
        profile=EXAMPLE_OTHER_LEAD,
        service="routing",
        removed={"follow_up.note": 2, "lead.handover": 5},
    ),
)
