"""Asks WeCom who a customer is. Not verified with the vendor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import httpx

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.port import (
    Client,
    HookItem,
    LeadGone,
    Page,
    Secrets,
    VendorBusy,
    VendorTokenRefused,
    VendorUnavailable,
    key_of,
)
from services.ingest.providers.values import read_object
from services.ingest.providers.wecom.mapping import CONTACT
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

CORP: Final = "corp_id"
CORP_SECRET: Final = "corp_secret"  # noqa: S105 - the name of a secret
API: Final = "api"

_VENDOR: Final = "https://qyapi.weixin.qq.com"
_EXPIRED: Final = frozenset({40014, 42001})
_REFUSED: Final = frozenset({40001, 40013, 40091, 48002, 60011, 60020, 301002})
_GONE: Final = frozenset({40096, 84061})
_BUSY: Final = frozenset({-1, 45009, 45033})


class WecomClient:
    """Asks with an access token that it gets by the application's secret, and gets again once it expired."""

    def __init__(self, http: httpx.AsyncClient, *, corp: str, secret: str, api: str) -> None:
        self._http = http
        self._corp = corp
        self._secret = secret
        self._api = api.rstrip("/")
        self._token: str | None = None

    async def fetch(self, errand: Errand) -> HookItem:
        """Return what WeCom knows of a customer. :raises LeadGone: if they are nobody's customer any more."""
        parameters = {"external_userid": errand.external_id}
        body, code = await self._ask("externalcontact/get", parameters, token=await self._current_token())
        if code in _EXPIRED:
            self._token = None
            body, code = await self._ask("externalcontact/get", parameters, token=await self._current_token())
        _judge(code)
        return HookItem(CONTACT, body, errand.message_id, key_of(external=errand.external_id))

    async def list_streams(self) -> Sequence[str]:
        """Return nothing: customers are listed by staff and not by when they came."""
        return ()

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return nothing; see :meth:`list_streams`."""
        return Page(())

    async def _current_token(self) -> str:
        if self._token is None:
            body, code = await self._ask("gettoken", {"corpid": self._corp, "corpsecret": self._secret})
            _judge(code)
            self._token = str(read_object(body).get("access_token"))
        return self._token

    async def _ask(
        self, what: str, parameters: dict[str, str], *, token: str | None = None
    ) -> tuple[bytes, int]:
        """Return WeCom's answer and the code in it, 0 for success."""
        query = parameters if token is None else {**parameters, "access_token": token}
        try:
            answer = await self._http.get(f"{self._api}/cgi-bin/{what}", params=query)
        except httpx.HTTPError:
            raise VendorUnavailable from None
        if answer.status_code != 200:
            raise VendorUnavailable
        try:
            code: Any = read_object(answer.content).get("errcode", 0)
        except Rejected:
            raise VendorUnavailable from None
        return answer.content, code if isinstance(code, int) else -1


def make_client(secrets: Secrets, http: httpx.AsyncClient) -> Client:
    """Return the client of a source; ``api`` is another address than the vendor's, for tests."""
    return WecomClient(
        http,
        corp=secrets.need(CORP),
        secret=secrets.need(CORP_SECRET),
        api=secrets.get(API) or _VENDOR,
    )


def _judge(code: int) -> None:
    if code in _GONE:
        raise LeadGone
    if code in _BUSY:
        raise VendorBusy
    if code in _REFUSED or code in _EXPIRED:
        raise VendorTokenRefused
    if code != 0:
        raise VendorUnavailable
