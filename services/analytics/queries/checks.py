"""Analytics' answers to the audit: sums fit, rows follow from facts, and every breach has an id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.analytics.domain.credits import Crediting
from services.analytics.domain.derivation import Derivation, Erasure
from services.analytics.domain.desk import Sharing
from services.analytics.domain.homes import homes_of, lead_of
from services.analytics.domain.outcomes import ConversionKey, opportunities_of
from services.analytics.handlers.interpreting import Interpreter
from services.analytics.store.damage import (
    find_crooked_sums,
    find_homeless_rows,
    find_stray_credits,
    find_strayed_profiles,
    load_derived,
    load_leads_page,
)
from services.analytics.store.desk_rows import load_profiles
from services.analytics.store.facts import find_absent, load_facts_page
from services.analytics.store.histories import load_lead_history
from services.analytics.store.sharings import load_sharings, load_standing
from shared.contracts.envelope import decode_envelope
from shared.kernel.changes import Fact
from shared.kernel.errors import Rejected
from shared.log.port import Record
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot
from shared.processor.checks import Finding, find_buried

_PER_READ: Final = 500
_SAMPLE_PAGES: Final = 4


@dataclass(slots=True)
class _Tally:
    looked_at: int = 0
    breaches: list[str] = field(default_factory=list)

    def finding(self, check: str) -> Finding:
        return Finding(check=f"analytics: {check}", looked_at=self.looked_at, breaches=self.breaches)


class AnalyticsChecks:
    """Compares tables with the facts they follow from."""

    def __init__(
        self, database: Database, *, crediting: Crediting, derivation: Derivation, interpret: Interpreter
    ) -> None:
        self._database = database
        self._crediting = crediting
        self._derivation = derivation
        self._interpret = interpret

    async def check(self, *, full: bool) -> Sequence[Finding]:
        """Check all sums, and a sample of 2,000 leads and facts; with ``full`` all of them."""
        return [
            await self._check_sums(),
            await self._check_credits(full=full),
            await self._check_rows(full=full),
            await self._check_homes(),
        ]

    async def find_missing(self, records: Sequence[Record]) -> Sequence[str]:
        """Name the events in these records that should be facts and are not.

        Dead letters are not missed, nor what was received of a person after the erasure.
        """
        wanted: dict[str, tuple[Fact, Record]] = {}
        for record in records:
            try:
                learned = self._interpret(decode_envelope(record.value or b""))
            except Rejected:
                continue  # it could not be read then either, and lies with the dead letters
            wanted[learned.id] = (learned, record)
        async with self._database.connection() as connection:
            absent = sorted(await find_absent(connection, list(wanted)))
            erased = (await load_profiles(connection, [wanted[one][0].key for one in absent])).erased
            places = {}
            for one in absent:
                fact, record = wanted[one]
                if fact.received <= erased.get(fact.key, fact.received):
                    places[record.topic, record.partition, record.offset] = one
            buried = await find_buried(connection, list(places))
        return [
            f"event {fact} of {topic}/{partition} offset {offset} is no fact"
            for (topic, partition, offset), fact in sorted(places.items())
            if (topic, partition, offset) not in buried
        ]

    async def _check_sums(self) -> Finding:
        tally = _Tally()
        async with snapshot(self._database) as transaction:
            tally.looked_at, crooked = await find_crooked_sums(transaction, sorted(self._crediting.models))
            tally.breaches += [
                f"{_name(key)}: {model} credits {credited}, the outcome is {minor}"
                for key, model, credited, minor in crooked
            ]
            tally.breaches += [
                f"{_name(key)}: {model} credits touch {touch}, of which nothing is known"
                for key, model, touch in await find_stray_credits(transaction)
            ]
        return tally.finding("Σ credits = outcome")

    async def _check_credits(self, *, full: bool) -> Finding:
        tally = _Tally()
        after, pages = "", 0
        while full or pages < _SAMPLE_PAGES:
            async with snapshot(self._database) as transaction:
                leads = await load_leads_page(transaction, after=after, limit=_PER_READ)
                history = await load_lead_history(transaction, leads)
                names = {word.opportunity for word in history.words}
                stored = await load_sharings(transaction, names)
                standing = await load_standing(transaction, names)
            homes, ours = homes_of(history.moves), set(leads)
            folded = {
                conversion.key: Sharing(conversion, credits_)
                for conversion, credits_ in history.sharings(self._crediting)
                if lead_of(homes, conversion.profile) in ours
            }
            held = {
                key: one
                for key, one in stored.items()
                if key in folded or lead_of(homes, one.conversion.profile) in ours
            }
            tally.looked_at += len(leads)
            tally.breaches += _compare(folded, held)
            tally.breaches += [
                f"opportunity {name}: it does not stand as was said"
                for name, opportunity in sorted(opportunities_of(history.words).items())
                if lead_of(homes, opportunity.profile) in ours and standing.get(name) != opportunity.standing
            ]
            if len(leads) < _PER_READ:
                break
            after, pages = leads[-1], pages + 1
        return tally.finding("credits refold from the facts")

    async def _check_rows(self, *, full: bool) -> Finding:
        tally = _Tally()
        after, pages = "", 0
        while full or pages < _SAMPLE_PAGES:
            async with snapshot(self._database) as transaction:
                facts = await load_facts_page(transaction, after=after, limit=_PER_READ)
                stored = await load_derived(transaction, [fact.id for fact in facts])
            tally.looked_at += len(facts)
            for fact in facts:
                rows = self._derivation.rows_of(fact)
                derived = {repr(row) for row in rows if not isinstance(row, Erasure)}
                if derived != {repr(row) for row in stored.get(fact.id, ())}:
                    tally.breaches.append(f"fact {fact.id} ({fact.kind}): its rows are not what it says")
            if len(facts) < _PER_READ:
                after = ""  # everything was looked at
                break
            after, pages = facts[-1].id, pages + 1
        async with snapshot(self._database) as transaction:
            tally.breaches += [
                f"fact {event} is missing, a row of {table} stands on it"
                for table, event in await find_homeless_rows(transaction, until=after or None)
            ]
        return tally.finding("rows follow from the facts")

    async def _check_homes(self) -> Finding:
        tally = _Tally()
        async with snapshot(self._database) as transaction:
            tally.looked_at, strayed = await find_strayed_profiles(transaction)
        tally.breaches += [f"profile {one}: it does not live where its moves say" for one in strayed]
        return tally.finding("profiles live where their moves say")


def _compare(
    folded: Mapping[ConversionKey, Sharing], stored: Mapping[ConversionKey, Sharing]
) -> Iterator[str]:
    """Name what differs between what the facts say and what is stored."""
    for key in sorted(folded.keys() | stored.keys()):
        says, holds = folded.get(key), stored.get(key)
        if holds is None:
            yield f"{_name(key)}: the conversion is missing"
        elif says is None:
            yield f"{_name(key)}: the conversion is there and no fact says so"
        else:
            if says.conversion != holds.conversion:
                yield f"{_name(key)}: the conversion is not what its facts say"
            for model, touch in sorted(
                {(one.model, one.touch) for one in set(says.credits) ^ set(holds.credits)}
            ):
                who = f"touch {touch}" if touch else "the unattributed part"
                yield f"{_name(key)}: {model} credits {who} otherwise than its facts say"


def _name(key: ConversionKey) -> str:
    payment = f" {key.payment}" if key.payment else ""
    return f"opportunity {key.opportunity} ({key.contribution}{payment})"
