"""Plain ASGI routes in front of FastAPI, for the few addresses that must bear thousands a second.

FastAPI's own path costs several times as much per request. A hot route is found by one look-up,
reads its body itself, and still fails, is measured and documented like every other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.observation import PROBLEM_TYPE_KEY, ROUTE_KEY
from shared.http.problems import PROBLEM_JSON
from shared.kernel.errors import Rejected


class MethodNotAllowed(Rejected):
    """This address takes another method; see its documentation."""

    code = "http.method_not_allowed"

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        super().__init__()
        self.allowed = ", ".join(sorted(allowed))


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoute:
    """One address. ``path`` may hold parameters (``/f/{form}``), found in ``scope["path_params"]``.

    ``operation`` is its OpenAPI operation object; None leaves it out of the documentation. ``problems`` is
    the media type of what is refused here: some clients know JSON only by its plain name.
    """

    path: str
    app: ASGIApp
    methods: Sequence[str] = ("POST",)
    operation: Mapping[str, Any] | None = field(default=None, compare=False)
    problems: str = PROBLEM_JSON


class HotRoutes:
    """Hands requests to hot routes, and all others on.

    Slashes too many at either end of an address do not count: clients put one together from a base that
    people write, and a redirect or a refusal would lose what they send.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[HotRoute]) -> None:
        self._app = app
        self._exact: dict[str, dict[str, HotRoute]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, HotRoute]]] = []
        by_path: dict[str, dict[str, HotRoute]] = {}
        for route in routes:
            by_path.setdefault(route.path, {}).update(dict.fromkeys(route.methods, route))
        for path, by_method in by_path.items():
            if "{" in path:
                self._patterns.append((compile_path(path)[0], by_method))
            else:
                self._exact[path] = by_method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        by_method = self._exact.get(scope["path"])
        if by_method is None:
            by_method = self._exact.get("/" + scope["path"].strip("/"))
        if by_method is None:
            for pattern, candidates in self._patterns:
                match = pattern.match(scope["path"])
                if match is not None:
                    scope["path_params"] = match.groupdict()
                    by_method = candidates
                    break
        if by_method is None:
            await self._app(scope, receive, send)
            return
        route = by_method.get(scope["method"])
        some = route or next(iter(by_method.values()))
        scope[ROUTE_KEY] = some.path
        scope[PROBLEM_TYPE_KEY] = some.problems
        if route is None:
            raise MethodNotAllowed(by_method)
        await route.app(scope, receive, send)


def document_hot_routes(document: dict[str, Any], routes: Sequence[HotRoute]) -> None:
    """Add the operations of hot routes to an OpenAPI document."""
    paths = document.setdefault("paths", {})
    for route in routes:
        if route.operation is not None:
            paths.setdefault(route.path, {}).update(
                {method.lower(): dict(route.operation) for method in route.methods}
            )
