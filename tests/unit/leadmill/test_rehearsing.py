"""The preview of an import tells what would start with new leads, by the documents that ship (I11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from leadmill.platform.rehearsal.forecasting import build_forecast, foresee
from leadmill.platform.roster import REHEARSALS
from services.ingest.domain.directory import Directory
from services.ingest.domain.intake import Intake
from shared.contracts.events.raw import RawReceived
from shared.kernel.instants import parse_instant
from tests.unit.ingest.requests import ROOT, make_reader, on_intake

NOW = parse_instant("2026-03-03T02:00:00Z")
FIT: dict[str, Any] = {"title": "采购总监", "industry": "制造业", "employees": 650, "region": "上海"}
FORECAST = build_forecast(ROOT / "config", REHEARSALS)


def foretold(channel: Any, body: dict[str, Any]) -> list[str]:
    raw = RawReceived(source="crm", channel=channel, kind=channel, body=msgspec.json.encode(body).decode())
    intake = make_reader().on_raw_received(raw, record_id="0" * 32, received=NOW)
    assert isinstance(intake, Intake)
    return [*FORECAST(on_intake(Directory(), intake), NOW)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("Demo Requested", {"tier_changed", "claimable"}),
        ("Document Downloaded", {"tier_changed", "enrolled"}),
    ],
)
def test_i11_what_an_act_would_start_is_told_by_the_rules_themselves(event: str, expected: set[str]) -> None:
    body = {"event": event, "lead": {"email": "ada@example.com"}, "traits": FIT, "kind": "white_paper"}
    assert expected <= set(foretold("event", body))


def test_i11_somebody_of_whom_nothing_is_known_starts_nothing() -> None:
    assert "assigned" not in foretold("lead", {"email": "ada@example.com"})


def test_i11_one_lead_says_nothing_about_the_next() -> None:
    rich = {**FIT, "email": "ada@example.com", "target_account": True, "budget": 600_000, "tender": True}
    first = foretold("lead", rich)
    for _ in range(60):
        assert foretold("lead", rich) == first


def test_i11_a_process_without_the_documents_of_the_others_foresees_nothing(tmp_path: Path) -> None:
    assert foresee(tmp_path, REHEARSALS) is None
    assert foresee(ROOT / "config", REHEARSALS) is not None
