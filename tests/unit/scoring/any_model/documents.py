"""Random models, as plain data like that of a document, and random histories of what they speak of."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.scoring_models.compiler import compile_model
from services.scoring.domain.scoring_models.document import ScoringModelDocument
from shared.documents.checking import check_document
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant, parse_instant
from tests.unit.scoring.stories import START, vocabulary

Document: TypeAlias = dict[str, Any]

LONGEST = 100 * DAY

_INDUSTRIES = ["pharma", "internet", "education"]
_LEVELS = ["manager", "director", "vp", "cxo"]
_DAYS = ["2026-03-20", "2026-05-31", "2026-07-02"]
_KINDS = ["price", "article", "home"]
_ACTS = ["page_viewed", "email_opened", "demo_requested", "chat_started"]
_WITH_OBJECT = ["page_viewed", "email_opened"]

one_of_few = st.sampled_from


def compiled(document: Document) -> ModelSet:
    """The model of a document, alone in its set."""
    shape = check_document(document, ScoringModelDocument, about="a random model")
    return ModelSet([compile_model(shape, vocabulary())])


def only_model(models: ModelSet) -> CompiledModel:
    """The one model of a set."""
    (model,) = models.models
    return model


def points(*, least: int) -> SearchStrategy[float]:
    """Points that rules give or take: often whole, now and then with three decimals."""
    whole = st.integers(least, 40).map(float)
    fine = st.integers(least * 1000, 40_000).map(lambda thousandths: thousandths / 1000)
    return st.one_of(whole, whole, fine).filter(bool)


def _conditions() -> SearchStrategy[Document]:
    compare = partial(st.fixed_dictionaries)
    some = st.lists(one_of_few(_INDUSTRIES), min_size=1, max_size=2, unique=True)
    single: SearchStrategy[Document] = st.one_of(
        compare({"field": st.just("industry"), "operator": one_of_few(["in", "not_in"]), "value": some}),
        compare({"field": st.just("student"), "operator": st.just("is"), "value": st.booleans()}),
        compare(
            {
                "field": st.just("title_level"),
                "operator": one_of_few(["at_least", "at_most", "is"]),
                "value": one_of_few(_LEVELS[1:-1]),
            }
        ),
        compare({"field": one_of_few(["industry", "title_level"]), "operator": st.just("known")}),
    )
    by_field = st.lists(single, min_size=2, max_size=2, unique_by=lambda part: str(part["field"]))
    return st.one_of(
        single,
        single.map(lambda part: {"not": part} if part["operator"] != "known" else part),
        st.builds(lambda joint, parts: {joint: parts}, one_of_few(["all", "any"]), by_field),
    )


def _whens(acts: list[str]) -> SearchStrategy[Document]:
    if acts != ["page_viewed"]:
        return st.just({})
    kinds = st.lists(one_of_few(_KINDS), min_size=1, max_size=2, unique=True)
    return st.one_of(
        st.just({}),
        kinds.map(lambda some: {"when": {"field": "kind", "operator": "in", "value": some}}),
    )


@st.composite
def _act_rules(draw: st.DrawFn, *, least: int, cools: bool) -> Document:
    counts = draw(one_of_few(["once", "once_per_object", "every_time"]))
    acts = draw(st.lists(one_of_few(_ACTS), min_size=1, max_size=2, unique=True))
    has_objects = set(acts) <= set(_WITH_OBJECT)
    if counts == "once_per_object" and not has_objects:
        counts = "every_time"
    rule: Document = {"type": "act", "acts": acts, "counts": counts, "points": draw(points(least=least))}
    rule |= draw(_whens(acts))
    if counts != "once" and (not cools or draw(st.booleans())):
        rule["cap"] = draw(st.integers(1, 60))
    if draw(st.integers(0, 2)) == 0:
        rule["gap_minutes"] = draw(one_of_few([30, 60, 24 * 60, 40 * 24 * 60]))
        if has_objects and counts != "once" and draw(st.booleans()):
            rule["gap_per"] = "object"
    return rule


@st.composite
def _window_rules(draw: st.DrawFn, *, least: int, cools: bool) -> Document:
    acts = draw(st.lists(one_of_few(_ACTS), min_size=1, max_size=2, unique=True))
    counting = draw(one_of_few(["acts", "objects"])) if set(acts) <= set(_WITH_OBJECT) else "acts"
    rule: Document = {
        "type": "window",
        "acts": acts,
        "counting": counting,
        "within_hours": draw(one_of_few([1, 24, 168, 700])),
        "points": draw(points(least=least)),
    }
    rule |= draw(_whens(acts))
    kind = draw(one_of_few(["at_least", "between", "exactly"]))
    if kind == "exactly":
        rule["exactly"] = draw(st.integers(1, 3))
    else:
        rule["at_least"] = draw(st.integers(2 if kind == "at_least" else 1, 3))
        if kind == "between":
            rule["at_most"] = rule["at_least"] + draw(st.integers(0, 2))
    if counting == "acts" and rule["within_hours"] > 1 and draw(st.integers(0, 2)) == 0:
        rule["gap_minutes"] = draw(one_of_few([30, 60]))
    return rule


@st.composite
def _times_rules(draw: st.DrawFn, *, least: int, cools: bool) -> Document:
    acts = draw(st.lists(one_of_few(_ACTS), min_size=1, max_size=2, unique=True))
    counting = draw(one_of_few(["acts", "objects"])) if set(acts) <= set(_WITH_OBJECT) else "acts"
    return {
        "type": "times",
        "acts": acts,
        "counting": counting,
        "at_least": draw(st.integers(2, 3)),
        "points": draw(points(least=least)),
    }


def _laws(*, only: str) -> SearchStrategy[Document | None]:
    full = one_of_few([0, 24, 168])
    half_life = st.fixed_dictionaries(
        {"law": st.just("half_life"), "full_hours": full, "half_life_days": one_of_few([1, 7, 30])}
    )
    steps = st.fixed_dictionaries(
        {
            "law": one_of_few(["linear_steps", "compound_steps"]),
            "full_hours": full,
            "every_days": one_of_few([1, 7, 30]),
            "percent": one_of_few([10, 33, 50, 100]),
        }
    )
    kinds = {"steps": [st.none(), steps, steps], "any": [st.none(), half_life, steps]}
    return st.one_of(kinds[only])


@st.composite
def _groups(draw: st.DrawFn, number: int, *, laws: str, negative: bool) -> Document:
    of = draw(one_of_few(["fit", "behaviour"]))
    group: Document = {"group": f"g{number}", "of": of}
    law = draw(_laws(only=laws)) if of == "behaviour" else None
    if law is not None:
        group["cooling"] = law
    least = -30 if negative or law is None else 1
    if of == "fit":
        some = one_of_few([_attribute_rules, _attribute_rules, _date_rules])
        rules = [draw(draw(some)()) for _ in range(draw(st.integers(1, 3)))]
    else:
        kinds = [_act_rules, _act_rules, _window_rules, _times_rules]
        rules = [
            draw(draw(one_of_few(kinds))(least=least, cools=law is not None))
            for _ in range(draw(st.integers(1, 3)))
        ]
    group["rules"] = [{"rule": f"r{number}_{place}", **rule} for place, rule in enumerate(rules)]
    if draw(st.booleans()):
        group["cap"] = draw(st.integers(1, 60))
    if draw(st.booleans()):
        group["floor"] = draw(st.integers(-40, -1))
    return group


@st.composite
def _date_rules(draw: st.DrawFn) -> Document:
    rule: Document = {
        "type": "date",
        "field": "go_live_on",
        "within_months": draw(one_of_few([1, 3])),
        "zone": draw(one_of_few(["UTC", "Asia/Shanghai", "Europe/Berlin"])),
        "points": draw(points(least=-30)),
    }
    return rule | ({"when": draw(_conditions())} if draw(st.booleans()) else {})


@st.composite
def _attribute_rules(draw: st.DrawFn) -> Document:
    return {"type": "attribute", "points": draw(points(least=-30)), "when": draw(_conditions())}


def has_dates(document: Document) -> bool:
    """Whether points of the model begin and end with a day."""
    return any(rule["type"] == "date" for group in document["groups"] for rule in group["rules"])


def most_of(document: Document) -> int:
    """What a model can bring at most, in thousandths; of rules that add up, three marks."""
    most = 0
    for group in document["groups"]:
        of_group = 0
        for rule in group["rules"]:
            worth = max(0, round(rule["points"] * 1000))
            if rule.get("counts", "once") != "once":
                worth = min(3 * worth, rule.get("cap", 1_000_000) * 1000)
            of_group += worth
        most += min(of_group, group.get("cap", 1_000_000) * 1000)
    return most


@st.composite
def documents(draw: st.DrawFn, *, laws: str = "any", negative: bool = True) -> Document:
    """A model without faults. ``laws``: "any" or "steps"; without ``negative`` only facts raise scores."""
    groups = [
        draw(_groups(number, laws=laws, negative=negative)) for number in range(draw(st.integers(1, 3)))
    ]
    document: Document = {"name": "any_model", "version": 1, "groups": groups}
    most = most_of(document)
    shares = draw(st.lists(st.integers(1, 19), min_size=1, max_size=3, unique=True))
    bounds = [most * share // 20 for share in sorted(shares, reverse=True)] if most >= 2_000 else []
    names = ("at_least", "more_than")
    tiers: list[Document] = [
        {"tier": f"t{place}", draw(one_of_few(names)): bound / 1000} for place, bound in enumerate(bounds)
    ]
    document["tiers"] = [*tiers, {"tier": "lowest"}]
    if draw(st.booleans()) and bounds:
        widths = [above - below for above, below in pairwise(bounds)]
        narrowest = min([*widths, 20_000])
        margin = narrowest * draw(one_of_few([1, 5, 9])) // 10
        document["leaving"] = {"margin": margin / 1000, "after_hours": draw(one_of_few([0, 1, 24, 100]))}
    if draw(st.booleans()) and bounds and not negative and not has_dates(document):
        document["activation"] = {
            "at_least": bounds[-1] / 1000,
            "acts_needed": draw(st.integers(1, 2)),
            "within_hours": 168,
            "once_within_minutes": 30,
            "high_value_acts": [{"kind": "demo", "acts": ["demo_requested", "chat_started"]}],
            "rearmed_by": ["opportunity_lost"],
        }
    return document


def instants() -> SearchStrategy[Instant]:
    """Often at whole hours and days, so that windows, gaps, steps and dwells are hit at their edges."""
    days = st.integers(0, LONGEST // DAY).map(lambda number: START + number * DAY)
    hours = st.integers(0, 96).map(lambda number: START + number * HOUR)
    edges = st.tuples(st.integers(0, 30), one_of_few([-1, 1, 30 * MINUTE, 30 * MINUTE - 1])).map(
        lambda at: START + max(0, at[0] * DAY + at[1])
    )
    return st.one_of(days, hours, edges, _day_edges(), st.integers(START, START + LONGEST))


def _day_edges() -> SearchStrategy[Instant]:
    """Where points for a day may begin and end, in one of the zones, and just before."""
    midnights = [parse_instant(day) for day in ("2026-03-20", "2026-04-02", "2026-04-30", "2026-05-31")]
    return st.tuples(one_of_few(midnights), one_of_few([0, 1, 2, 8]), one_of_few([0, 0, 1])).map(
        lambda at: at[0] - at[1] * HOUR - at[2]
    )


def _told() -> SearchStrategy[tuple[str, Document]]:
    few = one_of_few("abc")
    attributes: dict[str, list[object]] = {
        "industry": [*_INDUSTRIES, None],
        "title_level": [*_LEVELS, None],
        "student": [True, False, None],
        "go_live_on": [*_DAYS, "in spring", None],
    }
    who = st.fixed_dictionaries({}, optional={name: one_of_few(some) for name, some in attributes.items()})
    page = st.fixed_dictionaries({"kind": one_of_few(_KINDS), "path": few})
    kinds: list[SearchStrategy[tuple[str, Document]]] = [
        st.tuples(st.just(ATTRIBUTES), who),
        one_of_few(_DAYS).map(lambda day: (ATTRIBUTES, {"go_live_on": day})),
        st.tuples(st.just("page_viewed"), page),
        st.tuples(st.just("page_viewed"), page),
        st.tuples(st.just("email_opened"), st.fixed_dictionaries({"message": few})),
        one_of_few(["demo_requested", "chat_started"]).map(lambda act: (act, {})),
        st.just(("opportunity_lost", {})),
    ]
    return st.one_of(kinds)


@st.composite
def histories(draw: st.DrawFn, *, max_size: int = 14) -> list[Fact]:
    """Facts in order of arrival, which need not be the order of occurrence."""
    told = draw(st.lists(st.tuples(instants(), _told()), min_size=1, max_size=max_size))
    names = draw(st.permutations(range(len(told))))
    return [
        Fact(f"fact-{name:02}", "p", at, at, act, fields)
        for name, (at, (act, fields)) in zip(names, told, strict=True)
    ]
