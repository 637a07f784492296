"""WeCom's API: who a customer is, and what customers wrote to 微信客服. Not verified with the vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.calling import ask_vendor
from services.ingest.providers.moments import read_platform_moment
from services.ingest.providers.port import (
    HookItem,
    HookNotSetUp,
    LeadGone,
    Page,
    Secrets,
    VendorBusy,
    VendorTokenRefused,
    VendorUnavailable,
    key_of,
)
from services.ingest.providers.values import digest_of, id_of, objects_of, read_object
from services.ingest.providers.wecom.mapping import CONTACT, MESSAGE, conversation_id_of, writer_of
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

ADDRESS: Final = "https://qyapi.weixin.qq.com"

_AT_ONCE: Final = 1000
_EXPIRED: Final = frozenset({40014, 42001})
_REFUSED: Final = frozenset({40001, 40013, 40091, 48002, 60011, 60020, 301002}) | _EXPIRED
_GONE: Final = frozenset({40096, 84061})
_BUSY: Final = frozenset({-1, 45009, 45033})

Answer = dict[str, Any]


class WecomClient:
    """Asks with an access token that it gets by the application's secret, and gets anew once it expired.

    Without the secret it lists nothing.
    """

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._corp = secrets.need("corp_id")
        self._secret = secrets.get("corp_secret")
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")
        self._token: str | None = None

    async def fetch(self, errand: Errand) -> HookItem:
        """Return what WeCom knows of a customer. :raises LeadGone: if they are nobody's customer any more."""
        body, _ = await self._ask("GET", "externalcontact/get", {"external_userid": errand.external_id})
        message_id = f"{errand.external_id}\x1f{digest_of(body)}"
        return HookItem(CONTACT, body, message_id, key_of(external=errand.external_id), names_person=True)

    async def list_streams(self) -> Sequence[str]:
        """Return the accounts of 微信客服; customers themselves are not listed by when they came."""
        if self._secret is None:
            return ()
        _, told = await self._ask("POST", "kf/account/list", {}, {"offset": 0, "limit": 100})
        ids = (id_of(account.get("open_kfid")) for account in objects_of(told.get("account_list")))
        return [one for one in ids if one is not None]

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return what customers wrote to an account; WeCom keeps three days of it, oldest first."""
        wanted = {"open_kfid": stream, "limit": _AT_ONCE, **({} if cursor is None else {"cursor": cursor})}
        _, told = await self._ask("POST", "kf/sync_msg", {}, wanted)
        items = [
            HookItem(
                MESSAGE,
                msgspec.json.encode(given),
                conversation_id_of(customer, given.get("send_time")),
                key_of(external=customer),
                names_person=True,
            )
            for given in objects_of(told.get("msg_list"))
            if (customer := writer_of(given)) is not None
            and since <= (read_platform_moment(given.get("send_time")) or since) < until
        ]
        return Page(items, id_of(told.get("next_cursor")) if told.get("has_more") else None)

    async def _ask(
        self, method: str, what: str, query: Mapping[str, str], wanted: object = None
    ) -> tuple[bytes, Answer]:
        """Return the answer to a question that needs the access token, as bytes and as an object."""
        first = {**query, "access_token": await self._find_token()}
        body, told = await self._send(method, what, first, wanted)
        if told.get("errcode", 0) in _EXPIRED:
            self._token = None
            again = {**query, "access_token": await self._find_token()}
            body, told = await self._send(method, what, again, wanted)
        _judge(told.get("errcode", 0))
        return body, told

    async def _find_token(self) -> str:
        if self._secret is None:
            raise HookNotSetUp
        if self._token is None:
            query = {"corpid": self._corp, "corpsecret": self._secret}
            _, told = await self._send("GET", "gettoken", query)
            _judge(told.get("errcode", 0))
            self._token = id_of(told.get("access_token")) or ""
        return self._token

    async def _send(
        self, method: str, what: str, query: Mapping[str, str], wanted: object = None
    ) -> tuple[bytes, Answer]:
        address = f"{self._address}/cgi-bin/{what}?{urlencode(query)}"
        body = await ask_vendor(self._http, method, address, json=wanted)
        try:
            return body, read_object(body)
        except Rejected:
            raise VendorUnavailable from None


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> WecomClient:
    """Return the client of a source."""
    return WecomClient(secrets, http)


def _judge(code: object) -> None:
    """Return for the code of success; every answer has the status 200. :raises Verdict: for any other."""
    if code == 0:
        return
    if code in _GONE:
        raise LeadGone
    if code in _BUSY:
        raise VendorBusy(retry_after=60.0)
    if code in _REFUSED:
        raise VendorTokenRefused
    raise VendorUnavailable
