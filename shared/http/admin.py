"""The admin surface of a process: on a port of its own, never public.

``/livez`` says whether the loops turn (and tests no dependency: restarting a process does not
bring a database back), ``/readyz`` whether work can be done now and if not why, ``/metrics`` the
numbers, ``/info`` what is running. ``PUT /log-level?level=debug`` changes what is logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.http.problems import problem_of, problem_response
from shared.telemetry.instruments import expose
from shared.telemetry.logging import UnknownLevel, current_level, get_logger, set_level

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found; ``code`` and ``detail`` say why it is not well and what to do."""

    name: str
    ok: bool
    code: str = ""
    detail: str = ""


class HealthSource(Protocol):
    """Knows how the process is; ``shared.runtime.health.Health`` does."""

    def live(self) -> Sequence[CheckResult]:
        """Return one result for each loop that must turn."""
        ...

    async def ready(self) -> Sequence[CheckResult]:
        """Return one result for each thing that is needed to work."""
        ...

    def info(self) -> Mapping[str, Any]:
        """Return what is running, without secrets."""
        ...


def build_admin_app(*, health: HealthSource, registry: CollectorRegistry) -> Starlette:
    """Return the admin application of a process."""

    async def livez(_request: Request) -> Response:
        return _report("live", health.live())

    async def readyz(_request: Request) -> Response:
        return _report("ready", await health.ready())

    async def metrics(_request: Request) -> Response:
        return Response(expose(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    async def info(_request: Request) -> Response:
        return Response(msgspec.json.encode(dict(health.info())), media_type="application/json")

    async def log_level(request: Request) -> Response:
        if request.method == "PUT":
            try:
                set_level(request.query_params.get("level", ""))
            except UnknownLevel as error:
                return problem_response(problem_of(error))
            logger.warning("log_level_changed", to=current_level())
        return Response(msgspec.json.encode({"level": current_level()}), media_type="application/json")

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/info", info),
            Route("/log-level", log_level, methods=["GET", "PUT"]),
        ]
    )


def _report(name: str, results: Sequence[CheckResult]) -> Response:
    well = all(result.ok for result in results)
    body = {name: well, "checks": results}
    return Response(msgspec.json.encode(body), 200 if well else 503, media_type="application/json")
