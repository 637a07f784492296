"""What a profile brings along to whichever lead it lives with, and what stands on a lead.

Everything here is a set that grows: words of rules and of people, and touches. What stands on a lead is
worked out of the trails of its profiles, so that a merge joins them, an un-merge parts them again, and
the order in which messages arrive is of no account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from services.ingest.domain.channels.touches import Touch, first_of, is_new, last_of
from services.ingest.domain.tags.definitions import Tag
from shared.kernel.instants import Instant


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False, order=True):
    """When a rule spoke, and which."""

    at: Instant
    rule: str


class RuleWords(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What rules said about one tag because of what happened: when it was put on and taken off."""

    on: Mark | None = None
    off: Mark | None = None

    @property
    def stands(self) -> bool:
        """True if the tag was put on, and not taken off since."""
        return self.on is not None and (self.off is None or self.on.at >= self.off.at)


class HandWord(msgspec.Struct, frozen=True, array_like=True, gc=False, order=True):
    """What a person said about one tag, when it was recorded, and who."""

    at: Instant
    cause: str
    is_on: bool
    who: str


class Trail(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What one profile brings along."""

    first: Touch | None = None
    last: Touch | None = None
    sources: tuple[str, ...] = ()
    words: dict[str, RuleWords] = {}
    by_hand: dict[str, HandWord] = {}


class Card(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What stands on a lead, as it was said last: each tag with what put it on, and the touches.

    A tag that a person put on says so with ``by:`` and who. ``version`` counts the changes of tags.
    """

    version: int = 0
    tags: dict[str, str] = {}
    sources: tuple[str, ...] = ()
    first: Touch | None = None
    last: Touch | None = None


Drawn = tuple[object, dict[str, str]]
"""What the tags of a lead were worked out of last, and they themselves."""

EMPTY_TRAIL = Trail()
EMPTY_CARD = Card()


class Word(NamedTuple):
    """A rule says of a tag that it goes on or comes off."""

    tag: str
    is_on: bool
    rule: str


def add_touch(trail: Trail, touch: Touch) -> Trail:
    """Return the trail with a touch; the same object if it is neither the first nor the last."""
    if not is_new(touch, first=trail.first, last=trail.last):
        return trail
    first, last = first_of((trail.first, touch)), last_of((trail.last, touch))
    if first == trail.first and last == trail.last:
        return trail
    return msgspec.structs.replace(trail, first=first, last=last)


def add_source(trail: Trail, source: str) -> Trail:
    """Return the trail with the source of a message; the same object if it came from there before."""
    if source in trail.sources:
        return trail
    return msgspec.structs.replace(trail, sources=tuple(sorted({*trail.sources, source})))


def add_words(
    trail: Trail, words: Iterable[Word], *, at: Instant, comes_off: frozenset[str] = frozenset()
) -> Trail:
    """Return the trail with what rules say; the same object if nothing is different.

    Of a tag that no rule takes off the first word is kept, of others the newest.
    """
    known: dict[str, RuleWords] | None = None
    for word in words:
        before = (trail.words if known is None else known).get(word.tag, RuleWords())
        mark = Mark(at, word.rule)
        if not word.is_on:
            after = RuleWords(before.on, mark if before.off is None else max(before.off, mark))
        elif before.on is None:
            after = RuleWords(mark, before.off)
        else:
            choose = max if word.tag in comes_off else min
            after = RuleWords(choose(before.on, mark), before.off)
        if after != before:
            known = dict(trail.words) if known is None else known
            known[word.tag] = after
    return trail if known is None else msgspec.structs.replace(trail, words=known)


def add_hand_word(trail: Trail, tag: str, word: HandWord) -> Trail:
    """Return the trail with what a person says about a tag; the word recorded last counts."""
    before = trail.by_hand.get(tag)
    if before is not None and before >= word:
        return trail
    return msgspec.structs.replace(trail, by_hand={**trail.by_hand, tag: word})


@dataclass(slots=True)
class TagBook:
    """Trails and cards of the leads that one batch works on; it tells afterwards what changed.

    ``own`` are the tags that people added or changed, ``drawn`` what is known of each lead's tags.
    """

    trails: dict[str, Trail] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    own: Mapping[str, Tag] = field(default_factory=dict)
    drawn: dict[str, Drawn] = field(default_factory=dict)
    changed_trails: set[str] = field(default_factory=set)
    changed_cards: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    _trails_before: dict[str, Trail] = field(default_factory=dict)
    _cards_before: dict[str, Card] = field(default_factory=dict)

    def begin_fact(self) -> None:
        """From here on :meth:`undo_fact` comes back to here."""
        self.touched.clear()
        self._trails_before.clear()
        self._cards_before.clear()

    def undo_fact(self) -> None:
        """Make everything as it was when the fact in hand began; what is saved for nothing does no harm."""
        self.trails |= self._trails_before
        self.cards |= self._cards_before
        self.begin_fact()

    def trail(self, profile: str) -> Trail:
        """Return what a profile brings along."""
        return self.trails.get(profile, EMPTY_TRAIL)

    def card(self, lead: str) -> Card:
        """Return what stood on a lead when it was said last."""
        return self.cards.get(lead, EMPTY_CARD)

    def save_trail(self, profile: str, trail: Trail) -> None:
        """Store a trail that has grown; ``touched`` names its profile."""
        self._trails_before.setdefault(profile, self.trail(profile))
        self.trails[profile] = trail
        self.changed_trails.add(profile)
        self.touched.add(profile)

    def save_card(self, lead: str, card: Card) -> None:
        """Store what stands on a lead now."""
        self._cards_before.setdefault(lead, self.card(lead))
        self.cards[lead] = card
        self.changed_cards.add(lead)
