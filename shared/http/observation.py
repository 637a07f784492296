"""Every request is measured by its route's template, belongs to a trace, and fails in one way.

An exception becomes a problem here, whichever route it came from; what is no verdict is logged
with its frames and told to the client as nothing but a bug. More requests at once than the process
can hold are refused before anything is read. Who comes too often is counted and not logged: a flood
must not become one of the log, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import (
    PROBLEM_JSON,
    Busy,
    Stopping,
    TooManyRequests,
    headers_of,
    problem_of,
    send_json,
)
from shared.kernel.errors import Unavailable, Verdict
from shared.telemetry.logging import get_logger, log_context
from shared.telemetry.metrics import HttpMetrics
from shared.telemetry.tracing import TraceContext, Tracing, parse_traceparent

logger = get_logger(__name__)

TRACE_KEY: Final = "leadmill.trace"
"""Where the request's trace context stands in the ASGI scope."""

ROUTE_KEY: Final = "leadmill.route"
"""Where a plain ASGI route's template stands in the ASGI scope."""

PROBLEM_TYPE_KEY: Final = "leadmill.problem_type"
"""Where the media type of a route's problems stands in the ASGI scope, if it has one of its own."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_GONE: Final = 499


def trace_of(scope: Scope) -> TraceContext:
    """Return the trace to which a request belongs."""
    context: TraceContext = scope[TRACE_KEY]
    return context


def route_of(scope: Scope) -> str:
    """Return the template of the route that took the request, or ``""`` if none did."""
    ours = scope.get(ROUTE_KEY)
    if ours is not None:
        return str(ours)
    # FastAPI resolves routers in routers here; the route itself does not know its prefixes
    effective: Any = (scope.get("fastapi") or {}).get("effective_route_context")
    template = getattr(effective, "path_format", None) or getattr(scope.get("route"), "path", None)
    return str(template or "")


class Observation:
    """Measures, traces and bounds requests, and turns exceptions into problems."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        metrics: HttpMetrics,
        tracing: Tracing,
        statuses: Mapping[str, int],
        most_in_flight: int,
        stopping: asyncio.Event,
    ) -> None:
        self._app = app
        self._service = service
        self._metrics = metrics
        self._tracing = tracing
        self._statuses = statuses
        self._room = most_in_flight
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        seen: dict[str, str | int] = {"http.request.method": method}
        parent = None
        for name, value in scope["headers"]:
            if name == b"traceparent":
                parent = value
                break
        self._room -= 1
        route = ""
        try:
            with self._tracing.span(
                method, kind="server", parent=parse_traceparent(parent), attributes=seen
            ) as trace:
                scope[TRACE_KEY] = trace
                with log_context(service=self._service, trace_id=trace.trace_id, span_id=trace.span_id):
                    try:
                        if self._room < 0:
                            raise Busy
                        await self._app(scope, receive, watch)
                    except ClientDisconnect:
                        status = _CLIENT_GONE
                    except asyncio.CancelledError:
                        if not self._stopping.is_set() or status:
                            raise
                        # the grace is over: its client learns that it may try again
                        await self._tell(Stopping(), scope, trace, watch, has_started=False)
                    except Exception as error:  # noqa: BLE001  # the last place where it can be told
                        await self._tell(error, scope, trace, watch, has_started=status != 0)
                    finally:
                        seen["http.route"] = route = route_of(scope)
                        seen["http.response.status_code"] = status or _CLIENT_GONE
        finally:
            self._room += 1
            self._metrics.request(
                method=method,
                route=route,
                status_code=status or _CLIENT_GONE,
                seconds=perf_counter() - started,
            )

    async def _tell(
        self, error: Exception, scope: Scope, trace: TraceContext, send: Send, *, has_started: bool
    ) -> None:
        problem = problem_of(error, statuses=self._statuses, trace_id=trace.trace_id)
        if not isinstance(error, Verdict):
            logger.error("request_failed", exc_info=error, method=scope["method"], route=route_of(scope))
        else:
            self._metrics.refused(problem.code)
            if isinstance(error, Unavailable) and not isinstance(error, (Busy, TooManyRequests)):
                logger.warning(
                    "request_unavailable", code=problem.code, route=route_of(scope), exc_info=error
                )
        if has_started:
            raise error
        await send_json(
            send,
            problem.status,
            msgspec.json.encode(problem),
            headers=headers_of(problem, error),
            media_type=scope.get(PROBLEM_TYPE_KEY, PROBLEM_JSON),
        )
