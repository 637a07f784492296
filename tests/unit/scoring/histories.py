"""Random histories of a lead for property tests."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from services.scoring.domain.facts import ATTRIBUTES, Fact
from shared.kernel.instants import DAY, HOUR, Instant
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
    }
    return st.one_of([st.tuples(st.just(name), some) for name, some in fields.items()])


def instants() -> SearchStrategy[Instant]:
    """Often whole hours, so that instants coincide and windows are hit at their edges."""
    whole = st.integers(0, LONGEST // HOUR).map(lambda hours: START + hours * HOUR)
    close = st.integers(0, 48).map(lambda hours: START + 30 * DAY + hours * HOUR)
    return st.one_of(whole, close, st.integers(START, START + LONGEST))


@st.composite
def histories(draw: st.DrawFn, *, max_size: int = 16) -> list[Fact]:
    """Facts in order of arrival, which need not be the order of occurrence."""
    told = draw(
        st.lists(
            st.tuples(instants(), st.one_of(_acts(), _acts(), _attributes()), st.integers(0, 5 * DAY)),
            min_size=1,
            max_size=max_size,
        )
    )
    names = draw(st.permutations(range(len(told))))
    return [
        Fact(f"fact-{name:02}", "p", occurred, occurred + late, act, fields)
        for name, (occurred, (act, fields), late) in zip(names, told, strict=True)
    ]
