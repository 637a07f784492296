"""Spans on their way to a collector: OTLP over HTTP, in JSON, as every collector takes it on port 4318.

Spans are worth less than the work they tell of. Nothing here raises, retries or waits longer than one
time-out: a collector that is away costs two seconds of a thread that nobody waits for, then what is
recorded is dropped for a while before it is asked again. Events and links are not sent, because the
event of an exception would hold its message. What needs credentials or another wire goes through a
collector of one's own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx
import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

_TIMEOUT_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 10.0
_KINDS_BEGIN_AT: Final = 1
"""On the wire 0 is "unspecified", which the library has no name for."""
_HAS_IS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200


class OtlpExporter(SpanExporter):
    """Sends spans to ``endpoint``, the whole address with its path; many threads may use one exporter.

    After a failure it drops spans for ``pause`` seconds. ``shutdown`` lets go of the connections; the
    services of one process share an exporter, so a later export opens them again.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        timeout: float = _TIMEOUT_SECONDS,
        pause: float = _PAUSE_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._pause = pause
        self._now = now
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._away_until: float | None = None
        self._dropped = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them, or drop them; returns within the time-out and never raises."""
        with self._lock:
            if self._away_until is not None and self._now() < self._away_until:
                self._dropped += len(spans)
                return SpanExportResult.FAILURE
            client = self._client = self._client or httpx.Client(timeout=self._timeout, trust_env=False)
        try:
            answer = client.post(
                self._endpoint, content=encode_spans(spans), headers={"content-type": "application/json"}
            )
        except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: shut down in between
            return self._failed(len(spans), type(error).__name__)
        if not answer.is_success:
            return self._failed(len(spans), f"HTTP {answer.status_code}")
        with self._lock:
            if self._away_until is not None:
                logger.info("spans_sent_again", dropped=self._dropped)
                self._away_until, self._dropped = None, 0
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Let go of the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _failed(self, spans: int, reason: str) -> SpanExportResult:
        with self._lock:
            if self._away_until is None:
                logger.warning("spans_dropped", code="telemetry.collector_away", reason=reason)
            self._away_until = self._now() + self._pause
            self._dropped += spans
        return SpanExportResult.FAILURE


def encode_spans(spans: Sequence[ReadableSpan]) -> bytes:
    """Return an ``ExportTraceServiceRequest`` in OTLP's JSON, the spans grouped by who recorded them."""
    by_resource: dict[int, list[ReadableSpan]] = {}
    for span in spans:
        by_resource.setdefault(id(span.resource), []).append(span)
    return msgspec.json.encode(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": _attributes(group[0].resource.attributes)},
                    "scopeSpans": [{"scope": {"name": "leadmill"}, "spans": [_encode(one) for one in group]}],
                }
                for group in by_resource.values()
            ]
        }
    )


def _encode(span: ReadableSpan) -> dict[str, Any]:
    context, parent = span.context, span.parent
    flags = int(context.trace_flags) | _HAS_IS_REMOTE
    if parent is not None and parent.is_remote:
        flags |= _IS_REMOTE
    encoded = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        "flags": flags,
        "name": span.name,
        "kind": span.kind.value + _KINDS_BEGIN_AT,
        # 64 bits do not fit a number of JSON
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": span.status.status_code.value},
    }
    if parent is not None:
        encoded["parentSpanId"] = f"{parent.span_id:016x}"
    return encoded


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
