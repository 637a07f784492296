"""What the receiver took, beside the topic: each change once after dropping repeats, in order per lead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from services.scoring.domain.webhooks.signing import sign
from services.scoring.domain.webhooks.webhook import Wanted
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.tier_changes import LeadActivated, TierChanged
from shared.contracts.topics import TIER_CHANGES
from shared.kernel.instants import SECOND
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.failure.on_models.receiver import Heard
from tests.failure.on_services.oracle.effects import first_records
from tests.failure.oracle.comparison import Differences


class Told(NamedTuple):
    """What the topic tells: the event's id, and what a subscriber makes of it."""

    id: str
    lead: str
    content: tuple[object, ...]


def told_on(log: Mapping[TopicPartition, Sequence[Record]], wanted: Wanted) -> list[Told]:
    """Return what is told on the topic of what is wanted, in order per lead."""
    found = []
    for record in first_records(log, TIER_CHANGES.name):
        envelope = decode_envelope(record.value or b"")
        event = decode_event(envelope)
        if isinstance(event, TierChanged):
            kind = "tier_changed"
            is_wanted = (
                (not wanted.models or event.model in wanted.models)
                and (not wanted.directions or event.direction in wanted.directions)
                and (not wanted.tiers or event.to_tier in wanted.tiers)
            )
            content: tuple[object, ...] = (
                *(event.model, event.model_version, event.direction),
                *(event.from_tier, event.to_tier, event.points / 1000, event.restated),
            )
        elif isinstance(event, LeadActivated):
            kind = "lead_activated"
            is_wanted = not wanted.models or event.model in wanted.models
            content = (event.model, event.model_version, event.cycle, event.points / 1000)
        else:
            continue
        if is_wanted and (not wanted.kinds or kind in wanted.kinds):
            found.append(Told(envelope.id, event.lead, (kind, *content)))
    return found


def heard_as_told(heard: Heard) -> Told:
    """Return what a message says, in the same shape."""
    body: dict[str, Any] = msgspec.json.decode(heard.body)
    data, kind = body["data"], body["type"].removeprefix("leadmill.")
    names = (
        ("model", "model_version", "direction", "from_tier", "to_tier", "points", "restated")
        if kind == "tier_changed"
        else ("model", "model_version", "cycle", "points")
    )
    return Told(body["id"], data["lead"], (kind, *(data[name] for name in names)))


def compare_heard(
    name: str, told: Sequence[Told], heard: Sequence[Heard], *, secret: str, differences: Differences
) -> int:
    """Compare what was taken with what was told; returns how many repeats there were."""
    first: dict[str, Told] = {}
    for message in heard:
        said = heard_as_told(message)
        signed = sign(
            [secret],
            message=message.id,
            at=int(message.timestamp) * SECOND,
            body=message.body.encode(),
        )
        if signed["webhook-signature"] not in message.signature.split(" ") or said.id != message.id:
            differences.add("signature", f"{name} was sent {message} with another signature or id")
        if first.setdefault(message.id, said) != said:
            differences.add("double", f"{name} was sent {message.id} twice with different content")
    wanted = {one.id: one for one in told}
    if len(wanted) != len(told):
        differences.add("double", f"{name}: the topic tells an id twice")
    for one in told:
        if one.id not in first:
            differences.add("unheard", f"{name} was never told {one}")
        elif first[one.id] != one:
            differences.add("different", f"{name} was told {first[one.id]}, should be {one}")
    for identity in first.keys() - wanted.keys():
        differences.add("unexplained", f"{name} was told {first[identity]}, which is on no topic")
    ours, theirs = _by_lead(told), _by_lead([one for one in first.values() if one.id in wanted])
    for lead, ids in theirs.items():
        if ids != [one for one in ours[lead] if one in first]:
            differences.add("reordered", f"{name} was told of {lead} {ids}, should be {ours[lead]}")
    return len(heard) - len(first)


def _by_lead(told: Sequence[Told]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in told:
        found.setdefault(one.lead, []).append(one.id)
    return found


async def check_webhooks(
    database: Database,
    log: Mapping[TopicPartition, Sequence[Record]],
    heard: Sequence[Heard],
    *,
    wanted: Mapping[str, Wanted],
    secrets: Mapping[str, str],
    differences: Differences,
) -> dict[str, int]:
    """Compare each webhook with the topic, and with what is written down of its deliveries."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT w.name, d.state, count(*) AS count FROM webhook_delivery d JOIN webhook w"
            " ON w.id = d.webhook GROUP BY 1, 2"
        )
        attempts = await connection.fetch("SELECT code, count(*) AS count FROM webhook_attempt GROUP BY 1")
    repeats = 0
    for path, filter_ in wanted.items():
        told = told_on(log, filter_)
        repeats += compare_heard(
            path,
            told,
            [one for one in heard if one.path == path],
            secret=secrets[path],
            differences=differences,
        )
        states = {row["state"]: row["count"] for row in rows if row["name"] == path}
        if states != ({"delivered": len(told)} if told else {}):
            differences.add("delivery", f"{path} has deliveries {states}, should have {len(told)} delivered")
    answers = Counter(one.answer for one in heard)
    return {
        "messages taken": len(heard),
        "messages repeated": repeats,
        "messages answered badly": sum(answers.values()) - answers["ok"],
        "attempts that failed": sum(row["count"] for row in attempts if row["code"]),
    }
