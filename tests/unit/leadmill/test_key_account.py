"""What a client sends of a key account is what scoring reads of it, by the documents that ship (C3, I9)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from leadmill.platform.rehearsal.forecasting import build_forecast
from leadmill.platform.roster import REHEARSALS
from services.ingest.domain.directory import Directory
from services.ingest.domain.intake import Intake
from shared.contracts.events.leads import LeadCaptured
from shared.contracts.events.raw import RawReceived
from shared.kernel.instants import parse_instant
from tests.unit.ingest.requests import ROOT, make_reader, on_intake
from tests.unit.scoring.stories import Story, shipped

NOW = parse_instant("2026-03-03T02:00:00Z")


def taken_in(traits: dict[str, Any]) -> Intake:
    body = msgspec.json.encode({"email": "ada@example.com", **traits}).decode()
    raw = RawReceived(source="crm", channel="lead", kind="lead", body=body)
    intake = make_reader().on_raw_received(raw, record_id="0" * 32, received=NOW)
    assert isinstance(intake, Intake)
    return intake


def points_for(traits: dict[str, Any]) -> float:
    said = on_intake(Directory(), taken_in(traits))
    (captured,) = [one.event for one in said if isinstance(one.event, LeadCaptured)]
    return Story(shipped("key_account")).is_known_as(NOW, **captured.attributes).points()


@pytest.mark.parametrize(
    ("traits", "points"),
    [
        ({"company": {"employees": 650}}, 20),
        ({"company": {"employees": "200-499"}}, 10),
        ({"industry": "医药"}, 15),
        ({"target_account": "是"}, 20),
        ({"budget": 600_000}, 20),
        ({"预算": "30万"}, 10),
        ({"采购介入": "是", "legal": True}, 10),
        ({"tender": "需要招标"}, 10),
        ({"stage": "已立项"}, 15),
        ({"go_live_on": "2026-04-30"}, 10),
        ({"go_live_on": "2026-09-30"}, 0),
    ],
)
def test_each_attribute_of_c3_arrives_as_it_is_sent(traits: dict[str, Any], points: int) -> None:
    assert points_for(traits) == points


def test_a_key_account_would_be_assigned_at_once_r2() -> None:
    known = {"company": {"employees": 650}, "industry": "制造业", "target_account": True}
    forecast = build_forecast(ROOT / "config", REHEARSALS)
    assert "assigned" in forecast(on_intake(Directory(), taken_in({**known, "budget": 600_000})), NOW)
    assert "assigned" not in forecast(on_intake(Directory(), taken_in({**known, "budget": 300_000})), NOW)
