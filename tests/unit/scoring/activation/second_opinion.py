"""A second opinion on C9: the gate of ``mql`` written out by hand, slow and plain.

It goes through all facts each time and shares nothing with the gate but them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.scoring.domain.facts import Fact
from shared.kernel.instants import HOUR, MINUTE, Instant
from tests.unit.scoring import oracle


class Seen(NamedTuple):
    """An activation: in which cycle, with which fact, at how many points, and by which two acts."""

    cycle: int
    at: Instant
    fact: str
    points: int
    acts: tuple[str, ...]


class Counted(NamedTuple):
    """An act that counts: when, what was done to what, which fact."""

    at: Instant
    what: tuple[str, object]
    fact: str


def high_value(fact: Fact) -> tuple[str, object] | None:
    """What was done to what, if it is one of the acts that count."""
    fields = fact.fields
    if fact.name == "document_downloaded" and fields["kind"] == "quote":
        return "quote", fields["document"]
    if fact.name == "page_viewed" and fields["kind"] == "price":
        return "price", fields["path"]
    if fact.name in {"demo_requested", "trial_requested"}:
        return "request", ""
    if fact.name == "email_link_clicked" and fields["purpose"] == "book_demo":
        return "click", fields["message"]
    return None


def points_after(known: list[Fact], at: Instant) -> int:
    """The score in ``mql`` that these facts make at an instant."""
    attributes: dict[str, object] = {}
    for fact in known:
        if fact.name == "attributes":
            attributes.update(fact.fields)
    return oracle.mql(known, attributes, at)


def activations(facts: Iterable[Fact]) -> list[Seen]:
    """Every activation in a history, in order."""
    known = sorted(facts, key=lambda fact: (fact.occurred, fact.id))
    found: list[Seen] = []
    counted: list[Counted] = []
    is_active = False
    for number, fact in enumerate(known, 1):
        if fact.name in {"opportunity_lost", "lead_returned"}:
            counted, is_active = [], False
            continue
        what = high_value(fact)
        if what and not any(c.what == what and fact.occurred - c.at < 30 * MINUTE for c in counted):
            counted.append(Counted(fact.occurred, what, fact.id))
        if is_active:
            continue
        recent = [c for c in counted if fact.occurred - c.at <= 168 * HOUR]
        points = points_after(known[:number], fact.occurred)
        if len(recent) >= 2 and points >= 80_000:
            is_active = True
            acts = tuple(c.fact for c in recent[-2:])
            found.append(Seen(len(found) + 1, fact.occurred, fact.id, points, acts))
    return found


def is_open(facts: Iterable[Fact], at: Instant) -> bool:
    """Whether points and acts suffice at an instant, by what occurred until then in this sales cycle."""
    known = sorted((f for f in facts if f.occurred <= at), key=lambda fact: (fact.occurred, fact.id))
    counted: list[Counted] = []
    for fact in known:
        if fact.name in {"opportunity_lost", "lead_returned"}:
            counted = []
        what = high_value(fact)
        if what and not any(c.what == what and fact.occurred - c.at < 30 * MINUTE for c in counted):
            counted.append(Counted(fact.occurred, what, fact.id))
    recent = [c for c in counted if at - c.at <= 168 * HOUR]
    return len(recent) >= 2 and points_after(known, at) >= 80_000
