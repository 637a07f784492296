"""Trace context."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry.tracing import (
    TraceContext,
    Tracing,
    child_of,
    continue_or_start,
    parse_traceparent,
    start_trace,
    trace_fields,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


class TestTraceparent:
    def test_is_read_and_written_back(self) -> None:
        assert str(parse_traceparent(PARENT)) == PARENT
        assert str(parse_traceparent(PARENT.encode())) == PARENT
        assert parse_traceparent(f"00-{TRACE}-{SPAN}-00") == TraceContext(TRACE, SPAN, is_sampled=False)

    def test_of_a_later_version_is_read_as_far_as_we_know_it(self) -> None:
        assert parse_traceparent(f"01-{TRACE}-{SPAN}-01-more") == TraceContext(TRACE, SPAN)

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "nonsense",
            b"\xff\xfe",
            PARENT.upper(),
            PARENT + "-more",
            f"ff-{TRACE}-{SPAN}-01",
            f"00-{'0' * 32}-{SPAN}-01",
            f"00-{TRACE}-{'0' * 16}-01",
            f"00-{TRACE[1:]}-{SPAN}-01",
        ],
    )
    def test_that_is_none_starts_a_new_trace_and_rejects_nothing(self, text: str | bytes | None) -> None:
        assert parse_traceparent(text) is None
        made = continue_or_start(text)
        assert parse_traceparent(str(made)) == made
        assert made.trace_id != TRACE

    def test_goes_on_in_a_child(self) -> None:
        made = continue_or_start(PARENT)
        assert made.trace_id == TRACE
        assert made.span_id != SPAN

    def test_of_a_child_caused_by_an_event_is_the_same_each_time(self) -> None:
        parent = start_trace()
        assert child_of(parent, cause="e1") == child_of(parent, cause="e1")
        assert child_of(parent, cause="e1") != child_of(parent, cause="e2")
        assert child_of(parent) != child_of(parent)

    def test_gives_the_fields_of_the_log(self) -> None:
        assert trace_fields(PARENT) == {"trace_id": TRACE, "span_id": SPAN}
        assert trace_fields(TraceContext(TRACE, SPAN)) == {"trace_id": TRACE, "span_id": SPAN}
        assert trace_fields("nonsense") == {}


class TestTracing:
    def test_without_an_exporter_carries_the_context_and_records_nothing(self) -> None:
        tracing = Tracing(service="s", version="v")
        with tracing.span("process leadmill.raw", parent=parse_traceparent(PARENT)) as context:
            assert context.trace_id == TRACE
        assert not tracing.is_on
        tracing.stop()

    def test_with_an_exporter_records_parent_kind_and_identifiers(self) -> None:
        exporter = InMemorySpanExporter()
        tracing = Tracing(exporter, service="ingest", version="v")
        with tracing.span(
            "process leadmill.raw",
            kind="consumer",
            parent=parse_traceparent(PARENT),
            attributes={"event_id": "e1"},
        ) as context:
            pass
        tracing.stop()
        (span,) = exporter.get_finished_spans()
        assert span.name == "process leadmill.raw"
        assert span.kind.name == "CONSUMER"
        assert span.parent is not None
        assert f"{span.parent.span_id:016x}" == SPAN
        assert f"{span.context.span_id:016x}" == context.span_id
        assert dict(span.attributes or {}) == {"event_id": "e1"}

    def test_records_of_a_failure_its_type_and_not_its_message(self) -> None:
        exporter = InMemorySpanExporter()
        tracing = Tracing(exporter, service="ingest", version="v")
        with pytest.raises(ValueError, match="secret"), tracing.span("x"):
            raise ValueError("secret@fixture.example")
        tracing.stop()
        (span,) = exporter.get_finished_spans()
        assert "secret" not in span.to_json()
        assert span.status.status_code.name == "ERROR"
        assert dict(span.attributes or {}) == {"error.type": "ValueError"}

    def test_does_not_even_import_opentelemetry_where_nobody_listens(self) -> None:
        program = (
            "import sys; from shared.telemetry.tracing import Tracing\n"
            "with Tracing(service='s', version='v').span('x'): pass\n"
            "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
