"""A tiny world for the handlers: tables are dictionaries, the log is a list, the fold is the real one.

What is said on ``internal.scoring`` is kept with its bytes and delivered back when the test says so.
A lead's facts are at hand only where the store would load them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from services.scoring.bootstrap import build_stage
from services.scoring.domain.activation.told import ActivationRow, is_untold
from services.scoring.domain.checkpoints.checkpoint import EVERY, Checkpoint, Replaced, Stretch
from services.scoring.domain.companies.company import (
    CompanyChangeRow,
    CompanyFactGone,
    CompanyFactKept,
    CompanyHeard,
    CompanyWorking,
    KeptCompany,
)
from services.scoring.domain.companies.compiler import CompanyModel
from services.scoring.domain.effects import first_of, outlooks
from services.scoring.domain.facts import Fact, Place
from services.scoring.domain.scored_lead import (
    KeptFact,
    ScoredLead,
    Scrub,
    Working,
    can_resume,
    counted_facts,
    is_enough,
    needs_history,
    scrubbed,
)
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.told_changes import TierChangeRow
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.subjects import Subject
from services.scoring.handlers.telling import COOLING
from shared.contracts.declarations import Event
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.scores import ScoresUpdated
from shared.contracts.events.tier_changes import LeadActivated, TierChanged
from shared.contracts.topics import INTERNAL, SCORES, TIER_CHANGES
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import Instant
from shared.processor.fold import Announcer, Fold
from shared.processor.stage import Loaded
from tests.unit.scoring.stories import BOTH

PARTITIONS = 4
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Checkpoint).decode


class World:
    """Everything that scoring has stored and said."""

    def __init__(
        self,
        models: ModelSet = BOTH,
        *,
        checkpoint_every: int = EVERY,
        companies: Sequence[CompanyModel] = (),
    ) -> None:
        self.company_models = companies
        self.every = checkpoint_every
        self.checkpoints: dict[str, dict[tuple[int, Place], bytes]] = {}
        self.stretches: list[Stretch] = []
        self.leads: dict[str, tuple[int, bytes]] = {}
        self.companies: dict[str, tuple[int, bytes]] = {}
        self.company_facts: dict[str, dict[str, Fact]] = {}
        self.company_changes: list[CompanyChangeRow] = []
        self.facts: dict[str, dict[str, Fact]] = {}
        self.timers: dict[str, dict[str, Instant]] = {}
        self.told: list[TierChangeRow] = []
        self.activations: list[ActivationRow] = []
        self.internal: list[Learned] = []
        self.said: dict[str, list[bytes]] = {}
        self.scores: dict[str, ScoresUpdated] = {}
        self.tombstones: list[str] = []
        self.rang: list[tuple[str, Instant]] = []
        self.rule_by(models)

    def rule_by(self, models: ModelSet) -> None:
        """Restart with these models."""
        self.models = models
        self.stage = build_stage(
            models,
            partitions=PARTITIONS,
            checkpoint_every=self.every,
            companies=self.company_models,
        )
        self.announcer = Announcer(
            source="/leadmill/scoring", partitions=PARTITIONS, max_record_bytes=900_000
        )

    def kept(self, lead: str) -> ScoredLead:
        """A lead as it is stored."""
        row = self.leads.get(lead)
        return ScoredLead() if row is None else msgspec.msgpack.decode(row[1], type=ScoredLead)

    def counted(self, lead: str) -> list[Fact]:
        """The facts that count for a lead now."""
        return list(counted_facts(lead, self.kept(lead), self.facts.get(lead, {}).values()))

    def told_of(self, lead: str) -> list[TierChangeRow]:
        """What was told of one lead, in order."""
        return [row for row in self.told if row.lead == lead]

    def activations_of(self, lead: str) -> list[ActivationRow]:
        """What was told of one lead's activations, in order."""
        return [row for row in self.activations if row.lead == lead]

    def learn(self, batch: Sequence[Learned], *, until: Instant | None = None) -> None:
        """Handle one batch, and then let every timer ring that is due by ``until``."""
        keys = dict.fromkeys(learned.key for learned in batch)
        if until is not None:
            keys |= dict.fromkeys(self.timers)
        timers = {key: self.timers[key] for key in keys if key in self.timers}
        loaded = {key: self._load(key, [f.event for f in batch if f.key == key]) for key in keys}
        known = {key: found for key, found in loaded.items() if found is not None}
        fold: Fold[Subject] = Fold(self.stage, self.announcer, known, timers)
        for learned in batch:
            fold.learn(learned)
        if until is not None:
            for key in keys:
                fold.ring_due(key, until + 1)
        self._save(fold)

    def _load(self, key: str, coming: Sequence[object]) -> Loaded[Subject] | None:
        if key in self.companies or any(isinstance(one, CompanyHeard) for one in coming):
            return self.load_company(key)
        row = self.leads.get(key)
        if row is None:
            return None
        kept = self.kept(key)
        history: tuple[Fact, ...] | Stretch | None = None
        if needs_history(self.models, kept, coming):
            stored = self.facts.get(key, {}).values()
            history = tuple(sorted(stored, key=lambda fact: (fact.occurred, fact.id)))
            if can_resume(self.models, kept, coming, every=self.every):
                history = self._stretch(
                    Working(key, kept), history, [f for f in coming if isinstance(f, Fact)]
                )
        return Loaded(row[0], Working(key, kept, history))

    def valid_checkpoints(self, lead: str) -> list[Checkpoint]:
        """The checkpoints of a lead that hold, in order."""
        kept = self.kept(lead)
        held = sorted(self.checkpoints.get(lead, {}).items())
        return [_DECODE(row) for (recounts, _), row in held if recounts == kept.recounts]

    def _stretch(self, lead: Working, facts: tuple[Fact, ...], coming: list[Fact]) -> Stretch:
        """What the store loads: as little as is enough."""
        known = frozenset(fact.id for fact in facts) & {fact.id for fact in coming}
        new = [fact for fact in coming if fact.id not in known]
        if not new:
            return Stretch(known)
        first = min(Place(fact.occurred, fact.id) for fact in new)
        checkpoints = self.valid_checkpoints(lead.lead)
        base = max((one for one in checkpoints if one.place < first), key=lambda one: one.place, default=None)
        after = tuple(fact for fact in facts if base is None or (fact.occurred, fact.id) > base.place)
        ends = [one for one in checkpoints if one.place > first]
        for length in range(1, len(ends) + 1):
            last = ends[length - 1].place
            within = tuple(fact for fact in after if (fact.occurred, fact.id) <= last)
            stretch = Stretch(known, base, within, tuple(ends[:length]))
            if is_enough(
                self.models, msgspec.structs.replace(lead, history=stretch), coming, every=self.every
            ):
                self.stretches.append(stretch)
                return stretch
        self.stretches.append(Stretch(known, base, after))
        return self.stretches[-1]

    def load_company(self, key: str) -> Loaded[Subject]:
        """A company as it is stored, with all its facts."""
        version, row = self.companies.get(key, (0, None))
        kept = KeptCompany() if row is None else msgspec.msgpack.decode(row, type=KeptCompany)
        stored = self.company_facts.get(key, {}).values()
        return Loaded(version, CompanyWorking(key, kept, tuple(stored)))

    def _save(self, fold: Fold[Subject]) -> None:
        folded = fold.finish()
        assert not folded.dead
        self.rang += [(timer.key, due) for timer, due in folded.rung]
        for write in folded.writes:
            kind = self.companies if isinstance(write.state, CompanyWorking) else self.leads
            kind[write.key] = (write.version, _ENCODE(write.state.kept))
            for row in write.rows:
                self._keep(row)
        for timer, due in folded.timers.items():
            self.timers.setdefault(timer.key, {}).pop(timer.name, None)
            if due is not None:
                self.timers[timer.key][timer.name] = due
        for target, records in folded.output.by_partition().items():
            for record in records:
                if record.value is None:
                    assert target.topic == SCORES.name
                    self.scores.pop((record.key or b"").decode(), None)
                    self.tombstones.append((record.key or b"").decode())
                else:
                    self._hear(target.topic, record.value)

    def _keep(self, row: object) -> None:
        if isinstance(row, KeptFact):
            stored = self.facts.setdefault(row.lead, {})
            assert row.fact.id not in stored, "a fact is appended once"
            stored[row.fact.id] = row.fact
        elif isinstance(row, ActivationRow):
            self.activations.append(row)
        elif isinstance(row, Replaced):
            self.checkpoints[row.lead] = {
                key: held
                for key, held in self.checkpoints.get(row.lead, {}).items()
                if not (key[1] > row.after and (row.until is None or key[1] < row.until))
            } | {(row.recounts, one.place): _ENCODE(one) for one in row.checkpoints}
        elif isinstance(row, CompanyFactKept):
            self.company_facts.setdefault(row.company, {})[row.fact.id] = row.fact
        elif isinstance(row, CompanyFactGone):
            del self.company_facts[row.company][row.id]
        elif isinstance(row, CompanyChangeRow):
            self.company_changes.append(row)
        elif isinstance(row, Scrub):
            self.checkpoints.pop(row.lead, None)
            for identity, fact in self.facts.get(row.lead, {}).items():
                if row.profile in {"", fact.profile}:
                    self.facts[row.lead][identity] = scrubbed(fact)
        else:
            self.told.append(cast(TierChangeRow, row))

    def _hear(self, topic: str, value: bytes) -> None:
        envelope = decode_envelope(value)
        if topic == INTERNAL["scoring"].name:
            learned = interpret(envelope)
            assert learned is not None
            self.internal.append(learned)
        if topic == SCORES.name:
            event = decode_event(envelope)
            assert isinstance(event, ScoresUpdated)
            self.scores[event.lead] = event
        else:
            self.said.setdefault(f"{topic} {envelope.subject}", []).append(value)

    def changes_said(self, lead: str) -> list[TierChanged]:
        """The tier changes of one lead as the topic holds them."""
        return [event for event in self.told_on_topic(lead) if isinstance(event, TierChanged)]

    def activations_said(self, lead: str) -> list[LeadActivated]:
        """The activations of one lead as the topic holds them."""
        return [event for event in self.told_on_topic(lead) if isinstance(event, LeadActivated)]

    def told_on_topic(self, lead: str) -> list[Event]:
        """Everything of one lead on the topic of tier changes, in order."""
        values = self.said.get(f"{TIER_CHANGES.name} {lead}", [])
        return [decode_event(decode_envelope(value)) for value in values]

    def check_clock(self, lead: str) -> None:
        """The clock is set, never later than the next change that time alone brings, and not in the past.

        And no activation is left untold.
        """
        kept = self.kept(lead)
        wake = self.timers.get(lead, {}).get(COOLING)
        assert wake == kept.wake
        if kept.score is None or kept.lives_at or kept.erased is not None:
            assert wake is None
            return
        for name, held in kept.score.models.items():
            assert not is_untold(held.gate, kept.told.activations.get(name))
        assert wake == first_of(kept.outlooks)
        for name, look in outlooks(self.models, kept.score, kept.told, now=kept.told.through).items():
            assert kept.outlooks[name].is_no_later_than(look)
        assert wake is None or wake > kept.told.through
