"""What became of opportunities: the latest word counts, and lost takes back what was won."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from services.analytics.domain.facts import Place
from shared.kernel.instants import Instant

WordKind = Literal["created", "moved", "won", "lost", "paid"]
Contribution = Literal["won", "paid"]
Status = Literal["open", "won", "lost"]


class Word(msgspec.Struct, frozen=True, gc=False):
    """One thing said about an opportunity; ``minor`` and ``currency`` where it was won or paid."""

    event: str
    opportunity: str
    profile: str
    kind: WordKind
    occurred: Instant
    received: Instant
    minor: int = 0
    currency: str = ""
    payment: str = ""

    @property
    def place(self) -> Place:
        """Where it stands among others."""
        return Place(self.occurred, self.received, self.event)


class ConversionKey(NamedTuple):
    """Names a conversion: a deal that was won, or one of its payments."""

    contribution: Contribution
    opportunity: str
    payment: str = ""


class Conversion(msgspec.Struct, frozen=True, gc=False):
    """An outcome to be shared between touches.

    ``at`` is when it happened and ``closing`` the end of the path that led there. ``event`` is the word
    that stands.
    """

    key: ConversionKey
    profile: str
    event: str
    at: Instant
    closing: Instant
    minor: int
    currency: str


class Standing(NamedTuple):
    """How an opportunity stands: whose it is, its status, since when it is known, the word that decides."""

    profile: str
    status: Status
    opened: Instant
    event: str


class Opportunity(msgspec.Struct, frozen=True, gc=False):
    """An opportunity as it stands; ``profile`` is whom the word that decides names.

    ``opened`` is the instant of the first word, whatever it was: a win that nobody announced counts.
    """

    name: str
    profile: str
    status: Status
    opened: Instant
    event: str
    conversions: tuple[Conversion, ...]

    @property
    def standing(self) -> Standing:
        """How it stands, as its row tells."""
        return Standing(self.profile, self.status, self.opened, self.event)


def opportunity_of(words: Sequence[Word]) -> Opportunity | None:
    """Return how an opportunity stands after all that was said about it, in whatever order; None if nothing.

    What decides is the latest word that it was won or lost; without one, the latest that it was
    created or moved; without one, the latest payment.
    """
    if not words:
        return None
    decider = _latest(words, "won", "lost") or _latest(words, "created", "moved") or _latest(words, "paid")
    assert decider is not None
    won = decider if decider.kind == "won" else None
    conversions = [] if won is None else [_conversion(won, "won", profile=won.profile, closing=won.occurred)]
    for payment in _payments(words):
        closing = payment.occurred if won is None else min(payment.occurred, won.occurred)
        conversions.append(_conversion(payment, "paid", profile=decider.profile, closing=closing))
    return Opportunity(
        name=decider.opportunity,
        profile=decider.profile,
        status="won" if won else "lost" if decider.kind == "lost" else "open",
        opened=min(word.occurred for word in words),
        event=decider.event,
        conversions=tuple(conversions),
    )


def opportunities_of(words: Iterable[Word]) -> dict[str, Opportunity]:
    """Return how every opportunity stands."""
    by_name: dict[str, list[Word]] = {}
    for word in words:
        by_name.setdefault(word.opportunity, []).append(word)
    stands = {name: opportunity_of(said) for name, said in by_name.items()}
    return {name: opportunity for name, opportunity in stands.items() if opportunity is not None}


def _latest(words: Iterable[Word], *kinds: WordKind) -> Word | None:
    return max((word for word in words if word.kind in kinds), key=lambda word: word.place, default=None)


def _payments(words: Iterable[Word]) -> list[Word]:
    """Return the latest word about each payment, in order of their names."""
    latest: dict[str, Word] = {}
    for word in sorted((word for word in words if word.kind == "paid"), key=lambda word: word.place):
        latest[word.payment] = word
    return [latest[name] for name in sorted(latest)]


def _conversion(word: Word, contribution: Contribution, *, profile: str, closing: Instant) -> Conversion:
    return Conversion(
        key=ConversionKey(contribution, word.opportunity, word.payment if contribution == "paid" else ""),
        profile=profile,
        event=word.event,
        at=word.occurred,
        closing=closing,
        minor=word.minor,
        currency=word.currency,
    )
