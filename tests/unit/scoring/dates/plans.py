"""Random plans of leads that go live some day, and a plain reading of two models that ask for it."""

from __future__ import annotations

from hypothesis import strategies as st

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.questions import explain_at
from services.scoring.domain.rules.date import span_before
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.kernel.instants import DAY, HOUR, Instant, parse_instant
from shared.working_time.zones import load_zone
from tests.unit.scoring.stories import model_from

MIXED = """
name: mixed
version: 1
groups:
  - group: plans
    of: fit
    cap: 45
    rules:
      - {rule: pharma, type: attribute, points: 30, when: {field: industry, operator: is, value: pharma}}
      - {rule: soon, type: date, points: 20, field: go_live_on, within_months: 2, zone: UTC}
      - rule: late
        type: date
        points: -15
        field: go_live_on
        within_months: 1
        zone: Europe/Berlin
        when: {field: student, operator: is, value: true}
  - group: interest
    of: behaviour
    cooling: {full_hours: 24, half_life_days: 5}
    rules:
      - {rule: demo, type: act, points: 30, acts: [demo_requested], counts: once}
      - {rule: chat, type: act, points: -20, acts: [chat_started], counts: once}
tiers: [{tier: hot, at_least: 60}, {tier: warm, more_than: 30}, {tier: cold}]
leaving: {margin: 5, after_hours: 24}
"""
"""Everything at once: a cap, lines for a date with either sign, cooling of either sign, a margin, a dwell."""

FALLING = MIXED.replace("name: mixed", "name: falling").replace(
    "points: -20, acts: [chat", "points: 5, acts: [chat"
)
"""The same without negative points that cool."""

BOTH = ModelSet([model_from(MIXED), model_from(FALLING)])
RULES = {  # points and months before the date, in UTC or Berlin time
    "soon": (20_000, 2, load_zone("UTC")),
    "late": (-15_000, 1, load_zone("Europe/Berlin")),
}


def _attributes() -> st.SearchStrategy[tuple[str, dict[str, object]]]:
    values: dict[str, list[object]] = {
        "industry": ["pharma", None],
        "student": [True, False],
        "go_live_on": ["2026-03-20", "2026-05-02", "2026-06-30", "2026-06-30", "never", None],
    }
    some = st.fixed_dictionaries({}, optional={name: st.sampled_from(v) for name, v in values.items()})
    return st.tuples(st.just(ATTRIBUTES), some.map(dict[str, object]))


@st.composite
def plans(draw: st.DrawFn) -> list[Fact]:
    """Who they are, and two acts, within four months; often at midnight, where spans begin and end."""
    midnight = parse_instant("2026-03-02T00:00:00Z")
    instants = st.one_of(
        st.integers(0, 120).map(lambda days: midnight + days * DAY),
        st.integers(0, 120 * 24).map(lambda hours: midnight + hours * HOUR),
    )
    acts = st.sampled_from([("demo_requested", dict[str, object]()), ("chat_started", dict[str, object]())])
    told = draw(
        st.lists(st.tuples(instants, st.one_of(_attributes(), _attributes(), acts)), min_size=1, max_size=9)
    )
    names = draw(st.permutations(range(len(told))))
    return [
        Fact(f"fact-{name:02}", "p", occurred, occurred, act, fields)
        for name, (occurred, (act, fields)) in zip(names, told, strict=True)
    ]


def plain_score(model: str, facts: list[Fact], when: Instant) -> int:
    """The score read off the rules in words; cooling is the product's own, which has an oracle elsewhere."""
    known = sorted((f for f in facts if f.occurred <= when), key=lambda f: (f.occurred, f.id))
    attributes: dict[str, object] = {}
    for fact in known:
        if fact.name == ATTRIBUTES:
            attributes.update(fact.fields)
    fit = 30_000 * (attributes.get("industry") == "pharma")
    for rule, (points, months, zone) in RULES.items():
        span = span_before(str(attributes.get("go_live_on")), months, zone)
        holds = rule == "soon" or attributes.get("student") is True
        fit += points * bool(span and holds and span[0] <= when < span[1])
    lines = explain_at(ModelSet([BOTH.by_name[model]]), facts, as_of=when)[0].lines
    return min(fit, 45_000) + sum(line.points for line in lines if line.group == "interest")


def edges(facts: list[Fact]) -> list[Instant]:
    days = {str(f.fields["go_live_on"]) for f in facts if f.name == ATTRIBUTES and "go_live_on" in f.fields}
    spans = [span_before(one, months, zone) for one in days for _points, months, zone in RULES.values()]
    return sorted({edge for span in spans if span for edge in span})
