"""Random histories of a lead for property tests."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.vocabulary import CYCLE_ENDS
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant
from tests.unit.scoring.stories import START

LONGEST = 150 * DAY


def _attributes() -> SearchStrategy[tuple[str, dict[str, object]]]:
    values: dict[str, list[object]] = {
        "industry": ["pharma", "education", "internet", None],
        "title_level": ["manager", "director", "cxo", None],
        "size": ["under_50", "200_to_499", "500_plus", None],
        "region": ["east_china", "bavaria", None],
        "student": [True, False, None],
        "nobody_asks_for_this": ["x"],
    }
    some = st.fixed_dictionaries({}, optional={name: st.sampled_from(v) for name, v in values.items()})
    return st.tuples(st.just(ATTRIBUTES), some.map(dict[str, object]))


def _acts() -> SearchStrategy[tuple[str, dict[str, object]]]:
    few = st.sampled_from("abcdefg")
    fields: dict[str, SearchStrategy[dict[str, object]]] = {
        "page_viewed": st.fixed_dictionaries(
            {"kind": st.sampled_from(["price", "solution", "article", "article", "home"]), "path": few}
        ),
        "document_downloaded": st.fixed_dictionaries(
            {"kind": st.sampled_from(["white_paper", "brochure", "quote"]), "document": few}
        ),
        "email_opened": st.fixed_dictionaries({"message": few}),
        "email_link_clicked": st.fixed_dictionaries(
            {"message": few, "purpose": st.sampled_from(["book_demo", ""])}
        ),
        "form_submitted": st.fixed_dictionaries(
            {"form": few, "start_within_months": st.sampled_from([None, 0, 1, 3])}
        ),
        "demo_requested": st.just({}),
        "trial_requested": st.just({}),
        "chat_started": st.just({}),
        "opportunity_lost": st.just({}),
        "lead_returned": st.just({}),
    }
    return st.one_of([st.tuples(st.just(name), some) for name, some in fields.items()])


def instants() -> SearchStrategy[Instant]:
    """Often whole hours, so that instants coincide and windows are hit at their edges."""
    whole = st.integers(0, LONGEST // HOUR).map(lambda hours: START + hours * HOUR)
    close = st.integers(0, 48).map(lambda hours: START + 30 * DAY + hours * HOUR)
    return st.one_of(whole, close, st.integers(START, START + LONGEST))


def _promising() -> SearchStrategy[tuple[str, dict[str, object]]]:
    """Who they are brings 40 points; what they do brings more, and often counts towards activation."""
    few = st.sampled_from("ab")
    known = {"industry": "pharma", "title_level": "cxo", "size": "500_plus", "region": "east_china"}
    ends = st.sampled_from(sorted(CYCLE_ENDS))
    acts: list[SearchStrategy[tuple[str, dict[str, object]]]] = [
        st.just((ATTRIBUTES, dict[str, object](known))),
        st.just((ATTRIBUTES, dict[str, object](known, industry="education"))),
        st.sampled_from([("demo_requested", {}), ("trial_requested", {})]),
        st.just(("form_submitted", {"form": "f", "start_within_months": 1})),
        few.map(lambda path: ("page_viewed", {"kind": "price", "path": path})),
        few.map(lambda name: ("document_downloaded", {"kind": "quote", "document": name})),
        few.map(lambda mail: ("email_link_clicked", {"message": mail, "purpose": "book_demo"})),
        ends.map(lambda end: (end, dict[str, object]())),
    ]
    return st.one_of(acts)


def _dense_instants() -> SearchStrategy[Instant]:
    """Within a fortnight, often at the edges of the half hour and of the 168 hours."""
    edges = st.tuples(
        st.integers(0, 28), st.sampled_from([0, 1, 29 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE])
    ).map(lambda at: START + at[0] * 12 * HOUR + at[1])
    return st.one_of(edges, edges, st.integers(START, START + 14 * DAY))


def promising_histories(*, max_size: int = 16) -> SearchStrategy[list[Fact]]:
    """Histories of leads that are activated often, lost and activated again."""
    told = st.tuples(_dense_instants(), _promising(), st.integers(0, 2 * DAY))
    return _arrivals(st.lists(told, min_size=4, max_size=max_size))


def histories(*, max_size: int = 16) -> SearchStrategy[list[Fact]]:
    """Facts in order of arrival, which need not be the order of occurrence."""
    told = st.tuples(instants(), st.one_of(_acts(), _acts(), _attributes()), st.integers(0, 5 * DAY))
    return _arrivals(st.lists(told, min_size=1, max_size=max_size))


@st.composite
def _arrivals(
    draw: st.DrawFn, of: SearchStrategy[list[tuple[Instant, tuple[str, dict[str, object]], int]]]
) -> list[Fact]:
    told = draw(of)
    names = draw(st.permutations(range(len(told))))
    return [
        Fact(f"fact-{name:02}", "p", occurred, occurred + late, act, fields)
        for name, (occurred, (act, fields), late) in zip(names, told, strict=True)
    ]
