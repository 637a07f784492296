"""Conditions that can never hold are found, and no others are called so."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.conditions.catalogue import Catalogue, Choice, Day, Flag, Labels, Number, Text
from shared.conditions.compiler import compile_condition
from shared.conditions.contradictions import find_contradiction
from tests.examples import tried

CATALOGUE: Catalogue = {
    "level": Choice(("low", "middle", "high"), ordered=True),
    "size": Number(),
    "student": Flag(),
    "region": Text(),
    "from_day": Day(),
    "tags": Labels(),
}
LISTS = {"near@1": ("cn", "jp")}

EVERYTHING: dict[str, list[object]] = {
    "level": [None, "low", "middle", "high"],
    "size": [None, 0, 1, 1.5, 2, 2.5, 3, 4],
    "student": [None, True, False],
    "region": [None, "cn", "cn-sh", "cn-sh-x", "cnx", "jp", "us"],
    "from_day": [None, "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"],
    "tags": [None, [], ["a"], ["b"], ["a", "b"], ["c"], ["a", "c"], ["b", "c"], ["a", "b", "c"]],
}
"""Of each attribute all values that the comparisons below can tell apart."""


def comparisons() -> st.SearchStrategy[dict[str, Any]]:
    def compare(field: str, operators: list[str], values: st.SearchStrategy[Any]) -> Any:
        return st.builds(
            lambda operator, value: {"field": field, "operator": operator, "value": value},
            st.sampled_from(operators),
            values,
        )

    bounds = ["at_least", "at_most", "more_than", "less_than", "is", "is_not"]
    regions = st.lists(st.sampled_from(["cn", "cn-sh", "jp"]), min_size=1, max_size=2)
    tags = st.lists(st.sampled_from("ab"), min_size=1, max_size=2)
    return st.one_of(
        compare("level", bounds, st.sampled_from(["low", "middle", "high"])),
        compare("level", ["in", "not_in"], st.lists(st.sampled_from(["low", "middle", "high"]), min_size=1)),
        compare("size", bounds, st.sampled_from([1, 2, 3])),
        compare("student", ["is", "is_not"], st.booleans()),
        compare("region", ["within", "in", "not_in"], st.one_of(regions, st.just({"list": "near@1"}))),
        compare("from_day", bounds, st.sampled_from(["2026-01-02", "2026-01-03"])),
        compare("tags", ["includes_any", "includes_all", "includes_none"], tags),
        st.builds(
            lambda field, operator: {"field": field, "operator": operator},
            st.sampled_from(sorted(CATALOGUE)),
            st.sampled_from(["known", "unknown"]),
        ),
    )


conditions = st.recursive(
    comparisons(),
    lambda parts: st.one_of(
        st.builds(lambda some: {"all": some}, st.lists(parts, min_size=1, max_size=3)),
        st.builds(lambda some: {"any": some}, st.lists(parts, min_size=1, max_size=2)),
        st.builds(lambda some: {"not": some}, parts),
    ),
    max_leaves=6,
)


def may_hold(source: dict[str, Any]) -> bool:
    """The definition: somebody can be imagined of whom it holds."""
    condition = compile_condition(source, catalogue=CATALOGUE, lists=LISTS)
    fields = sorted(condition.fields)
    return any(
        condition.test(
            {field: value for field, value in zip(fields, values, strict=True) if value is not None}
        )
        for values in product(*(EVERYTHING[field] for field in fields))
    )


@settings(max_examples=tried(120), deadline=None)
@given(conditions)
def test_a_condition_is_called_contradictory_if_and_only_if_it_holds_of_nobody(
    source: dict[str, Any],
) -> None:
    assert bool(find_contradiction(source, catalogue=CATALOGUE, lists=LISTS)) is not may_hold(source)


@pytest.mark.parametrize(
    ("parts", "blamed"),
    [
        ([("level", "is", "low"), ("level", "is", "high")], {"level"}),
        ([("level", "at_least", "high"), ("size", "more_than", 1), ("level", "at_most", "low")], {"level"}),
        ([("size", "more_than", 2), ("size", "at_most", 2)], {"size"}),
        ([("student", "is", True), ("student", "is_not", True)], {"student"}),
        ([("region", "within", ["cn"]), ("region", "in", ["jp", "cnx"])], {"region"}),
        ([("from_day", "at_least", "2026-01-03"), ("from_day", "less_than", "2026-01-03")], {"from_day"}),
        ([("tags", "includes_all", ["a", "b"]), ("tags", "includes_none", ["b"])], {"tags"}),
        ([("level", "less_than", "low")], {"level"}),
        ([("level", "not_in", ["low", "middle", "high"])], {"level"}),
        ([("level", "is", "low"), ("size", "is", 1)], set()),
        ([("size", "more_than", 2), ("size", "less_than", 2.001)], set()),
        ([("from_day", "more_than", "0001-01-01"), ("from_day", "at_most", "9999-12-31")], set()),
    ],
)
def test_the_attribute_of_which_nothing_fits_is_named(
    parts: list[tuple[str, str, object]], blamed: set[str]
) -> None:
    source = {"all": [{"field": f, "operator": o, "value": v} for f, o, v in parts]}
    assert find_contradiction(source, catalogue=CATALOGUE, lists=LISTS) == blamed


def test_nobody_looks_on_for_ever() -> None:
    """2 to the power of 30 ways, all of which contradict themselves."""
    pair = {"any": [{"field": "size", "operator": "is", "value": n} for n in (1, 2)]}
    never = [{"field": "student", "operator": "is", "value": value} for value in (True, False)]
    assert find_contradiction({"all": [*[pair] * 30, *never]}, catalogue=CATALOGUE) == set()
