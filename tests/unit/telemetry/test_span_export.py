"""Spans on their way to a collector."""

from __future__ import annotations

import json
import logging

import pytest

from shared.telemetry.span_export import OtlpExporter
from shared.telemetry.tracing import Tracing, parse_traceparent
from shared.testing.span_collector import SpanCollector

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = parse_traceparent(f"00-{TRACE}-{SPAN}-01")


def record(exporter: OtlpExporter, *names: str, service: str = "ingest") -> None:
    tracing = Tracing(exporter, service=service, version="v1")
    for name in names:
        with tracing.span(name, kind="server", parent=PARENT, attributes={"n": 5, "ok": True, "s": 0.5}):
            pass
    tracing.stop()


class TestACollectorThatAnswers:
    def test_is_sent_each_span_as_the_protocol_wants_it(self) -> None:
        with SpanCollector() as collector:
            record(OtlpExporter(collector.address), "POST")
            (body,) = collector.requests

        sent = json.loads(body)
        (span,) = sent["resourceSpans"][0]["scopeSpans"][0]["spans"]
        assert span["endTimeUnixNano"] >= span["startTimeUnixNano"] > "1"
        assert len(span["spanId"]) == 16
        variable = {name: span[name] for name in ("spanId", "startTimeUnixNano", "endTimeUnixNano")}
        assert sent == {
            "resourceSpans": [
                {
                    "resource": {
                        "attributes": [
                            {"key": "service.name", "value": {"stringValue": "ingest"}},
                            {"key": "service.version", "value": {"stringValue": "v1"}},
                        ]
                    },
                    "scopeSpans": [
                        {
                            "scope": {"name": "leadmill"},
                            "spans": [
                                {
                                    "traceId": TRACE,
                                    "parentSpanId": SPAN,
                                    "flags": 0x301,
                                    "name": "POST",
                                    "kind": 2,
                                    "attributes": [
                                        {"key": "n", "value": {"intValue": "5"}},
                                        {"key": "ok", "value": {"boolValue": True}},
                                        {"key": "s", "value": {"doubleValue": 0.5}},
                                    ],
                                    "status": {"code": 0},
                                    **variable,
                                }
                            ],
                        }
                    ],
                }
            ]
        }

    def test_is_shared_by_the_services_of_a_process_though_they_stop_one_after_the_other(self) -> None:
        with SpanCollector() as collector:
            exporter = OtlpExporter(collector.address)
            record(exporter, "a", service="ingest")
            record(exporter, "b", service="scoring")
            said = [(span["service"], span["name"]) for span in collector.spans()]

        assert said == [("ingest", "a"), ("scoring", "b")]

    def test_is_told_of_a_failure_its_type_and_nothing_else(self) -> None:
        with SpanCollector() as collector:
            tracing = Tracing(OtlpExporter(collector.address), service="ingest", version="v1")
            with pytest.raises(ValueError, match="secret"), tracing.span("x"):
                raise ValueError("secret@fixture.example")
            tracing.stop()
            (span,) = collector.spans()
            assert "secret" not in collector.requests[0]

        assert span["status"] == {"code": 2}
        assert span["attributes"] == {"error.type": "ValueError"}
        assert "parentSpanId" not in span


class TestACollectorThatIsAway:
    @pytest.mark.parametrize("status", [400, 404, 429, 503])
    def test_is_told_of_once_and_left_alone_for_a_while(
        self, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        now = 0.0
        with SpanCollector(status=status) as collector:
            exporter = OtlpExporter(collector.address, pause=10, now=lambda: now)
            record(exporter, "a")
            record(exporter, "b")
            now = 9.9
            record(exporter, "c")
            assert [span["name"] for span in collector.spans()] == ["a"]

            now = 10.1
            collector.status = 200
            record(exporter, "d")
            record(exporter, "e")
            assert [span["name"] for span in collector.spans()] == ["a", "d", "e"]

        said = [entry.msg for entry in caplog.records if isinstance(entry.msg, dict)]
        assert [(entry["event"], entry.get("reason"), entry.get("dropped")) for entry in said] == [
            ("spans_dropped", f"HTTP {status}", None),
            ("spans_sent_again", None, 3),
        ]

    def test_costs_one_try_where_nobody_listens(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        exporter = OtlpExporter("http://127.0.0.1:1/v1/traces", now=lambda: 0.0)
        for _ in range(5):
            record(exporter, *("x" for _ in range(600)))
        assert [entry.msg["reason"] for entry in caplog.records if isinstance(entry.msg, dict)] == [
            "ConnectError"
        ]

    def test_costs_one_time_out_where_nobody_answers(self) -> None:
        with SpanCollector(is_silent=True) as collector:
            exporter = OtlpExporter(collector.address, timeout=0.5, now=lambda: 0.0)
            record(exporter, *("x" for _ in range(2_000)))
            record(exporter, "y", service="scoring")
            assert len(collector.requests) == 1

    def test_never_holds_up_what_is_recorded(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        with SpanCollector(is_silent=True) as collector:
            tracing = Tracing(OtlpExporter(collector.address, timeout=60), service="s", version="v")
            for _ in range(2_000):
                with tracing.span("x"):
                    pass
            assert caplog.records == [], "all was recorded before the collector was given up"
            collector.hang_up()
            tracing.stop()
        assert len(collector.requests) == 1
