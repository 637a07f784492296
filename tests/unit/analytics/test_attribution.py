"""The shares of touches (A1): as asked for, as others state them, and to the smallest unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.domain.attribution import KINDS, AnyAttributionModel, AttributionModel, Positions
from services.analytics.domain.credits import UNATTRIBUTED, share_conversion
from services.analytics.domain.touch_points import Touch
from tests.unit.analytics.telling import rulebook

CASES = Path(__file__).parents[2] / "cases" / "attribution"
MODELS = rulebook().crediting.models


def cases() -> list[Any]:
    """Every case of every file, once for each model it speaks of."""
    return [
        pytest.param(case, model, id=f"{file.stem}: {case['name']} ({model})")
        for file in sorted(CASES.glob("*.json"))
        for case in json.loads(file.read_text())["cases"]
        for model in case.get("models", ["its own"])
    ]


def path_through(channels: list[str]) -> list[Touch]:
    return [
        Touch(str(place), "p", place, place, "acquisition", channel, "", "web", "")
        for place, channel in enumerate(channels)
    ]


def model_of(case: dict[str, Any], name: str) -> AttributionModel:
    if "shares" not in case:
        return MODELS[name]
    model: AttributionModel = msgspec.convert(case["shares"], AnyAttributionModel)
    return model


@pytest.mark.parametrize(("case", "model"), cases())
def test_others_would_share_the_same(case: dict[str, Any], model: str) -> None:
    path = path_through(case["path"])
    earned: dict[str, int] = {}
    shared = share_conversion(model, model_of(case, model), case["minor"], path)
    for credit in shared:
        channel = path[int(credit.touch)].channel
        earned[channel] = earned.get(channel, 0) + credit.minor
    assert earned == case["earned"]
    if "places" in case:
        assert {credit.touch: credit.minor for credit in shared} == case["places"]


@pytest.mark.parametrize(
    ("model", "touches", "hundredths"),
    [
        ("first", 4, [100, 0, 0, 0]),
        ("last", 4, [0, 0, 0, 100]),
        ("linear", 4, [25, 25, 25, 25]),
        ("u", 1, [100]),
        ("u", 2, [50, 50]),
        ("u", 3, [40, 20, 40]),
        ("u", 4, [40, 10, 10, 40]),
        ("u", 6, [40, 5, 5, 5, 5, 40]),
    ],
)
def test_a1_the_shipped_models_share_as_asked_for(model: str, touches: int, hundredths: list[int]) -> None:
    weights = MODELS[model].weights(touches)
    assert [weight * 100 / sum(weights) for weight in weights] == hundredths


def test_the_shipped_models_are_those_of_a1_that_need_no_data() -> None:
    assert set(MODELS) == {"first", "last", "linear", "u"}
    assert {type(model) for model in MODELS.values()} == set(KINDS.values())


def test_ends_that_take_nothing_leave_it_to_the_middle() -> None:
    model = Positions(first=0, last=0)
    assert [list(model.weights(count)) for count in (1, 2, 4)] == [[1], [1, 1], [0, 100, 100, 0]]


def test_more_than_the_whole_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="more than 100"):
        msgspec.convert({"type": "positions", "first": 80, "last": 40}, Positions)


def test_without_a_touch_nobody_earns_it() -> None:
    (credit,) = share_conversion("u", MODELS["u"], 500, [])
    assert (credit.touch, credit.minor) == (UNATTRIBUTED, 500)


@given(
    st.sampled_from(sorted(MODELS)),
    st.integers(-(10**15), 10**15),
    st.integers(0, 60),
)
def test_credits_sum_to_the_outcome_whatever_it_is(model: str, minor: int, touches: int) -> None:
    shared = share_conversion(model, MODELS[model], minor, path_through(["x"] * touches))
    assert sum(credit.minor for credit in shared) == minor
    assert len({credit.touch for credit in shared}) == len(shared)


@given(st.integers(0, 10**12), st.integers(3, 40))
def test_equal_touches_differ_by_one_unit_at_most_and_the_earlier_has_it(minor: int, touches: int) -> None:
    linear = [
        credit.minor
        for credit in share_conversion("linear", MODELS["linear"], minor, path_through(["x"] * touches))
    ]
    assert linear == sorted(linear, reverse=True)
    assert linear[0] - linear[-1] <= 1
