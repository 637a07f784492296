"""A second opinion on any model: a document's plain data read by the letter, over all facts each time.

It shares nothing with the product but facts. No slots, nothing remembered from one fact to the next:
each rule looks at the whole list and says which acts carry its points. Powers have eighty digits,
shares are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.scoring.domain.facts import Fact
from shared.kernel.instants import DAY, HOUR, MINUTE, SECOND, Instant
from tests.unit.scoring.any_model.documents import Document

LEVELS = ["manager", "director", "vp", "cxo"]
OBJECTS = {"page_viewed": "path", "email_opened": "message"}
EVER = 10**18
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "is": lambda value, wanted: bool(value == wanted),
    "at_least": lambda value, wanted: LEVELS.index(value) >= LEVELS.index(wanted),
    "at_most": lambda value, wanted: LEVELS.index(value) <= LEVELS.index(wanted),
}


class Grant(NamedTuple):
    """A fact that carries a rule's points, and for a day that is coming from when until when they count."""

    granted: Instant
    event: str
    object: str
    begin: Instant = 0
    end: Instant = 10**18


class NaiveLine(NamedTuple):
    """A line of the score; largest first is not promised here."""

    rule: str
    group: str
    points: int
    event: str
    granted: Instant
    object: str


class Reading(NamedTuple):
    """What rules say after some facts: per rule its grants, and which facts concerned it."""

    grants: Mapping[str, list[Grant]]
    concerned: frozenset[str]


def sort(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: (fact.occurred, fact.id))


def holds(condition: Document, values: Mapping[str, Any]) -> bool | None:
    """Whether a condition holds; None where what it asks about is not known."""
    if "not" in condition:
        part = holds(condition["not"], values)
        return None if part is None else not part
    if "all" in condition or "any" in condition:
        decisive = "any" in condition
        parts = [holds(part, values) for part in condition["any" if decisive else "all"]]
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    value = values.get(condition["field"])
    if condition["operator"] == "known":
        return value is not None
    if value is None:
        return None
    return COMPARE[condition["operator"]](value, condition.get("value"))


def read(document: Document, facts: list[Fact]) -> Reading:
    """Read all rules over these facts, which are in order."""
    grants, concerned = {}, set()
    for group in document["groups"]:
        for rule in group["rules"]:
            reader = {"attribute": attribute, "date": dated}.get(rule["type"], behaviour)
            found, which = reader(rule, facts)
            grants[rule["rule"]] = found
            concerned |= which
    return Reading(grants, frozenset(concerned))


def attribute(rule: Document, facts: list[Fact]) -> tuple[list[Grant], set[str]]:
    """The fact with which the condition last began to hold, if it holds."""
    values: dict[str, Any] = {}
    grants: list[Grant] = []
    turns: set[str] = set()
    for fact in facts:
        if fact.name == "attributes":
            values.update(fact.fields)
            does_hold = holds(rule["when"], values) is True
            if does_hold != bool(grants):
                grants = [Grant(fact.occurred, fact.id, "")] if does_hold else []
                turns.add(fact.id)
    return grants, turns


def dated(rule: Document, facts: list[Fact]) -> tuple[list[Grant], set[str]]:
    """The fact with which the day became known, if it has not passed by then and the condition holds."""
    values: dict[str, Any] = {}
    grants: list[Grant] = []
    turns: set[str] = set()
    for fact in facts:
        if fact.name != "attributes":
            continue
        values.update(fact.fields)
        day = values.get(rule["field"])
        if day is None or ("when" in rule and holds(rule["when"], values) is not True):
            new: list[Grant] = []
        elif grants and grants[0].object == day:
            new = grants
        else:
            begin, end = span(day, rule["within_months"], ZoneInfo(rule["zone"]))
            new = [Grant(fact.occurred, fact.id, day, begin, end)] if end > fact.occurred else []
        if new != grants:
            turns.add(fact.id)
        grants = new
    return grants, turns


def span(day: str, months: int, zone: ZoneInfo) -> tuple[Instant, Instant]:
    """From the same day so many months earlier, or the last of its month, until the day; none: nothing."""
    try:
        end = datetime.fromisoformat(day).replace(tzinfo=zone)
    except ValueError:
        return 0, 0
    begin = end.replace(day=1)
    for _ in range(months):
        begin = (begin - timedelta(days=1)).replace(day=1)
    while begin.day < end.day and (begin + timedelta(days=1)).month == begin.month:
        begin += timedelta(days=1)
    return round(begin.timestamp()) * SECOND, round(end.timestamp()) * SECOND


def behaviour(rule: Document, facts: list[Fact]) -> tuple[list[Grant], set[str]]:
    """The acts that carry a rule's points, of those that count, which are at least the gap apart."""
    counting: list[Grant] = []
    for fact in facts:
        if fact.name not in rule["acts"] or ("when" in rule and not holds(rule["when"], fact.fields)):
            continue
        act = Grant(fact.occurred, fact.id, str(fact.fields.get(OBJECTS.get(fact.name, ""), "")))
        alike = [a for a in counting if rule.get("gap_per") != "object" or a.object == act.object]
        gap = rule.get("gap_minutes", 0) * MINUTE
        if all(act.granted - earlier.granted >= gap for earlier in alike):
            counting.append(act)
    return carrying(rule, counting), {act.event for act in counting}


def carrying(rule: Document, acts: list[Grant]) -> list[Grant]:
    if not acts:
        return []
    if rule["type"] == "act":
        if rule["counts"] == "every_time":
            return acts
        if rule["counts"] == "once":
            return acts[-1:]
        return sorted({act.object: act for act in acts}.values())
    window = rule["within_hours"] * HOUR if rule["type"] == "window" else EVER
    exactly = rule.get("exactly")
    least = int(exactly or rule["at_least"])
    most = int(exactly or rule.get("at_most", EVER))
    for place in reversed(range(len(acts))):
        within = [act for act in acts[: place + 1] if acts[place].granted - act.granted <= window]
        count = len({act.object for act in within} if rule["counting"] == "objects" else within)
        if count >= least:
            return [acts[place]] if count <= most else []
    return []


def worth(points: int, age: int, law: Document | None) -> int:
    """What is left of points at an age, towards zero."""
    if points < 0:
        return -worth(-points, age, law)
    if law is None or age <= law["full_hours"] * HOUR:
        return points
    age -= law["full_hours"] * HOUR
    if law["law"] == "half_life":
        with localcontext() as context:
            context.prec = 80
            value = points * Decimal(2) ** (Decimal(-age) / Decimal(law["half_life_days"] * DAY))
            return int(value.to_integral_value(rounding=ROUND_FLOOR))
    steps, share = age // (law["every_days"] * DAY), Fraction(law["percent"], 100)
    left = max(Fraction(0), 1 - steps * share) if law["law"] == "linear_steps" else (1 - share) ** steps
    return int(points * left)


def lines(document: Document, reading: Reading, at: Instant) -> list[NaiveLine]:
    """The lines at an instant: the newest have their points first, as far as caps and floors go."""
    found: list[NaiveLine] = []
    for group in document["groups"]:
        of_group: list[NaiveLine] = []
        for rule in group["rules"]:
            points, room = round(rule["points"] * 1000), rule.get("cap", EVER) * 1000
            for grant in sorted(reading.grants[rule["rule"]], reverse=True):
                left = worth(points, at - grant.granted, group.get("cooling"))
                left = left if grant.begin <= at < grant.end else 0
                left = min(left, room) if left >= 0 else max(left, -room)
                room -= abs(left)
                of_group.append(
                    NaiveLine(rule["rule"], group["group"], left, grant.event, grant.granted, grant.object)
                )
        gained = sum(line.points for line in of_group if line.points > 0)
        lost = sum(line.points for line in of_group if line.points < 0)
        up = group.get("cap", EVER) * 1000 - lost
        down = group.get("floor", -EVER) * 1000 - gained
        for line in sorted(
            of_group, key=lambda one: (one.granted, one.event, one.object, one.rule), reverse=True
        ):
            left = min(line.points, up) if line.points >= 0 else max(line.points, down)
            up, down = up - max(left, 0), down - min(left, 0)
            found.append(line._replace(points=left))
    return [line for line in found if line.points]


def score(document: Document, reading: Reading, at: Instant) -> int:
    return sum(line.points for line in lines(document, reading, at))


def score_of(document: Document, facts: Iterable[Fact], at: Instant) -> int:
    """The score at an instant, from all facts that occurred by then."""
    return score(document, read(document, sort(fact for fact in facts if fact.occurred <= at)), at)
