"""The desk: what one batch works on, and what it made of it.

Facts are appended; what was said about opportunities and where profiles live may change whose touches
share which outcome. Every conversion whose lead was touched is shared anew when the batch is settled,
and rewritten only if that made a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import msgspec

from services.analytics.domain.credits import Credit, Crediting
from services.analytics.domain.derivation import Erasure, Row
from services.analytics.domain.facts import Fact, scrubbed
from services.analytics.domain.homes import Home, Move, first_home, home_after, lead_of
from services.analytics.domain.outcomes import Conversion, ConversionKey, Opportunity, Word, opportunity_of
from services.analytics.domain.touch_points import Touch
from services.analytics.domain.verdicts import Verdict, Verdicts
from shared.kernel.instants import Instant

R = TypeVar("R")


class Learned(msgspec.Struct, frozen=True, gc=False):
    """A fact, and the rows that it stands for."""

    fact: Fact
    rows: tuple[Row, ...]

    @property
    def moves_credit(self) -> bool:
        """True if it can change who is credited with what."""
        return any(isinstance(row, Touch | Word | Move | Verdict | Erasure) for row in self.rows)

    def rows_like(self, kind: type[R]) -> list[R]:
        """Return the rows of one kind."""
        return [row for row in self.rows if isinstance(row, kind)]


class Sharing(NamedTuple):
    """A conversion and who was credited with it."""

    conversion: Conversion
    credits: tuple[Credit, ...]


@dataclass(slots=True)
class Settlement:
    """What a batch leaves: facts to append, what changed of what follows from all facts.

    ``erased`` maps profiles to the instant after which nothing of them is kept. ``opportunities`` and
    ``sharings`` map to None what is no longer there.
    """

    learned: list[Learned] = field(default_factory=list)
    homes: dict[str, Home] = field(default_factory=dict)
    erased: dict[str, Instant] = field(default_factory=dict)
    opportunities: dict[str, Opportunity | None] = field(default_factory=dict)
    sharings: dict[ConversionKey, Sharing | None] = field(default_factory=dict)


class _Undo(NamedTuple):
    """How things stood when the fact in hand began."""

    learned: int
    profile: str
    home: Home | None
    erased: Instant | None


@dataclass(slots=True)
class Desk:
    """The rows of one batch.

    ``leads`` are locked. ``homes`` and ``erased`` hold what is known of every profile that the batch
    concerns. ``words`` holds everything that was said about the opportunities that may change, and
    ``touches`` every touch of the leads that have a deal or may get one, ``verdicts`` every verdict about
    them. ``stored`` is how the conversions of these opportunities were shared before. ``facts_of`` counts
    the facts there are of profiles that may be scrubbed.
    """

    crediting: Crediting
    leads: frozenset[str] = frozenset()
    homes: dict[str, Home] = field(default_factory=dict)
    erased: dict[str, Instant] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    touches: dict[str, Touch] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    stored: dict[ConversionKey, Sharing] = field(default_factory=dict)
    facts_of: dict[str, int] = field(default_factory=dict)
    _learned: list[Learned] = field(default_factory=list)
    _moved: set[str] = field(default_factory=set)
    _forgotten: set[str] = field(default_factory=set)
    _undo: _Undo | None = None

    def begin_fact(self) -> None:
        """From here on :meth:`undo_fact` comes back to here."""
        self._undo = None

    def undo_fact(self) -> None:
        """Make everything as it was when the fact in hand began."""
        if self._undo is None:
            return
        count, profile, home, erased = self._undo
        del self._learned[count:]
        _put_back(self.homes, profile, home)
        _put_back(self.erased, profile, erased)
        self._undo = None

    def learn(self, learned: Learned) -> None:
        """Note a fact, unless it is of an erased person and was received after the erasure.

        Where a profile lives is no such fact: it names nobody, and sums depend on it.
        """
        profile = learned.fact.profile
        self._undo = _Undo(len(self._learned), profile, self.homes.get(profile), self.erased.get(profile))
        moves = learned.rows_like(Move)
        if not moves and self._is_dropped(learned.fact):
            return
        self._learned.append(learned)
        for move in moves:
            self.homes[profile] = home_after(self.homes.get(profile) or first_home(profile), move)
            self._moved.add(profile)
        for erasure in learned.rows_like(Erasure):
            self.erased[profile] = erasure.received  # a later one has just been dropped
            self._forgotten.add(profile)

    def count_facts(self, profile: str) -> int:
        """Return how many facts of a profile there are, those learnt in this batch among them."""
        fresh = sum(1 for one in self._learned if one.fact.profile == profile)
        return self.facts_of.get(profile, 0) + fresh

    def _is_dropped(self, row: Fact | Word | Touch | Verdict) -> bool:
        erased = self.erased.get(row.profile)
        return erased is not None and row.received > erased

    def settle(self) -> Settlement:
        """Share anew what may have changed, and return what is to be written."""
        kept = [one for one in self._learned if one.rows_like(Move) or not self._is_dropped(one.fact)]
        result = Settlement(
            learned=[
                Learned(scrubbed(one.fact), one.rows) if one.fact.profile in self.erased else one
                for one in kept
            ],
            homes={profile: self.homes[profile] for profile in self._moved & self.homes.keys()},
            erased={profile: self.erased[profile] for profile in self._forgotten & self.erased.keys()},
        )
        if any(one.moves_credit for one in self._learned):
            self._settle_opportunities(result)
        return result

    def _settle_opportunities(self, result: Settlement) -> None:
        of_lead = self._standing_touches(result.learned)
        of_opportunity, changed = self._standing_words(result.learned)
        stored: dict[str, dict[ConversionKey, Sharing]] = {}
        for key, sharing in self.stored.items():
            stored.setdefault(key.opportunity, {})[key] = sharing
        for name, said in of_opportunity.items():
            opportunity = opportunity_of(said)
            if opportunity is not None and lead_of(self.homes, opportunity.profile) not in self.leads:
                continue  # its lead is somebody else's: nothing here changes what its touches share
            if name in changed:
                result.opportunities[name] = opportunity
            before, after = stored.get(name, {}), self._share(opportunity, of_lead)
            for key in before.keys() | after.keys():
                if before.get(key) != after.get(key):
                    result.sharings[key] = after.get(key)

    def _standing_touches(self, learned: Iterable[Learned]) -> dict[str, list[Touch]]:
        """Return the touches on the desk that count, by lead."""
        touches, said = dict(self.touches), dict(self.verdicts)
        for one in learned:
            touches.update((touch.event, touch) for touch in one.rows_like(Touch))
            said.update((verdict.event, verdict) for verdict in one.rows_like(Verdict))
        verdicts = Verdicts(one for one in said.values() if not self._is_dropped(one))
        of_lead: dict[str, list[Touch]] = {}
        for touch in touches.values():
            if not self._is_dropped(touch) and verdicts.earns(touch):
                of_lead.setdefault(lead_of(self.homes, touch.profile), []).append(touch)
        return of_lead

    def _standing_words(self, learned: Iterable[Learned]) -> tuple[dict[str, list[Word]], set[str]]:
        """Return the words that count, by opportunity, and of which opportunities there are new or fewer."""
        words = dict(self.words)
        for one in learned:
            words.update((word.event, word) for word in one.rows_like(Word))
        of_opportunity: dict[str, list[Word]] = {}
        changed = set()
        for word in words.values():
            said = of_opportunity.setdefault(word.opportunity, [])
            if self._is_dropped(word):
                changed.add(word.opportunity)
            else:
                said.append(word)
                if word.event not in self.words:
                    changed.add(word.opportunity)
        return of_opportunity, changed

    def _share(
        self, opportunity: Opportunity | None, of_lead: Mapping[str, list[Touch]]
    ) -> dict[ConversionKey, Sharing]:
        shared = {}
        for conversion in () if opportunity is None else opportunity.conversions:
            touches = of_lead.get(lead_of(self.homes, conversion.profile), ())
            shared[conversion.key] = Sharing(conversion, self.crediting.credits(conversion, touches))
        return shared


V = TypeVar("V")


def _put_back(rows: dict[str, V], key: str, value: V | None) -> None:
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value
