"""What a webhook wants to be told, and what it is told in."""

from __future__ import annotations

import json

import pytest

from services.scoring.domain.webhooks.webhook import Said, Wanted, find_unknown, is_webhook_id
from services.scoring.queries.telling import event_of, show_said, write_event
from shared.kernel.instants import format_instant
from tests.unit.scoring.stories import START
from tests.unit.scoring.webhooks.examples import activation, change

TIERS = {"five_step": ["cold", "warm", "hot"], "mql": ["D", "C", "B", "A"]}


def test_who_names_nothing_is_told_everything() -> None:
    assert Wanted().takes(change())
    assert Wanted().takes(activation())


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (Wanted(kinds=("tier_changed",)), [True, True, False]),
        (Wanted(kinds=("lead_activated",)), [False, False, True]),
        (Wanted(models=("five_step",)), [True, True, False]),
        (Wanted(models=("mql",)), [False, False, True]),
        (Wanted(directions=("up",)), [True, False, True]),
        (Wanted(tiers=("hot",)), [True, False, True]),
        (Wanted(kinds=("tier_changed",), directions=("down",), tiers=("cold",)), [False, True, False]),
        (Wanted(directions=("down",), tiers=("hot",)), [False, False, True]),
    ],
)
def test_each_part_of_a_filter_narrows_what_is_told(wanted: Wanted, takes: list[bool]) -> None:
    said: list[Said] = [change(), change(direction="down", to_tier="cold"), activation()]
    assert [wanted.takes(one) for one in said] == takes


def test_a_filter_that_matches_nothing_is_told_with_every_fault() -> None:
    assert find_unknown(Wanted(models=("five_step",), tiers=("hot", "cold")), TIERS) == []
    assert find_unknown(Wanted(tiers=("hot", "A")), TIERS) == []
    assert find_unknown(Wanted(models=("six", "seven")), TIERS) == [
        "models: there is no live model six",
        "models: there is no live model seven",
    ]
    assert find_unknown(Wanted(models=("mql",), tiers=("hot", "E")), TIERS) == [
        "tiers: none of the models has a tier hot",
        "tiers: none of the models has a tier E",
    ]


def test_a_body_is_a_cloudevent_around_what_the_stream_shows() -> None:
    for said in (change(), activation()):
        body = json.loads(write_event(said))
        data = body.pop("data")
        assert data == show_said(said)
        assert data["external_ids"] == [{"source": "crm", "id": "LD-1"}]
        assert body == {
            "specversion": "1.0",
            "id": data["id"],
            "source": "/leadmill/scoring",
            "type": f"leadmill.{'tier_changed' if 'to_tier' in data else 'lead_activated'}",
            "subject": "lead-1",
            "time": format_instant(START),
            "datacontenttype": "application/json",
        }
        assert write_event(said) == write_event(said)
        assert len(write_event(said)) < 20_000


def test_an_event_keeps_its_id_and_one_from_before_has_one_that_follows_from_it() -> None:
    assert (event_of(change()), event_of(activation())) == ("e1", "e2")
    for first, second in (
        (change(event=""), change(event="", model="mql")),
        (activation(event=""), activation(event="", model="five_step")),
    ):
        assert event_of(first) == event_of(first)
        assert event_of(first) != event_of(second)
        assert "." not in event_of(first)


@pytest.mark.parametrize(
    ("text", "is_id"), [("wh_0123abcd", True), ("wh_\0", False), ("wh_", True), ("", False), ("hw_0", False)]
)
def test_an_id_of_a_webhook_is_told_by_its_spelling(text: str, is_id: bool) -> None:
    assert is_webhook_id(text) == is_id
