"""Routing's answers to the audit: owners, clocks, histories and what was said agree; each breach is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from services.routing.domain.facts import Activated, ProfileMoved
from services.routing.domain.lead import Lead
from services.routing.domain.sla.clocks import OVERDUE, WARN, clocks_owed, expires_at
from services.routing.handlers.interpreting import interpret
from services.routing.store import checking
from services.routing.store.lead_rows import (
    StoredLead,
    load_known,
    load_leads_page,
    load_open_stays,
    load_profiles,
)
from services.routing.store.lists import load_reps
from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import ASSIGNMENTS, partition_of
from shared.kernel.changes import Fact
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, format_instant
from shared.log.port import Record
from shared.postgres.database import Database, Row, Transaction
from shared.postgres.snapshots import snapshot
from shared.processor.checks import Finding, find_buried
from shared.processor.tables.timers import load_timers

_LEADS_PER_READ: Final = 500
_SAMPLE_PAGES: Final = 4
_MOST_NAMED: Final = 100


@dataclass(slots=True)
class _Tally:
    leads: int = 0
    owned: int = 0
    said: int = 0
    owners: list[str] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)


class RoutingChecks:
    """Compares what is stored of leads with each other, with their clocks, and with what was said."""

    def __init__(self, database: Database, *, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    async def check(self, *, full: bool) -> Sequence[Finding]:
        """Check a sample of 2,000 leads, or with ``full`` all of them; sums are always whole."""
        tally = _Tally()
        after, pages = "", 0
        while full or pages < _SAMPLE_PAGES:
            async with snapshot(self._database) as transaction:
                page = await load_leads_page(transaction, after=after, limit=_LEADS_PER_READ)
                await self._check_page(transaction, tally, page)
            if len(page) < _LEADS_PER_READ:
                break
            after, pages = page[-1].lead.id, pages + 1
        async with snapshot(self._database) as transaction:
            stray = await checking.find_stray_timers(transaction, limit=_MOST_NAMED)
            tally.clocks += [f"lead {key}: its clock {name} runs and nobody owns it" for key, name in stray]
            return [
                Finding(
                    check="routing: one place and one owner per lead",
                    looked_at=tally.leads,
                    breaches=tally.owners,
                ),
                Finding(
                    check="routing: every clock is accounted for",
                    looked_at=tally.owned,
                    breaches=tally.clocks,
                ),
                Finding(
                    check="routing: nobody is shown an invalid lead",
                    looked_at=tally.leads,
                    breaches=tally.invalid,
                ),
                Finding(check="routing: stays abut", looked_at=tally.leads, breaches=tally.stays),
                Finding(check="routing: rows are what was said", looked_at=tally.said, breaches=tally.told),
                await self._check_sums(transaction),
                await _check_loads(transaction),
                await _check_profiles(transaction),
                await _check_conversions(transaction),
            ]

    async def _check_page(self, transaction: Transaction, tally: _Tally, page: Sequence[StoredLead]) -> None:
        ids = [stored.lead.id for stored in page]
        timers = await load_timers(transaction, keys=ids)
        stays = await load_open_stays(transaction, ids)
        for row, lead in page:
            tally.leads += 1
            tally.owned += lead.spell is not None
            tally.said += lead.said
            tally.owners += _compare_owners(row, lead, stays[lead.id])
            tally.clocks += _compare_clocks(lead, timers.get(lead.id, {}))
            tally.invalid += _find_shown(lead)
        broken = await checking.find_broken_stays(transaction, ids, limit=_MOST_NAMED)
        tally.stays += [
            f"lead {row['lead']}: stay {row['number']} does not end where the next begins" for row in broken
        ]
        tally.told += [
            f"lead {row['id']}: {row['told']} events were said and {row['kept']} rows are kept, up to number"
            f" {row['last']}"
            for row in await checking.find_said_gaps(transaction, ids, limit=_MOST_NAMED)
        ]
        tally.told += [
            f"lead {row['lead']}: of the spell {row['assignment']} {row['begun']} beginnings and"
            f" {row['ended']} ends were said"
            for row in await checking.find_untold_spells(transaction, ids, limit=_MOST_NAMED)
        ]

    async def _check_sums(self, transaction: Transaction) -> Finding:
        """Check partition by partition that as many sequences were drawn as rows are kept."""
        kept: Counter[int] = Counter()
        for lead, count in (await checking.count_said(transaction)).items():
            kept[partition_of(lead, self._partitions)] += count
        drawn = await checking.load_drawn(transaction, ASSIGNMENTS.name)
        breaches = [
            f"{ASSIGNMENTS.name}/{number}: {drawn.get(number, 0)} sequences were drawn and {kept[number]}"
            " rows are kept"
            for number in sorted({*kept, *drawn})
            if kept[number] != drawn.get(number, 0)
        ]
        return Finding(check="routing: Σ rows = events said", looked_at=kept.total(), breaches=breaches)

    async def find_missing(self, records: Sequence[Record]) -> Sequence[str]:
        """Name the events in these records that routing ought to know of and does not."""
        heard: list[tuple[Fact, Record]] = []
        for record in records:
            try:
                fact = None if record.value is None else interpret(decode_envelope(record.value))
            except Rejected:
                continue  # it could not be read then either, and lies with the dead letters
            if fact is not None:
                heard.append((fact, record))
        keys = sorted({fact.key for fact, _ in heard})
        async with self._database.connection() as connection:
            leads = await load_known(connection, keys)
            profiles = await load_profiles(connection, keys)
            missed = [
                (fact, record)
                for fact, record in heard
                if not _is_known(fact, leads, {one: profile.version for one, profile in profiles.items()})
            ]
            buried = await find_buried(
                connection, [(record.topic, record.partition, record.offset) for _, record in missed]
            )
        return [
            f"lead {fact.key}: event {fact.id} of {record.topic}/{record.partition} offset {record.offset}"
            " left no trace"
            for fact, record in missed
            if (record.topic, record.partition, record.offset) not in buried
        ]


def _is_known(fact: Fact, leads: Mapping[str, Lead], versions: Mapping[str, int]) -> bool:
    lead = leads.get(fact.key)
    match fact.event:
        case ProfileMoved(version=version):
            return versions.get(fact.key, 0) >= version
        case Activated(cycle=cycle) if lead is not None and lead.activated_cycle:
            return lead.activated_cycle >= cycle or lead.is_gone
        case _:
            return lead is not None or fact.key in versions


def _compare_owners(row: Row, lead: Lead, open_stays: Sequence[Row]) -> Iterator[str]:
    spell = lead.spell
    rep, assignment = (spell.rep, spell.assignment) if spell else (None, None)
    if len(open_stays) != 1:
        owners = ", ".join(str(stay["rep"]) for stay in open_stays)
        yield f"lead {lead.id}: is in {len(open_stays)} places at once (owners: {owners or 'none'})"
    for stay in open_stays:
        if (stay["place"], stay["rep"], stay["assignment"]) != (lead.stay.place, rep, assignment):
            said = stay["rep"] or stay["place"]
            yield f"lead {lead.id}: is owned by {rep or 'nobody'}, its stay {stay['number']} says {said}"
        elif stay["number"] != lead.stay.number or stay["since"] != lead.stay.since:
            yield f"lead {lead.id}: its stay {stay['number']} is not the one that it is in"
    copies = (row["place"], row["status"], row["rep"], row["pool"], row["since"], row["expires"])
    own = (lead.stay.place, lead.status, rep, lead.stay.pool or None, lead.stay.since, expires_at(lead))
    if copies != own:
        yield f"lead {lead.id}: the columns for queries are not what is stored of it (owner {row['rep']})"
    if (spell is not None) != (lead.stay.place == "owned"):
        yield f"lead {lead.id}: its place is {lead.stay.place} and its owner {rep or 'nobody'}"


def _find_shown(lead: Lead) -> Iterator[str]:
    """Name an invalid lead that somebody owns, that lies in a pool, or whose status says otherwise."""
    if lead.ruled_out is None:
        return
    if lead.stay.place in {"owned", "pool"}:
        yield f"lead {lead.id}: was found invalid ({lead.ruled_out.reason}) and is {lead.stay.place}"
    if lead.status != "invalid":
        yield f"lead {lead.id}: was found invalid ({lead.ruled_out.reason}) and its status is {lead.status}"


def _compare_clocks(lead: Lead, timers: Mapping[str, Instant]) -> Iterator[str]:
    clocks = {} if lead.spell is None else lead.spell.clocks
    for name in sorted(clocks.keys() | timers.keys()):
        if lead.spell is not None and clocks.get(name) != timers.get(name):
            yield (
                f"lead {lead.id}: its clock {name} is to ring at {_text(clocks.get(name))} and is set for"
                f" {_text(timers.get(name))}"
            )
    running = {name for name in clocks if name != OVERDUE and not name.startswith(WARN)}
    if running != (owed := clocks_owed(lead)):
        yield f"lead {lead.id}: {sorted(owed)} ought to run and {sorted(running)} do"


async def _check_loads(transaction: Transaction) -> Finding:
    counted: Counter[str] = Counter()
    for row in await checking.load_owned_states(transaction):
        lead = msgspec.json.decode(row["state"], type=Lead)
        if lead.busy_rep is not None:
            counted[lead.busy_rep] += 1
    reps = await load_reps(transaction)
    breaches = [
        f"rep {rep.id}: {rep.load} leads are counted and {counted[rep.id]} are theirs"
        for rep in reps.values()
        if rep.load != counted[rep.id]
    ]
    breaches += [f"rep {rep}: owns leads and is nobody" for rep in sorted(counted.keys() - reps.keys())]
    return Finding(check="routing: loads are the leads owned", looked_at=len(reps), breaches=breaches)


async def _check_profiles(transaction: Transaction) -> Finding:
    lost = await checking.find_lost_profiles(transaction, limit=_MOST_NAMED)
    misplaced = await checking.find_misplaced(transaction, limit=_MOST_NAMED)
    breaches = [f"profile {row['id']}: lives with {row['lead']}, which is not there" for row in lost]
    breaches += [
        f"lead {row['id']}: is in place {row['place']}, its own profile lives with {row['lead']}"
        for row in misplaced
    ]
    profiles = await transaction.fetch_value("SELECT count(*) FROM profile")
    return Finding(
        check="routing: profiles live with leads that stand", looked_at=profiles, breaches=breaches
    )


async def _check_conversions(transaction: Transaction) -> Finding:
    twice = await checking.find_twice_converted(transaction, limit=_MOST_NAMED)
    breaches = [
        f"lead {row['lead']}: became the opportunity {row['opportunity']} {row['times']} times"
        for row in twice
    ]
    made = await transaction.fetch_value("SELECT count(*) FROM said WHERE kind = 'lead_converted'")
    return Finding(check="routing: a sales cycle converts once", looked_at=made, breaches=breaches)


def _text(instant: Instant | None) -> str:
    return "no instant" if instant is None else format_instant(instant)
