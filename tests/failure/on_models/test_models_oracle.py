"""The oracle of models and webhooks shows each fault it is there for, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.scoring.domain.webhooks.signing import secret_of, sign
from tests.failure.on_models.authors import Move
from tests.failure.on_models.documents import PUBLISHED, SHADOWED, SHARED, changed
from tests.failure.on_models.oracle.rulings import Saved, check_rulings
from tests.failure.on_models.oracle.steps import compare_steps
from tests.failure.on_models.oracle.webhooks import Told, compare_heard
from tests.failure.on_models.receiver import Heard
from tests.failure.oracle.comparison import Differences
from tests.failure.surroundings.callers import Asked

SECRET = secret_of(b"k" * 32)


def told(identity: str, lead: str = "ada", *, tier: str = "hot") -> Told:
    """A change on the topic."""
    return Told(identity, lead, ("tier_changed", "five_step", 1, "up", "warm", tier, 71.0, False))


def heard(one: Told, *, secret: str = SECRET) -> Heard:
    """The message about it."""
    names = ("model", "model_version", "direction", "from_tier", "to_tier", "points", "restated")
    data: dict[str, Any] = {"lead": one.lead, **dict(zip(names, one.content[1:], strict=True))}
    body = msgspec.json.encode({"id": one.id, "type": "leadmill.tier_changed", "data": data})
    signed = sign([secret], message=one.id, at=1_000_000, body=body)
    return Heard(
        "/all",
        one.id,
        signed["webhook-timestamp"],
        signed["webhook-signature"],
        body.decode(),
        "ok",
    )


A, B, C = told("a"), told("b"), told("c", "ben")


@pytest.mark.parametrize(
    ("messages", "kinds"),
    [
        ([A, B, C], []),
        ([C, A, B], []),  # leads do not wait for each other
        ([A, A, B, A, C], []),  # repeats are dropped by their ids
        ([B, A, C], ["reordered"]),
        ([A, C], ["unheard"]),
        ([B, C], ["unheard"]),
        ([A, B, C, told("d")], ["unexplained"]),
        ([A, B, told("c", "ben", tier="warm")], ["different"]),
        ([A, B, C, told("c", "ben", tier="warm")], ["double"]),
    ],
)
def test_what_was_taken_is_held_against_the_topic(messages: list[Told], kinds: list[str]) -> None:
    differences = Differences()
    compare_heard("/all", [A, B, C], [heard(one) for one in messages], secret=SECRET, differences=differences)
    assert list(differences.kinds) == kinds


def test_a_message_signed_by_somebody_else_is_shown() -> None:
    differences = Differences()
    message = heard(A, secret=secret_of(b"o" * 32))
    compare_heard("/all", [A], [message], secret=SECRET, differences=differences)
    assert list(differences.kinds) == ["signature"]


@pytest.mark.parametrize(
    ("number", "begun", "noted", "is_shown"),
    [
        (0, 90.0, 99.0, False),
        (3, 99.0, 101.0, False),
        (0, 99.0, 101.0, False),  # it began before the step
        (0, 110.0, 111.0, True),
        (3, 90.0, 91.0, True),
        (4, 120.0, 121.0, True),
        (5, 299.0, 300.0, False),
    ],
)
def test_whoever_saves_goes_by_the_register_as_it_was(
    number: int, begun: float, noted: float, *, is_shown: bool
) -> None:
    differences = Differences()
    check_rulings([Saved(1, number, begun, noted)], {3: 100.0, 5: 200.0}, differences)
    assert bool(differences.lines) is is_shown


@pytest.mark.parametrize(
    ("replies", "kinds"),
    [
        ([{"number": 1}], []),
        ([{"number": 1}, {"number": 1}], []),
        ([{"number": 1}, {"number": 2}], ["command", "unexplained"]),
        ([{"number": 7}], ["lost", "unexplained"]),
        ([{"number": 1, "by": "bob"}], ["command"]),
        ([None], ["unexplained"]),
    ],
)
def test_a_step_is_taken_once_and_answered_the_same(replies: list[object], kinds: list[str]) -> None:
    asked = Asked("c1", "abcd", began=0.0, replies=replies, meaning=Move("abcd", "publish", {}))
    differences = Differences()
    compare_steps({1: {"number": 1}}, [asked], differences)
    assert list(differences.kinds) == kinds


def test_the_versions_that_are_drafted_differ_from_those_that_ship_in_points_only() -> None:
    for name in (SHADOWED, SHARED, PUBLISHED):
        assert "version: 2" in changed(name)
