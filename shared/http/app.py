"""A service's HTTP side as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.access import Authority
from shared.http.bodies import BodyBound, BodyTooLarge
from shared.http.cors import Cors
from shared.http.hot_routes import (
    HotRoute,
    HotRoutes,
    MethodNotAllowed,
    document_hot_routes,
    document_problems,
)
from shared.http.observation import Observation, trace_of
from shared.http.openapi_page.page import show_openapi
from shared.http.problems import (
    headers_of,
    make_problem,
    problem_response,
)
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.telemetry.metrics import HttpMetrics
from shared.telemetry.tracing import Tracing

_SILENT: Final[Any] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own telemetry would export query strings and messages of exceptions; ours does not."""


class NotFound(Rejected):
    """There is nothing at this address; see /docs for what there is."""

    code = "http.not_found"


class RequestMalformed(Rejected):
    """The request cannot be read as it is; see the documentation of this address."""

    code = "http.malformed"


def build_app(
    *,
    title: str,
    service: str,
    version: str,
    registry: CollectorRegistry,
    clock: Clock,
    stopping: asyncio.Event,
    routers: Sequence[APIRouter] = (),
    hot_routes: Sequence[HotRoute] = (),
    authority: Authority | None = None,
    tracing: Tracing | None = None,
    statuses: Mapping[str, int] | None = None,
    docs_prefix: str = "",
    most_in_flight: int = 1_000,
    largest_body: int = 4 * 1024 * 1024,
) -> FastAPI:
    """Return a service's application: its routes, hot routes first, and everything around them.

    Errors are problems, answers carry CORS headers, requests are measured and traced, nothing is
    redirected. ``statuses`` gives codes of this service their HTTP status. The OpenAPI page is at
    ``<docs_prefix>/docs``. ``stopping`` ends event streams when it is set.
    """
    app = FastAPI(
        title=title,
        version=version,
        redirect_slashes=False,
        docs_url=None,  # FastAPI's page is fetched from elsewhere, and empty where that cannot be reached
        redoc_url=None,
        openapi_url=f"{docs_prefix}/openapi.json",
        telemetry=_SILENT,
        responses={
            "4XX": {"description": "Refused"},
            "5XX": {"description": "Unavailable"},
        },
    )
    app.add_api_route(f"{docs_prefix}/docs", show_openapi, include_in_schema=False)
    app.state.authority = authority
    app.state.clock = clock
    app.state.stopping = stopping
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    # the last one added is the outermost
    app.add_middleware(BodyBound, most=largest_body)
    app.add_middleware(HotRoutes, routes=hot_routes)
    app.add_middleware(
        Observation,
        service=service,
        metrics=HttpMetrics(registry, service=service),
        tracing=tracing or Tracing(service=service, version=version),
        statuses=statuses or {},
        most_in_flight=most_in_flight,
        stopping=stopping,
    )
    app.add_middleware(Cors)
    _leave_out_last_resort(app)
    _complete_documentation(app, hot_routes)
    return app


def _leave_out_last_resort(app: FastAPI) -> None:
    """Take Starlette's own catch-all from around ours: it is never reached, and each request pays for it."""
    build = app.build_middleware_stack

    def build_without() -> ASGIApp:
        outermost = build()
        return outermost.app if isinstance(outermost, ServerErrorMiddleware) else outermost

    app.build_middleware_stack = build_without  # type: ignore[method-assign]


def _complete_documentation(app: FastAPI, hot_routes: Sequence[HotRoute]) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            document_hot_routes(document, hot_routes)
            document_problems(document)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """Say in our words what FastAPI and Starlette refuse by themselves; their texts may quote the request."""
    assert isinstance(error, HTTPException)
    verdicts: dict[int, Rejected] = {404: NotFound(), 405: MethodNotAllowed(), 413: BodyTooLarge()}
    verdict = verdicts.get(error.status_code, RequestMalformed())
    status = error.status_code
    if isinstance(error.__cause__, BodyTooLarge):  # FastAPI takes it for a body that cannot be parsed
        verdict, status = error.__cause__, 413
    problem = make_problem(
        status=status,
        code=verdict.reason,
        message=verdict.message,
        trace_id=trace_of(request.scope).trace_id,
    )
    return problem_response(problem, {**(error.headers or {}), **headers_of(problem, error)})


async def _answer_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"field": ".".join(str(part) for part in fault["loc"]), "problem": fault["msg"]}
        for fault in error.errors()
    ]
    problem = make_problem(
        status=422,
        code="request.invalid",
        message="Correct the fields named in errors and send it again.",
        trace_id=trace_of(request.scope).trace_id,
        errors=faults,
    )
    return problem_response(problem)


class PrefixDispatch:
    """Several services on one port, by the first segment of the path; ``root`` takes what is left."""

    def __init__(self, apps: Mapping[str, ASGIApp], *, root: ASGIApp) -> None:
        self._apps = dict(apps)
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        first = scope.get("path", "/").split("/", 2)[1:2]
        app = self._apps.get("/" + first[0], self._root) if first else self._root
        await app(scope, receive, send)
