"""A second opinion: the two shipped models written out by hand from the requirements, slow and plain.

It shares nothing with the product but the facts. Every answer is worked out from the whole set of
facts each time, with eighty digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import NamedTuple

from services.scoring.domain.facts import Fact
from shared.kernel.instants import DAY, HOUR, Instant

INDUSTRIES = {"manufacturing", "internet", "pharma", "technology"}
FULL = 168 * HOUR
HALF_LIFE = 30 * DAY
BOUNDS = {
    "five_step": [("hot", 61_000), ("warm", 31_000), ("cold", None)],
    "mql": [("A", 80_000), ("B", 50_000), ("C", 30_000), ("D", None)],
}


class OracleLine(NamedTuple):
    """Points and when they were granted; None never cools."""

    points: int
    granted: Instant | None


def cooled_points(points: int, age: int) -> int:
    if age <= FULL:
        return points
    with localcontext() as context:
        context.prec = 80
        value = points * Decimal(2) ** (Decimal(FULL - age) / Decimal(HALF_LIFE))
        return int(value.to_integral_value(rounding=ROUND_FLOOR))


def score(model: str, facts: Iterable[Fact], at: Instant) -> int:
    """Thousandths of a point at an instant, from all facts that occurred by then."""
    known = sorted((f for f in facts if f.occurred <= at), key=lambda f: (f.occurred, f.id))
    attributes: dict[str, object] = {}
    for fact in known:
        if fact.name == "attributes":
            attributes.update(fact.fields)
    return (five_step if model == "five_step" else mql)(known, attributes, at)


def five_step(known: list[Fact], attributes: Mapping[str, object], at: Instant) -> int:
    industry, points = attributes.get("industry"), 0
    if industry is not None:
        points += 10_000 if industry in INDUSTRIES else -10_000
    points += 15_000 * (attributes.get("title_level") in {"director", "vp", "cxo"})
    points += 10_000 * (attributes.get("size") in {"200_to_499", "500_plus"})
    points -= 20_000 * (attributes.get("student") is True)
    points += once(20_000, known, at, lambda f: f.name == "demo_requested")
    points += once(15_000, known, at, lambda f: f.name == "page_viewed" and f.fields["kind"] == "price")
    points += per_object(
        10_000,
        known,
        at,
        "document",
        lambda f: f.name == "document_downloaded" and f.fields["kind"] == "white_paper",
    )
    points += min(10_000, per_object(2_000, known, at, "message", lambda f: f.name == "email_opened"))
    return points + min(
        5_000,
        per_object(
            1_000, known, at, "path", lambda f: f.name == "page_viewed" and f.fields["kind"] == "article"
        ),
    )


def mql(known: list[Fact], attributes: Mapping[str, object], at: Instant) -> int:
    points = 10_000 * (attributes.get("industry") in INDUSTRIES)
    points += 15_000 * (attributes.get("title_level") in {"director", "vp", "cxo"})
    points += 10_000 * (attributes.get("size") in {"200_to_499", "500_plus"})
    points += 5_000 * (attributes.get("region") == "east_china")
    points += once(
        20_000,
        known,
        at,
        lambda f: f.name == "form_submitted" and f.fields.get("start_within_months") in {0, 1},
    )
    points += once(
        30_000,
        known,
        at,
        lambda f: f.name == "email_link_clicked" and f.fields["purpose"] == "book_demo",
    )
    points += once(30_000, known, at, lambda f: f.name in {"trial_requested", "demo_requested"})
    points += once(
        10_000,
        known,
        at,
        lambda f: f.name == "document_downloaded" and f.fields["kind"] in {"brochure", "white_paper"},
    )
    points += once(
        10_000, known, at, lambda f: f.name == "page_viewed" and f.fields["kind"] in {"price", "solution"}
    )
    opens = [f for f in known if f.name == "email_opened"]
    completing = [
        f
        for i, f in enumerate(opens)
        if len({g.fields["message"] for g in opens[: i + 1] if f.occurred - g.occurred <= 168 * HOUR}) >= 3
    ]
    return points + (cooled_points(5_000, at - completing[-1].occurred) if completing else 0)


def once(points: int, known: list[Fact], at: Instant, fits: Callable[[Fact], bool]) -> int:
    acts = [f for f in known if fits(f)]
    return cooled_points(points, at - acts[-1].occurred) if acts else 0


def per_object(points: int, known: list[Fact], at: Instant, field: str, fits: Callable[[Fact], bool]) -> int:
    latest = {f.fields[field]: f.occurred for f in known if fits(f)}
    return sum(cooled_points(points, at - occurred) for occurred in latest.values())


def entered(model: str, points: int) -> str:
    """The highest tier whose bound the points reach."""
    return next(tier for tier, bound in BOUNDS[model] if bound is None or points >= bound)


def kept(model: str, points: int) -> str:
    """The highest tier whose bound less 5 is below the points."""
    return next(tier for tier, bound in BOUNDS[model] if bound is None or bound - 5_000 < points)


def rank(model: str, tier: str) -> int:
    """Zero for the lowest tier."""
    return [name for name, _bound in reversed(BOUNDS[model])].index(tier)
