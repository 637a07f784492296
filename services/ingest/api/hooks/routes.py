"""The addresses of hooks: ``/hooks/<provider>/<write key>``, the same for every vendor.

The write key in the path names the source and is not to be guessed; the vendor's signature comes on
top. A delivery is answered once the log (or the spill) has every item of it; nothing is fetched
meanwhile. A 4xx ends it for most vendors, so it is given only for what can never become right: a wrong
key, a wrong signature, a body that is none of theirs. Of each a sample lies in quarantine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.api.edge import Caller, Edge, caller_of
from services.ingest.api.hooks.items import message_of
from services.ingest.api.messages import Parcel
from services.ingest.api.statuses import STATUSES
from services.ingest.providers.port import (
    Delivery,
    Provider,
    Reply,
    Secrets,
    SignatureInvalid,
    SignatureMissing,
    SignatureTooOld,
)
from shared.http.bodies import read_body
from shared.http.hot_routes import HotRoute, MethodNotAllowed
from shared.http.problems import (
    Busy,
    TooManyRequests,
    headers_of,
    make_problem,
    send_json,
    status_of,
)
from shared.kernel.errors import Rejected, Verdict
from shared.kernel.redacted import Redacted

HOOK_STATUSES: Final[Mapping[str, int]] = {
    SignatureMissing.code: 401,
    SignatureInvalid.code: 401,
    SignatureTooOld.code: 401,
}
"""Statuses of what hooks refuse; the rest follows from the codes."""


class HookUnknown(Rejected):
    """There is no such provider; `leadmill hook add --help` lists those there are."""

    code = "hook.not_found"


class FindSecrets(Protocol):
    """Finds what a source has set for a provider."""

    def __call__(self, source: str, provider: str, /) -> Awaitable[Redacted[Mapping[str, str]] | None]:
        """Return it, None if nothing is set.

        :raises Unavailable: if it cannot be told now.
        """
        ...


def hook_routes(
    edge: Edge, *, providers: Mapping[str, Provider], find_secrets: FindSecrets, public_url: str = ""
) -> list[HotRoute]:
    """Return the routes of hooks.

    ``public_url`` is how vendors reach the front door (``https://in.example.com``), for those that sign
    their address; without it the request's own host counts.
    """
    desk = _Desk(edge, providers, find_secrets, public_url.rstrip("/"))
    path = "/hooks/{provider}/{key}"
    return [
        HotRoute(path=path, app=desk.answer, operation=_DELIVERY_OPERATION),
        HotRoute(path=path, methods=("GET",), app=desk.answer, operation=_CHALLENGE_OPERATION),
    ]


class _Desk:
    def __init__(
        self, edge: Edge, providers: Mapping[str, Provider], find_secrets: FindSecrets, public_url: str
    ) -> None:
        self._edge = edge
        self._providers = providers
        self._find_secrets = find_secrets
        self._public_url = public_url

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        provider = self._providers.get(scope["path_params"]["provider"])
        if provider is None:
            raise HookUnknown
        try:
            reply = await self._take(provider, scope, receive)
        except Verdict as refused:
            status = status_of(refused, {**STATUSES, **HOOK_STATUSES})
            dialect = provider.refuse(refused, status)
            if dialect is None:
                raise
            await self._edge.refusals.note(scope, refused)
            problem = make_problem(status=dialect.status, code=refused.reason, message=refused.message)
            headers = headers_of(problem, refused)
            await send_json(send, *dialect[:2], headers=headers, media_type=dialect.media_type)
            return
        await send_json(send, reply.status, reply.body, media_type=reply.media_type)

    async def _take(self, provider: Provider, scope: Scope, receive: Receive) -> Reply:
        caller = caller_of(scope)
        body = await read_body(scope, receive)
        # a vendor may send credentials of its own; here the path alone counts
        bare = msgspec.structs.replace(caller, headers={}, query={})
        key = scope["path_params"]["key"]
        try:
            entrance = await self._edge.authenticate(bare, (key,), body=body, door="hooks")
        except TooManyRequests as fast:
            # to several vendors 429 is as final as any 4xx; what is busy is tried again
            raise Busy(retry_after=fast.retry_after) from fast
        found = await self._find_secrets(entrance.source, provider.name)
        secrets = Secrets(None if found is None else found.reveal())
        delivery = Delivery(
            method=scope["method"],
            url=self._url_of(scope, caller),
            headers=caller.headers,
            query=caller.query,
            body=body,
            received=self._edge.clock.now(),
        )
        greeting = provider.greet(delivery, secrets)
        if greeting is not None:
            return greeting
        if delivery.method != "POST":
            raise MethodNotAllowed
        provider.verify(delivery, secrets)
        items = provider.split(delivery, secrets)
        parcel = Parcel([message_of(item, self._edge.stamper) for item in items], ())
        await self._edge.take(scope, caller, parcel, entrance=entrance, channel="hook")
        return provider.accepted

    def _url_of(self, scope: Scope, caller: Caller) -> str:
        query = scope.get("query_string", b"").decode("latin-1")
        path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        base = self._public_url or f"{scope['scheme']}://{caller.headers.get(b'host', '')}"
        return f"{base}{path.partition('?')[0]}{'?' if query else ''}{query}"


_PARAMETERS: Final = [
    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name in ("provider", "key")
]
_ANY: Final[dict[str, Any]] = {"schema": {}}
_DELIVERY_OPERATION: Final[dict[str, Any]] = {
    "summary": "What an ad platform or tool delivers, as it delivers it",
    "tags": ["ingest"],
    "parameters": _PARAMETERS,
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {"description": "Kept; the body is what the vendor wants", "content": {"*/*": _ANY}}
    },
}
_CHALLENGE_OPERATION: Final[dict[str, Any]] = {
    "summary": "A vendor's challenge, answered as it wants",
    "tags": ["ingest"],
    "parameters": _PARAMETERS,
    "responses": {"200": {"description": "The answer", "content": {"*/*": _ANY}}},
}
