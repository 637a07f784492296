"""What must hold whatever the order was: of who owns a lead, and of what became of it.

Only the log and the tables are asked; neither journals nor handlers of routing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.assignments import (
    LeadAssigned,
    LeadClaimed,
    LeadConverted,
    LeadRecalled,
    LeadReturned,
    LeadTransferred,
    OwnershipEnded,
)
from shared.contracts.events.leads import LeadCaptured, LeadErased, LeadMerged, LeadReleased, LeadUnmerged
from shared.contracts.topics import ASSIGNMENTS, LEADS, NURTURE
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.failure.on_services.oracle.effects import first_records
from tests.failure.oracle.comparison import Differences

_MERGED: Final = "merged"

Log = Mapping[TopicPartition, Sequence[Record]]


async def check_ownership(log: Log, routing: Database, differences: Differences) -> Counter[str]:
    """One owner per lead at any time, as the topic tells it, and the last one is the stored one.

    Returns how often which event was said.
    """
    owners: dict[str, tuple[str, str]] = {}
    said: Counter[str] = Counter()
    begun: set[str] = set()
    for record in first_records(log, ASSIGNMENTS.name):
        event = decode_event(decode_envelope(record.value or b""))
        said[type(event).__name__] += 1
        if isinstance(event, LeadAssigned | LeadClaimed | LeadTransferred):
            before = owners.get(event.lead)
            may_follow = {None if before is None else before[0]}
            if isinstance(event, LeadTransferred) and event.reason == _MERGED and before is None:
                may_follow = {event.from_rep}  # the owner came along with a lead that was merged into this
            if (event.from_rep if isinstance(event, LeadTransferred) else None) not in may_follow:
                differences.add("owner", f"{event.lead} was owned by {before}, then came {event}")
            if event.assignment in begun:
                differences.add("double", f"the spell {event.assignment} began again")
            begun.add(event.assignment)
            owners[event.lead] = (event.rep, event.assignment)
        elif isinstance(event, LeadRecalled | LeadReturned | OwnershipEnded) and (
            owners.pop(event.lead, None) != (event.rep, event.assignment)
        ):
            differences.add("owner", f"{event.lead}: {event} ends what had not begun")
    async with routing.connection() as connection:
        rows = await connection.fetch("SELECT id, rep FROM lead WHERE rep IS NOT NULL")
    stored = {row["id"]: row["rep"] for row in rows}
    told = {lead: rep for lead, (rep, _) in owners.items()}
    for lead in sorted({*stored, *told}):
        if stored.get(lead) != told.get(lead):
            differences.add(
                "owner", f"{lead} is stored with {stored.get(lead)}, the topic says {told.get(lead)}"
            )
    return said


def check_conversions(log: Log, differences: Differences) -> None:
    """A lead becomes an opportunity once."""
    made: Counter[str] = Counter()
    for record in first_records(log, ASSIGNMENTS.name):
        event = decode_event(decode_envelope(record.value or b""))
        if isinstance(event, LeadConverted):
            made[event.opportunity] += 1
    for opportunity, times in made.items():
        if times > 1:
            differences.add("double", f"opportunity {opportunity} was made {times} times")


def check_held(log: Log, differences: Differences) -> dict[str, int]:
    """Nothing begins with a lead that an import holds, in routing and in nurture, before it is released.

    Those that were merged, parted or forgotten are left to the replays. Returns how many were looked at.
    """
    held: dict[str, str] = {}
    released: dict[str, Instant] = {}
    others: set[str] = set()
    for record in first_records(log, LEADS.name):
        envelope = decode_envelope(record.value or b"")
        event = decode_event(envelope)
        if isinstance(event, LeadCaptured) and event.held is not None:
            held[event.profile] = event.lead
        elif isinstance(event, LeadReleased):
            released[event.profile] = envelope.received
        elif isinstance(event, LeadMerged | LeadUnmerged):
            others |= {event.profile, event.lead, event.from_lead}
        elif isinstance(event, LeadErased):
            others |= {event.profile, event.lead}
    until = {lead: released.get(profile) for profile, lead in held.items() if lead not in others}
    for record in first_records(log, ASSIGNMENTS.name, NURTURE.name):
        envelope = decode_envelope(record.value or b"")
        lead = envelope.subject or ""
        if lead in until and ((at := until[lead]) is None or envelope.received < at):
            differences.add("held", f"{lead} is held until {at}, and {record.topic} has {envelope}")
    waiting = sum(at is None for at in until.values())
    return {"leads held for good": waiting, "leads held until released": len(until) - waiting}
