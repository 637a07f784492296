"""Whether everything that a client says it sent was said exactly once, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import BEHAVIOUR, LEADS, RAW
from shared.log.port import Log
from shared.testing.topics import read_topic
from tests.operations.real_clients.clients import Client, Report


class Said(msgspec.Struct, kw_only=True):
    """What stands on the topics under one source, by the client's message ids."""

    acts: Counter[str]
    people: Counter[str]
    arrived: int = 0


class Line(msgspec.Struct, kw_only=True):
    """One client's account. ``resent`` is what arrived more often than it was sent, and counted once."""

    client: Client
    sent: int
    once: int
    missing: Sequence[str]
    doubled: Sequence[str]
    unknown: Sequence[str]
    resent: int
    failed: Sequence[str]

    @property
    def is_right(self) -> bool:
        return self.sent == self.once and not (self.missing or self.doubled or self.unknown or self.failed)


async def read_what_was_said(log: Log) -> Mapping[str, Said]:
    """Return what stands on the topics, by source."""
    found: dict[str, Said] = {}
    admin = await log.admin()
    starts = {
        tp: first for tp, (first, _) in (await admin.bounds([RAW.name, BEHAVIOUR.name, LEADS.name])).items()
    }
    await admin.stop()
    for topic in (RAW, BEHAVIOUR, LEADS):
        for record in await read_topic(log, topic.name, starts=starts):
            envelope = decode_envelope(record.value or b"")
            data = msgspec.json.decode(envelope.data)
            said = found.setdefault(data.get("source", ""), Said(acts=Counter(), people=Counter()))
            if topic is RAW:
                said.arrived += 1
            else:
                counted = said.acts if topic is BEHAVIOUR else said.people
                counted[data.get("message_id") or envelope.id] += 1
    return found


def compare(client: Client, report: Report, said: Said | None) -> Line:
    """Compare what a client says it sent with what was said."""
    told = said or Said(acts=Counter(), people=Counter())
    wanted = [(name, told.acts) for name in report.acts] + [(name, told.people) for name in report.people]
    known = {*report.acts, *report.people}
    return Line(
        client=client,
        sent=len(wanted),
        once=sum(counted[name] == 1 for name, counted in wanted),
        missing=[name for name, counted in wanted if counted[name] == 0],
        doubled=[name for name, counted in wanted if counted[name] > 1],
        unknown=sorted((told.acts.keys() | told.people.keys()) - known),
        resent=told.arrived - len(known),
        failed=report.failed,
    )
