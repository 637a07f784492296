"""Spans of requests, as an operator asks for them: one address, and no price where nobody answers it."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from shared.testing.span_collector import SpanCollector
from tests.operations.processes import Running, leadmill
from tests.operations.test_personal_data import EMAIL, PERSON, find_in

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def _identify(client: httpx.Client, key: str) -> float:
    """Send the fixture's person; return the seconds until the answer."""
    began = time.monotonic()
    answer = client.post(
        "/v1/identify",
        json={"writeKey": key, "userId": EMAIL, "traits": PERSON},
        headers={"traceparent": f"00-{TRACE}-{SPAN}-01"},
    )
    assert answer.status_code == 200
    return time.monotonic() - began


def test_they_reach_a_collector_and_a_dead_one_slows_and_fails_nothing(data: Path, tmp_path: Path) -> None:
    key = leadmill("key", "add", "website", "--json", "--data", str(data)).document["key"]
    with SpanCollector() as collector:
        settings = {"LEADMILL_TRACES_ENDPOINT": collector.address}
        with Running(["up", "--data", str(data)], settings, tmp_path / "log", is_warm=True) as platform:
            platform.until("/readyz", status=200)
            with httpx.Client(base_url=platform.address, timeout=60, trust_env=False) as client:
                _identify(client, key)
                client.get("/v1/leads", params={"email": EMAIL})
                client.get(f"/scoring/v1/leads/{EMAIL}/why", params={"model": EMAIL})
                platform.await_until(lambda: len(collector.spans()) >= 3)

                collector.is_silent = True
                waits = sorted(_identify(client, key) for _ in range(600))
            assert waits[300] < 1.0, "a time-out is two seconds; a busy machine has its moments"
            platform.await_until(lambda: "spans_dropped" in platform.said())
            assert platform.terminate() == 0
        spans = collector.spans()
        assert find_in("\n".join(collector.requests)) == []

    requests = [span for span in spans if "http.route" in span["attributes"]]
    by_route = {(span["service"], span["attributes"]["http.route"]): span for span in requests}
    assert set(by_route) == {
        ("ingest", "/v1/identify"),
        ("ingest", "/v1/leads"),
        ("scoring", "/scoring/v1/leads/{lead}/why"),
    }
    identify = by_route["ingest", "/v1/identify"]
    assert (identify["traceId"], identify["parentSpanId"]) == (TRACE, SPAN)
    assert identify["attributes"] == {
        "http.request.method": "POST",
        "http.route": "/v1/identify",
        "http.response.status_code": "200",
    }


def test_the_setting_is_listed_with_what_it_means() -> None:
    address = "http://collector.example:4318/v1/traces"
    answer = leadmill("settings", "--json", environment={"LEADMILL_TRACES_ENDPOINT": address})

    (row,) = [row for row in answer.document["settings"] if row["variable"] == "LEADMILL_TRACES_ENDPOINT"]
    assert (row["value"], row["default"]) == (address, "")
    assert "OTLP" in row["meaning"]
