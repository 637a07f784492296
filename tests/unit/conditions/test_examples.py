"""Values that make a condition hold, or fail."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.conditions.compiler import compile_condition
from shared.conditions.examples import find_examples
from tests.examples import tried
from tests.unit.conditions.test_contradictions import CATALOGUE, EVERYTHING, LISTS, conditions, may_hold

REGION = {"field": "region", "operator": "in", "value": ["jp", "cn"]}
LEVEL = {"field": "level", "operator": "at_least", "value": "middle"}

lead = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in EVERYTHING.items()})


def test_what_a_condition_names_comes_first_in_its_order() -> None:
    assert find_examples(REGION, catalogue=CATALOGUE) == [{"region": ("jp", "cn")}]
    assert find_examples(LEVEL, catalogue=CATALOGUE) == [{"level": ("middle", "high")}]


def test_only_what_is_not_so_yet_is_told() -> None:
    both = {"all": [REGION, LEVEL]}
    known = {"region": "cn", "level": "low"}
    assert find_examples(both, catalogue=CATALOGUE, present=known) == [{"level": ("middle", "high")}]
    assert find_examples(REGION, catalogue=CATALOGUE, present=known) == [{}]


def test_each_way_of_several_is_told() -> None:
    assert find_examples({"any": [REGION, LEVEL]}, catalogue=CATALOGUE) == [
        {"region": ("jp", "cn")},
        {"level": ("middle", "high")},
    ]


def test_what_would_make_it_fail_is_told_too() -> None:
    (way,) = find_examples(LEVEL, catalogue=CATALOGUE, present={"level": "high"}, is_to_hold=False)
    assert way == {"level": ("low",)}
    (way,) = find_examples(REGION, catalogue=CATALOGUE, present={"region": "jp"}, is_to_hold=False)
    assert way["region"][0] == "?", "whatever is not named"


@settings(max_examples=tried(50), deadline=None)
@given(conditions, lead, st.booleans())
def test_every_example_does_what_it_is_for(
    source: dict[str, Any], known: dict[str, Any], is_to_hold: bool
) -> None:
    test = compile_condition(source, catalogue=CATALOGUE, lists=LISTS).test
    ways = find_examples(source, catalogue=CATALOGUE, lists=LISTS, present=known, is_to_hold=is_to_hold)
    for way in ways:
        for values in product(*(some[:3] for some in way.values())):
            assert test({**known, **dict(zip(way, values, strict=True))}) is is_to_hold
    if is_to_hold:
        assert bool(ways) == may_hold(source)
