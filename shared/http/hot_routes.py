"""Plain ASGI routes in front of FastAPI, for the few addresses that must bear thousands a second.

FastAPI's own path costs several times as much per request. A hot route is found by one look-up,
reads its body itself, and still fails, is measured and documented like every other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.contracts.json_schema import components_of
from shared.http.observation import PROBLEM_TYPE_KEY, ROUTE_KEY
from shared.http.problems import PROBLEM_JSON, Problem
from shared.kernel.errors import Rejected

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_SCHEMAS: Final = "#/components/schemas/{name}"

SECURITY_SCHEMES: Final[Mapping[str, Any]] = {
    "write_key_basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The write key as the user, with an empty password, as SDKs send it",
    },
    "write_key_header": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
    "write_key_query": {"type": "apiKey", "in": "query", "name": "writeKey"},
    "write_key_bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The write key as a bearer token",
    },
    "access_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of `leadmill token create`",
    },
}
"""How hot routes are told who asks."""

WRITE_KEY: Final[Sequence[Mapping[str, Sequence[str]]]] = tuple(
    {name: []} for name in SECURITY_SCHEMES if name.startswith("write_key")
)
"""The security of routes that take a write key wherever it stands."""

ACCESS_TOKEN: Final[Sequence[Mapping[str, Sequence[str]]]] = ({"access_token": []},)
"""The security of routes that take an access token."""


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
    the media type of what is refused here: some clients know JSON only by its plain name. ``schemas`` are
    the structs that the operation refers to, as :func:`schema_of` does.
    """

    path: str
    app: ASGIApp
    methods: Sequence[str] = ("POST",)
    operation: Mapping[str, Any] | None = field(default=None, compare=False)
    problems: str = PROBLEM_JSON
    schemas: Sequence[type] = ()


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


def schema_of(struct: type) -> dict[str, Any]:
    """Return the reference by which an operation names the schema of a struct."""
    return {"$ref": _SCHEMAS.format(name=struct.__name__)}


def document_hot_routes(document: dict[str, Any], routes: Sequence[HotRoute]) -> None:
    """Add the operations of hot routes to an OpenAPI document, with the schemas that they refer to.

    What every operation has need not be written: an id of its own, parameters of its path, and the problem
    that it answers where it says nothing of refusals.
    """
    paths = document.setdefault("paths", {})
    documented = [route for route in routes if route.operation is not None]
    for route in documented:
        for method in route.methods:
            paths.setdefault(route.path, {})[method.lower()] = _complete(route, method.lower())
    if documented:
        components = document.setdefault("components", {})
        structs = dict.fromkeys((Problem, *(struct for route in documented for struct in route.schemas)))
        components.setdefault("schemas", {}).update(components_of(list(structs), ref_template=_SCHEMAS))
        components.setdefault("securitySchemes", {}).update(SECURITY_SCHEMES)


def document_problems(document: dict[str, Any]) -> None:
    """Say of every operation that its refusals are problems, whatever FastAPI takes them for."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(components_of([Problem], ref_template=_SCHEMAS))
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    refused = {PROBLEM_JSON: {"schema": schema_of(Problem)}}
    for methods in document.get("paths", {}).values():
        for operation in methods.values():
            for status, answer in operation.get("responses", {}).items():
                media = answer.get("content", {})
                is_told = any("schema" in one and "Problem" in str(one["schema"]) for one in media.values())
                if status[0] in "45" and not is_told:
                    answer["content"] = refused


def _complete(route: HotRoute, method: str) -> dict[str, Any]:
    operation = dict(route.operation or {})
    words = re.findall("[A-Za-z0-9]+", route.path)
    operation.setdefault("operationId", "_".join([method, *words, "slash"[: 5 * route.path.endswith("/")]]))
    named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
    operation["parameters"] = [
        *operation.get("parameters", ()),
        *(
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in re.findall(r"{(\w+)(?::\w+)?}", route.path)
            if name not in named
        ),
    ]
    refused = {"content": {route.problems: {"schema": schema_of(Problem)}}}
    answers = dict(operation.get("responses", {}))
    if "400" not in answers:
        answers["4XX"] = {"description": "Refused; `code` says why", **refused}
    if "503" not in answers:
        answers["5XX"] = {"description": "Not now; nothing was kept, send it again", **refused}
    for status, answer in answers.items():
        if "content" in answer:
            told = {media: one if "schema" in one else _BYTES for media, one in answer["content"].items()}
            answers[status] = {**answer, "content": told}
        elif status[0] in "45":
            answers[status] = {**answer, **refused}
    operation["responses"] = answers
    return operation
