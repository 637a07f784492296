"""Scoring's oracle: its pure handlers folded over what ingest said, in the journaled order.

Here a lead always has all its facts at hand, so that it also shows whether the store loads them
wherever they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from services.scoring.bootstrap import build_stage, load_attention, load_company_models, load_models
from services.scoring.domain.activation.told import ActivationRow
from services.scoring.domain.checkpoints.checkpoint import Checkpoint, Replaced
from services.scoring.domain.facts import Fact as KnownFact
from services.scoring.domain.facts import Place, external_ids_in
from services.scoring.domain.life.ruling import RENEWAL, Ruled
from services.scoring.domain.running_score import fold, is_current
from services.scoring.domain.scored_lead import (
    KeptFact,
    ScoredLead,
    Scrub,
    Working,
    counted_facts,
    scrubbed,
)
from services.scoring.domain.told_changes import TierChangeRow
from services.scoring.handlers.attention import ask_for_attention
from services.scoring.handlers.companies import CompanyHandlers
from services.scoring.handlers.scoring import ScoringHandlers
from services.scoring.store.activations import load_activations_of
from services.scoring.store.facts import load_facts
from shared.contracts.topics import SCORES
from shared.kernel.changes import Fact, TimerFired
from shared.kernel.errors import Verdict
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.oracle.companies import CompanyTables, compare_companies, is_for_company
from tests.failure.on_services.oracle.inputs import Expected, Reader, bury
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.on_services.oracle.tables import compare_maps
from tests.failure.on_services.worker import CONFIG
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.journal import Entry


@dataclass(slots=True)
class ScoringExpected(Expected):
    """What scoring should have made of its topics."""

    leads: dict[str, ScoredLead] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    facts: dict[str, list[KnownFact]] = field(default_factory=dict)
    told: dict[str, list[TierChangeRow]] = field(default_factory=dict)
    activations: dict[str, list[ActivationRow]] = field(default_factory=dict)
    timers: dict[str, dict[str, Instant]] = field(default_factory=dict)
    companies: CompanyTables = field(default_factory=CompanyTables)


class RuledBy(Protocol):
    """Tells by which versions of the models a transaction went, and what set leads to be renewed."""

    def ruled(self, xid: int, lead: str) -> Ruled | None:
        """Return what ruled a lead in a transaction, None if nobody knows."""
        ...

    def take_renewal(self, lead: str, due: Instant) -> bool:
        """Return whether a lead was to be renewed at an instant; each time it was rings once."""
        ...


class ByDocuments:
    """The documents rule, for good."""

    def __init__(self) -> None:
        self._ruled = Ruled(load_models(CONFIG))

    def ruled(self, _xid: int, _lead: str) -> Ruled | None:
        """Return the models of the documents."""
        return self._ruled

    def take_renewal(self, _lead: str, _due: Instant) -> bool:
        """Return False: nobody is ever renewed."""
        return False


class ScoringReplay:
    """Replays scoring's journal; call :meth:`run` once."""

    def __init__(
        self, log: Mapping[TopicPartition, Sequence[Record]], ruled_by: RuledBy | None = None
    ) -> None:
        self.expected = ScoringExpected()
        self._reader = Reader(log)
        self._stage = build_stage(load_models(CONFIG), partitions=PARTITIONS)
        self._ruled_by = ruled_by or ByDocuments()
        self._handlers: dict[Ruled, ScoringHandlers] = {}
        self._xid = 0
        self._companies = CompanyHandlers(load_company_models(CONFIG))
        self._attention = load_attention(CONFIG)
        self._saying = Saying("scoring")
        self._touched: set[str] = set()
        self._to_ring: list[tuple[str, str, Instant]] = []

    def run(self, entries: Sequence[Entry]) -> ScoringExpected:
        """Fold every transaction, in this order."""
        for entry in entries:
            self._saying, self._touched, self._to_ring = Saying("scoring"), set(), list(entry.rung)
            self._xid = entry.xid
            self._renew(entry)
            self._batch(entry)
            for key in self._touched:
                self.expected.versions[key] = self.expected.versions.get(key, 0) + 1
            self.expected.close(entry, self._saying)
        return self.expected

    def _renew(self, entry: Entry) -> None:
        """Set the timers of renewals that rang: they are set beside the loop, at no place of the journal."""
        for key, name, due in entry.rung:
            if name == RENEWAL and self._ruled_by.take_renewal(key, due):
                self.expected.timers.setdefault(key, {})[name] = due

    def _handlers_of(self, lead: str) -> ScoringHandlers:
        ruled = self._ruled_by.ruled(self._xid, lead)
        if ruled is None:
            self.expected.faults.append(f"ruled: nobody knows which versions ruled {lead} when it was saved")
            ruled = Ruled(load_models(CONFIG))
        if ruled not in self._handlers:
            self._handlers[ruled] = ScoringHandlers(ruled.models, tells_past=ruled.tells_past)
        return self._handlers[ruled]

    def _batch(self, entry: Entry) -> None:
        learned: list[tuple[Fact, Record]] = []
        for tp, record, is_repeat in self._reader.records(entry):
            self.expected.repeats += is_repeat
            try:
                if tp.topic == SCORES.name:
                    fact = self._stage.heal(record) if is_repeat else None
                else:
                    fact = None if is_repeat else self._stage.read(record)
            except Verdict as error:
                self._saying.bury(bury(record, error))
            else:
                if fact is not None:
                    learned.append((fact, record))
        for fact, record in learned:
            self._learn(fact, record, entry)
        for key, name, due in list(self._to_ring):
            if self.expected.timers.get(key, {}).get(name) == due:
                self._ring(key, name, due)
            else:
                self.expected.faults.append(f"timer: {name} of {key} rang for {due}, which was not set")

    def _learn(self, fact: Fact, record: Record, entry: Entry) -> None:
        timers = self.expected.timers.get(fact.key)
        while timers and (due := min((at, name) for name, at in timers.items()))[0] < fact.received:
            at, name = due
            if (fact.key, name, at) in self._to_ring:
                self._to_ring.remove((fact.key, name, at))
            else:
                self.expected.faults.append(
                    f"timer: {name} of {fact.key}, due {at}, did not ring before a later fact"
                    f" in transaction {entry.transaction}"
                )
            self._ring(fact.key, name, at)
        try:
            self._handle(fact)
        except Exception as error:  # noqa: BLE001 - whatever the handler does, it does only to this record
            self._saying.bury(bury(record, error, attempts=1 if isinstance(error, Verdict) else 2))

    def _ring(self, key: str, name: str, due: Instant) -> None:
        del self.expected.timers[key][name]
        self._touched.add(key)
        identity = deterministic_id("timer", "scoring", key, name, str(due))
        self._handle(Fact(identity, key, due, TimerFired(name, due), identity))

    def _handle(self, fact: Fact) -> None:
        expected, key = self.expected, fact.key
        if is_for_company(fact):
            firm = self._companies.handle(expected.companies.load(key), fact)
            self._saying.add(firm.emissions, fact)
            if firm.state is not None or firm.emissions or firm.timers or firm.rows:
                self._touched.add(key)
                expected.companies.save(key, firm)
                self._set(key, firm.timers)
            return
        before = Working(key, expected.leads.get(key, ScoredLead()), tuple(expected.facts.get(key, ())))
        changes = self._handlers_of(key).handle(before, fact)
        changes = ask_for_attention(self._attention, before, changes, fact)
        self._saying.add(changes.emissions, fact)
        if changes.state is None and not (changes.emissions or changes.timers or changes.rows):
            return
        self._touched.add(key)
        expected.leads[key] = before.kept if changes.state is None else changes.state.kept
        for row in changes.rows:
            self._keep(row)
        self._set(key, changes.timers)

    def _set(self, key: str, set_timers: Mapping[str, Instant | None]) -> None:
        for name, due in set_timers.items():
            timers = self.expected.timers.setdefault(key, {})
            if due is None:
                timers.pop(name, None)
            else:
                timers[name] = due

    def _keep(self, row: object) -> None:
        expected = self.expected
        if isinstance(row, KeptFact):
            expected.facts.setdefault(row.lead, []).append(row.fact)
        elif isinstance(row, TierChangeRow):
            expected.told.setdefault(row.lead, []).append(row)
        elif isinstance(row, ActivationRow):
            expected.activations.setdefault(row.lead, []).append(row)
        elif isinstance(row, Scrub):
            expected.facts[row.lead] = [
                scrubbed(fact) if row.profile in {"", fact.profile} else fact
                for fact in expected.facts.get(row.lead, ())
            ]
        elif not isinstance(row, Replaced):  # which checkpoints there are depends on what was loaded
            expected.faults.append(f"unexplained: a row of {type(row).__name__}")


async def compare_scoring(database: Database, expected: ScoringExpected, differences: Differences) -> None:
    """Compare scoring's tables, row by row, with what its handlers say."""
    await compare_companies(database, expected.companies, expected.versions, differences)
    async with database.connection() as connection:
        leads = await connection.fetch("SELECT key, version, payload FROM lead WHERE payload IS NOT NULL")
        facts = await load_facts(connection, sorted({row["key"] for row in leads} | expected.facts.keys()))
        told = await connection.fetch("SELECT * FROM tier_change ORDER BY number")
        timers = await connection.fetch("SELECT key, name, due FROM timer")
        activated = await connection.fetch("SELECT DISTINCT lead FROM activation")
        activations = await load_activations_of(connection, [row["lead"] for row in activated])
        checkpoints = await connection.fetch("SELECT lead, recounts, payload FROM checkpoint")
    for row in checkpoints:
        checkpoint = msgspec.msgpack.decode(row["payload"], type=Checkpoint)
        if not _holds(row["lead"], row["recounts"], checkpoint, expected):
            differences.add("checkpoint", f"{row['lead']} did not stand so at {checkpoint.place}")
    compare_maps(
        "state",
        {
            row["key"]: (row["version"], msgspec.msgpack.decode(row["payload"], type=ScoredLead))
            for row in leads
        },
        {key: (expected.versions.get(key), kept) for key, kept in expected.leads.items()},
        differences,
    )
    compare_maps(
        "fact",
        {f"{lead} {fact.id}": fact for lead, known in facts.items() for fact in known},
        {f"{lead} {fact.id}": fact for lead, known in expected.facts.items() for fact in known},
        differences,
    )
    rows: dict[str, list[tuple[object, ...]]] = {}
    for row in told:
        rows.setdefault(row["lead"], []).append(
            (
                *(row["cause"], row["told_at"], row["model"], row["model_version"], row["direction"]),
                *(row["from_tier"], row["to_tier"], row["points"], row["at"], row["restated"]),
            )
        )
    wanted = {
        lead: [
            (
                *(row.cause, row.told_at, row.change.model, row.change.version, row.change.direction),
                *(row.change.from_tier, row.change.to_tier, row.change.points, row.change.at),
                row.change.restated,
            )
            for row in changes
        ]
        for lead, changes in expected.told.items()
    }
    compare_maps("tier_change", rows, wanted, differences)
    compare_maps(
        "activation",
        {
            lead: [(said.cause, said.told_at, said.activation, said.external_ids) for said in told_of]
            for lead, told_of in activations.items()
        },
        {
            lead: [(row.cause, row.told_at, row.activation, row.external_ids) for row in told_of]
            for lead, told_of in expected.activations.items()
        },
        differences,
    )
    compare_maps(
        "timer",
        {f"{row['key']} {row['name']}": row["due"] for row in timers},
        {
            f"{key} {name}": due
            for key, set_timers in expected.timers.items()
            for name, due in set_timers.items()
        },
        differences,
    )


def _holds(lead: str, recounts: int, checkpoint: Checkpoint, expected: ScoringExpected) -> bool:
    """Return whether a checkpoint is what the facts before it come to.

    Those from before the lead was last folded anew are never read; those of versions that are no documents
    are not looked at here.
    """
    models = load_models(CONFIG)
    kept = expected.leads.get(lead, ScoredLead())
    if recounts != kept.recounts or not is_current(models, checkpoint.score):
        return True
    counted = counted_facts(lead, kept, expected.facts.get(lead, ()))
    before = [fact for fact in counted if Place(fact.occurred, fact.id) <= checkpoint.place]
    return checkpoint == (fold(models, before), external_ids_in(before))
