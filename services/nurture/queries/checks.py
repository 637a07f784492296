"""Nurture's answers to the audit: ledger, runs, clocks and what was said agree; each breach is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from services.nurture.domain.course import Rules
from services.nurture.domain.leads import Profile
from services.nurture.domain.learnt import MailRefused, ProfileErased, ProfileMoved
from services.nurture.handlers.interpreting import interpret
from services.nurture.store import checking
from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import NURTURE, partition_of
from shared.kernel.errors import Rejected
from shared.kernel.instants import format_instant
from shared.log.port import Record
from shared.postgres.database import Database, Row, Transaction
from shared.postgres.snapshots import snapshot
from shared.processor.checks import Finding, find_buried

_MOST_NAMED: Final = 100


class NurtureChecks:
    """Compares what is stored with each other, with its clocks, and with what was said."""

    def __init__(self, database: Database, rules: Rules, *, partitions: int) -> None:
        self._database = database
        self._rules = rules
        self._partitions = partitions

    async def check(self, *, full: bool) -> Sequence[Finding]:
        """Check everything; each check is one statement over an index."""
        async with snapshot(self._database) as transaction:
            counts = await checking.count_all(transaction)
            return [
                await self._check_ledger(transaction, counts),
                await self._check_once(transaction, counts),
                await _check_waiting(transaction, counts),
                await _check_runs(transaction, counts),
                await _check_erased(transaction, counts),
                await _check_invalid(transaction, counts),
                await self._check_sums(transaction, counts),
            ]

    async def find_missing(self, records: Sequence[Record]) -> Sequence[str]:
        """Name moves, erasures and refusals of mail in these records that nurture does not go by."""
        heard: dict[tuple[str, int, int], ProfileMoved | ProfileErased | MailRefused] = {}
        for record in records:
            try:
                fact = interpret(decode_envelope(record.value or b""))
            except Rejected:
                continue  # it could not be read then either, and lies with the dead letters
            if fact is not None and isinstance(fact.event, ProfileMoved | ProfileErased | MailRefused):
                heard[record.topic, record.partition, record.offset] = fact.event
        async with self._database.connection() as connection:
            rows = await checking.load_profiles(connection, [event.profile for event in heard.values()])
            missed = {
                place: event
                for place, event in heard.items()
                if not _is_heeded(event, rows.get(event.profile))
            }
            buried = await find_buried(connection, list(missed))
        return [
            f"profile {event.profile}: {type(event).__name__} of {topic}/{partition} offset {offset} is lost"
            for (topic, partition, offset), event in sorted(missed.items(), key=lambda item: item[0])
            if (topic, partition, offset) not in buried
        ]

    async def _check_ledger(self, transaction: Transaction, counts: Row) -> Finding:
        breaches = [
            f"message {row['message']}: event {row['event']} says {row['kind']}, and the ledger has no row"
            for row in await checking.find_said_without_row(transaction, limit=_MOST_NAMED)
        ]
        breaches += [
            f"message {row['id']}: is {row['state']}, and what was said is {', '.join(row['kinds'] or ['—'])}"
            for row in await checking.find_untold_messages(transaction, limit=_MOST_NAMED)
        ]
        breaches += [
            f"message {row['id']}: belongs to no run"
            for row in await checking.find_stray_messages(transaction, limit=_MOST_NAMED)
        ]
        return Finding(
            check="nurture: the ledger is what was said", looked_at=counts["messages"], breaches=breaches
        )

    async def _check_once(self, transaction: Transaction, counts: Row) -> Finding:
        stepwise = [one.name for one in self._rules.sequences.live if one.steps]
        rows = await checking.find_mailed_twice(transaction, sequences=stepwise, limit=_MOST_NAMED)
        return Finding(
            check="nurture: no step is mailed twice",
            looked_at=counts["messages"],
            breaches=[
                f"lead {row['lead']}: {row['sequence']}/{row['step']} went out {row['times']} times"
                for row in rows
            ],
        )

    async def _check_sums(self, transaction: Transaction, counts: Row) -> Finding:
        """Check partition by partition that as many sequences were drawn as rows are kept."""
        kept: Counter[int] = Counter()
        for lead, count in (await checking.count_said(transaction)).items():
            kept[partition_of(lead, self._partitions)] += count
        drawn = await checking.load_drawn(transaction, NURTURE.name)
        return Finding(
            check="nurture: every event said is kept",
            looked_at=counts["said"],
            breaches=[
                f"{NURTURE.name}/{partition}: {drawn.get(partition, 0)} were said, {kept[partition]} are kept"
                for partition in sorted({*drawn, *kept})
                if drawn.get(partition, 0) != kept[partition]
            ],
        )


async def _check_waiting(transaction: Transaction, counts: Row) -> Finding:
    breaches = []
    for row in await checking.find_waiting_wrongly(transaction, limit=_MOST_NAMED):
        clock = "none" if row["clock"] is None else format_instant(row["clock"])
        due = "a message" if row["due"] is None else format_instant(row["due"])
        breaches.append(
            f"lead {row['lead']}: run {row['id']} waits for {due}; its clock is {clock},"
            f" its message {row['message'] or 'none'} {row['state'] or ''}".rstrip()
        )
    breaches += [
        f"lead {row['key']}: its clock runs and it is in no sequence"
        for row in await checking.find_stray_timers(transaction, limit=_MOST_NAMED)
    ]
    return Finding(
        check="nurture: every run waits for one thing", looked_at=counts["running"], breaches=breaches
    )


async def _check_runs(transaction: Transaction, counts: Row) -> Finding:
    return Finding(
        check="nurture: every run began once and ended once",
        looked_at=counts["runs"],
        breaches=[
            f"run {row['id']}: is {row['state']} and what was said is {', '.join(row['kinds']) or 'nothing'}"
            for row in await checking.find_untold_runs(transaction, limit=_MOST_NAMED)
        ],
    )


async def _check_erased(transaction: Transaction, counts: Row) -> Finding:
    breaches = [
        f"lead {row['lead']}: was erased, and run {row['id']} goes on"
        for row in await checking.find_running_erased(transaction, limit=_MOST_NAMED)
    ]
    breaches += [
        f"lead {row['lead']}: was erased, and its contact is kept"
        for row in await checking.find_unscrubbed(transaction, limit=_MOST_NAMED)
    ]
    return Finding(
        check="nurture: who was erased is left alone", looked_at=counts["erased"], breaches=breaches
    )


async def _check_invalid(transaction: Transaction, counts: Row) -> Finding:
    return Finding(
        check="nurture: nothing is sent to who is invalid",
        looked_at=counts["running"],
        breaches=[
            f"lead {row['lead']}: is invalid, and run {row['id']} goes on"
            for row in await checking.find_running_invalid(transaction, limit=_MOST_NAMED)
        ],
    )


def _is_heeded(event: ProfileMoved | ProfileErased | MailRefused, row: Row | None) -> bool:
    if row is None:
        return False
    profile = msgspec.json.decode(row["state"], type=Profile)
    match event:
        case ProfileMoved():
            return profile.version >= event.version
        case ProfileErased():
            return profile.is_erased
        case MailRefused():
            return profile.has_refused or profile.is_erased
