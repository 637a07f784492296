"""The second opinion's tiers: walked through in order of time, every crossing looked for the slow way.

Only a reading whose score is constant between steps, or only falls between facts, can be walked so.
"""

from __future__ import annotations

from typing import NamedTuple

from services.scoring.domain.facts import Fact
from shared.kernel.instants import DAY, HOUR, Instant
from tests.unit.scoring.any_model.documents import Document
from tests.unit.scoring.any_model.naive import Reading, read, score, sort


class NaiveTier(NamedTuple):
    """``enter`` is the least score that rises into it, ``leave`` the highest at which it is left."""

    name: str
    enter: int | None
    leave: int | None


class Change(NamedTuple):
    """From one tier to another at an instant."""

    at: Instant
    from_tier: str
    to_tier: str
    points: int


def tiers_of(document: Document) -> list[NaiveTier]:
    """Lowest first."""
    tiers, leaving = [], document.get("leaving")
    for tier in reversed(document["tiers"]):
        if "at_least" not in tier and "more_than" not in tier:
            tiers.append(NaiveTier(tier["tier"], None, None))
            continue
        bound = round(tier.get("at_least", tier.get("more_than")) * 1000)
        enter = bound + ("more_than" in tier)
        leave = bound - round(leaving["margin"] * 1000) if leaving else enter - 1
        tiers.append(NaiveTier(tier["tier"], enter, leave))
    return tiers


class Walk:
    """Walks through a lead's life under one model."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.tiers = tiers_of(document)
        self.dwell = document.get("leaving", {}).get("after_hours", 0) * HOUR
        self.changes: list[Change] = []

    def history(self, facts: list[Fact], *, until: Instant) -> list[Change]:
        """Every change of tier."""
        facts = sort(facts)
        concerned = read(self.document, facts).concerned
        self.changes, self.held, self.since = [], 0, facts[0].occurred
        past, reading = facts[0].occurred - 1, read(self.document, [])
        for number, fact in enumerate(facts):
            if fact.id in concerned:
                self.let_pass(reading, past + 1, fact.occurred - 1)
                reading = read(self.document, facts[: number + 1])
                self.enter(reading, fact.occurred)
                past = fact.occurred
        self.let_pass(reading, past + 1, until)
        return self.changes

    def target(self, points: int, at: Instant) -> int | None:
        """The tier for which the one held is left, if it is."""
        reached = max(i for i, tier in enumerate(self.tiers) if tier.enter is None or points >= tier.enter)
        if reached > self.held:
            return reached
        leave = self.tiers[self.held].leave
        if leave is None or points > leave or at < self.since + self.dwell:
            return None
        return max(i for i, tier in enumerate(self.tiers) if tier.leave is None or points > tier.leave)

    def enter(self, reading: Reading, at: Instant) -> bool:
        points = score(self.document, reading, at)
        target = self.target(points, at)
        if target is None:
            return False
        self.changes.append(Change(at, self.tiers[self.held].name, self.tiers[target].name, points))
        self.held, self.since = target, at
        return True

    def let_pass(self, reading: Reading, low: Instant, high: Instant) -> None:
        """Let time pass from ``low`` to ``high``, which are looked at, too."""
        while low <= high:
            at = self.first_crossing(reading, low, high)
            if at is None:
                return
            assert self.enter(reading, at)
            low = at + 1

    def first_crossing(self, reading: Reading, low: Instant, high: Instant) -> Instant | None:
        edges = self.edges(reading)
        steps = [one for one in self.steps(reading, high) | edges if low < one <= high]
        steps += [edge - 1 for edge in edges if low < edge - 1 <= high]
        looks = sorted({low, max(low, self.since + self.dwell), *steps})
        looks = [look for look in looks if look <= high]
        before = low
        for look in [*looks, high]:
            if self.leaves(reading, look):
                return self.first_between(reading, before, look)
            before = look
        return None

    def leaves(self, reading: Reading, at: Instant) -> bool:
        return self.target(score(self.document, reading, at), at) is not None

    def first_between(self, reading: Reading, low: Instant, high: Instant) -> Instant:
        """The first instant at which the tier is left; at ``high`` it is, and once left it stays left."""
        if self.leaves(reading, low):
            return low
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.leaves(reading, middle) else (middle, high)
        return high

    @staticmethod
    def edges(reading: Reading) -> set[Instant]:
        """All instants at which a line for a day begins or ends."""
        return {edge for grants in reading.grants.values() for one in grants for edge in (one.begin, one.end)}

    def steps(self, reading: Reading, until: Instant) -> set[Instant]:
        """All instants at which a line takes a step."""
        found: set[Instant] = set()
        for group in self.document["groups"]:
            law = group.get("cooling")
            if law is None or law["law"] == "half_life":
                continue
            every = law["every_days"] * DAY
            for rule in group["rules"]:
                for grant in reading.grants[rule["rule"]]:
                    first = grant.granted + law["full_hours"] * HOUR + every
                    found.update(range(first, min(until, first + 400 * every) + 1, every))
        return found
