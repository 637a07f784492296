"""Analytics' tables in memory: what the desk is given and what becomes of it, without SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.analytics.domain.costs import Cost
from services.analytics.domain.derivation import Row, SentMessage
from services.analytics.domain.desk import Desk, Sharing
from services.analytics.domain.facts import Fact, scrubbed
from services.analytics.domain.history import History
from services.analytics.domain.homes import Home, Move, lead_of
from services.analytics.domain.milestones import Milestone
from services.analytics.domain.outcomes import ConversionKey, Opportunity, Word
from services.analytics.domain.touch_points import Touch
from services.analytics.domain.verdicts import Verdict
from services.analytics.handlers.learning import learn as learn_fact
from services.analytics.store.documents import Rulebook
from services.analytics.store.facts import KEPT_KINDS
from shared.kernel import changes
from shared.kernel.instants import Instant


class World:
    """Everything that was learnt so far, and what follows from it."""

    def __init__(self, rules: Rulebook) -> None:
        self.rules = rules
        self.facts: dict[str, Fact] = {}
        self.rows: dict[tuple[str, type, str], Row] = {}
        self.homes: dict[str, Home] = {}
        self.erased: dict[str, Instant] = {}
        self.opportunities: dict[str, Opportunity] = {}
        self.sharings: dict[ConversionKey, Sharing] = {}

    def rows_like(self, kind: type[Any]) -> list[Any]:
        """Return the rows of one kind."""
        return [row for row in self.rows.values() if isinstance(row, kind)]

    def learn(self, batch: Iterable[changes.Fact]) -> None:
        """Work on one batch."""
        facts = [fact for fact in batch if fact.id not in self.facts]
        profiles = {row.profile for row in (*self.rows_like(Touch), *self.rows_like(Word))}
        profiles |= {fact.key for fact in facts}
        profiles |= {row.lead for fact in facts for row in fact.event.rows if isinstance(row, Move)}  # type: ignore[attr-defined]
        desk = Desk(
            self.rules.crediting,
            leads=frozenset({lead_of(self.homes, profile) for profile in profiles} | profiles),
            homes=dict(self.homes),
            erased=dict(self.erased),
            words={word.event: word for word in self.rows_like(Word)},
            touches={touch.event: touch for touch in self.rows_like(Touch)},
            verdicts={verdict.event: verdict for verdict in self.rows_like(Verdict)},
            stored=dict(self.sharings),
        )
        for fact in facts:
            desk.begin_fact()
            learn_fact(desk, fact)
        self._save(desk)

    def _save(self, desk: Desk) -> None:
        result = desk.settle()
        for one in result.learned:
            self.facts.setdefault(one.fact.id, one.fact)
            for row in one.rows:
                self.rows.setdefault((row.event, type(row), getattr(row, "kind", "")), row)
        self.homes.update(result.homes)
        self.erased.update(result.erased)
        for profile, instant in result.erased.items():
            self._erase(profile, instant)
        for name, opportunity in result.opportunities.items():
            _put(self.opportunities, name, opportunity)
        for key, sharing in result.sharings.items():
            _put(self.sharings, key, sharing)

    def _erase(self, profile: str, erased: Instant) -> None:
        for fact in list(self.facts.values()):
            if fact.profile != profile:
                continue
            if fact.received > erased and fact.kind not in KEPT_KINDS:
                del self.facts[fact.id]
            else:
                self.facts[fact.id] = scrubbed(fact)
        for key, row in list(self.rows.items()):
            if isinstance(row, Move | Cost):
                continue
            if row.profile == profile and row.received > erased:
                del self.rows[key]

    def history(self) -> History:
        """Return the rows for a fold."""
        return History(
            moves=self.rows_like(Move),
            touches=self.rows_like(Touch),
            words=self.rows_like(Word),
            milestones=self.rows_like(Milestone),
            messages=self.rows_like(SentMessage),
            verdicts=self.rows_like(Verdict),
        )


def _put(rows: dict[Any, Any], key: object, value: object | None) -> None:
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value
