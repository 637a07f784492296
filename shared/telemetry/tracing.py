"""W3C trace context: who caused this, across processes, topics and requests.

The context is carried as the ``traceparent`` text. A text that is missing or malformed never
rejects what it came with: a new trace begins. Spans are recorded only where an exporter is
configured; without one OpenTelemetry is not even imported.
"""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

SpanKind = Literal["server", "client", "producer", "consumer", "internal"]

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_ids: Final = random.Random(secrets.randbits(256))  # no secrets; asking the kernel costs more


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span of one trace, in hexadecimal digits as on the wire."""

    trace_id: str
    span_id: str
    is_sampled: bool = True

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.is_sampled else '00'}"


def parse_traceparent(text: str | bytes | None) -> TraceContext | None:
    """Read a ``traceparent``; None if it is missing or not one."""
    if text is None:
        return None
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    match = _TRACEPARENT.fullmatch(text.strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, is_sampled=bool(int(flags, 16) & 1))


def start_trace() -> TraceContext:
    """Begin a new trace; it is random, so begin it where something enters, and carry it along."""
    digits = f"{_ids.getrandbits(192):048x}"
    return TraceContext(digits[:32], digits[32:])


def continue_or_start(text: str | bytes | None) -> TraceContext:
    """Return a new span below the one named, or of a new trace where none is named."""
    parent = parse_traceparent(text)
    return start_trace() if parent is None else child_of(parent)


def child_of(parent: TraceContext, *, cause: str | None = None) -> TraceContext:
    """Return a span below ``parent``.

    With ``cause`` (an event's id) the span id depends on it alone, so that a batch that is handled
    twice writes the same bytes twice.
    """
    if cause is None:
        span_id = secrets.token_hex(8)
    else:
        span_id = blake2b(f"{parent.span_id}\x1f{cause}".encode(), digest_size=8).hexdigest()
    return TraceContext(parent.trace_id, span_id, parent.is_sampled)


def trace_fields(traceparent: str | bytes | TraceContext | None) -> dict[str, str]:
    """Return the log fields ``trace_id`` and ``span_id``; none where there is no trace."""
    context = traceparent if isinstance(traceparent, TraceContext) else parse_traceparent(traceparent)
    return {} if context is None else {"trace_id": context.trace_id, "span_id": context.span_id}


def _context_of(parent: TraceContext) -> Context:
    """Return OpenTelemetry's context below a span of another process."""
    from opentelemetry import trace

    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if parent.is_sampled else trace.TraceFlags.DEFAULT)
    remote = trace.SpanContext(
        int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(remote))


class Tracing:
    """Records spans if it was given an exporter, and costs one comparison if not.

    Attributes hold identifiers, never personal data. Spans are exported from a thread of their
    own; what cannot be exported is dropped, it never holds up the work.
    """

    def __init__(self, exporter: SpanExporter | None = None, *, service: str, version: str) -> None:
        self._provider: TracerProvider | None = None
        if exporter is not None:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider as Provider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            self._provider = Provider(
                resource=Resource({"service.name": service, "service.version": version})
            )
            self._provider.add_span_processor(BatchSpanProcessor(exporter))

    @property
    def is_on(self) -> bool:
        """Whether spans are recorded."""
        return self._provider is not None

    def span(
        self,
        name: str,
        *,
        kind: SpanKind = "internal",
        parent: TraceContext | None = None,
        attributes: Mapping[str, str | int | float | bool] | None = None,
    ) -> AbstractContextManager[TraceContext]:
        """Record what happens inside as a span, and give its context for those it causes.

        ``attributes`` are read at the end, so what becomes known inside may be added to them. An
        exception marks the span with its type and goes on; its message is not recorded.
        """
        if self._provider is None:
            return nullcontext(child_of(parent) if parent else start_trace())
        return self._recorded(self._provider, name, kind, parent, attributes)

    @contextmanager
    def _recorded(
        self,
        provider: TracerProvider,
        name: str,
        kind: SpanKind,
        parent: TraceContext | None,
        attributes: Mapping[str, str | int | float | bool] | None,
    ) -> Iterator[TraceContext]:
        from opentelemetry import trace

        above = None if parent is None else _context_of(parent)
        tracer = provider.get_tracer("leadmill")
        span = tracer.start_span(name, context=above, kind=trace.SpanKind[kind.upper()])
        made = span.get_span_context()
        try:
            yield TraceContext(f"{made.trace_id:032x}", f"{made.span_id:016x}", made.trace_flags.sampled)
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            span.set_attributes(dict(attributes or {}))
            span.end()

    def record(
        self,
        name: str,
        *,
        parent: TraceContext,
        began: int,
        ended: int,
        attributes: Mapping[str, str | int | float | bool],
    ) -> None:
        """Record something that has been done already, as a consumer's span; times in ns since 1970."""
        if self._provider is not None and parent.is_sampled:
            from opentelemetry import trace

            tracer = self._provider.get_tracer("leadmill")
            span = tracer.start_span(
                name,
                context=_context_of(parent),
                kind=trace.SpanKind.CONSUMER,
                start_time=began,
                attributes=attributes,
            )
            span.end(ended)

    def stop(self) -> None:
        """Export what is left, for at most two seconds, and let go."""
        if self._provider is not None:
            self._provider.force_flush(timeout_millis=2_000)
            self._provider.shutdown()
