"""Meta's Graph API: one lead, the forms of pages, the leads of a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.calling import ask_vendor
from services.ingest.providers.meta.mapping import LEAD, find_reach, lead_message_id_of
from services.ingest.providers.port import (
    HookItem,
    LeadGone,
    Page,
    Secrets,
    VendorBusy,
    VendorTokenRefused,
    VendorUnavailable,
    key_of,
)
from services.ingest.providers.values import id_of, object_of
from shared.kernel.errors import Verdict
from shared.kernel.instants import SECOND, Instant

ADDRESS: Final = "https://graph.facebook.com/v24.0"

_FIELDS: Final = (
    "id,created_time,ad_id,adset_id,campaign_id,form_id,is_organic,platform,field_data,"
    "custom_disclaimer_responses"
)
_AT_ONCE: Final = 100
_MOST_PAGES_OF_FORMS: Final = 50
_TOKEN: Final = frozenset({102, 190, 463, 467})
_BUSY: Final = frozenset({4, 17, 32, 341, 613, 80005})
_NO_SUCH_OBJECT: Final = 33


class _List(msgspec.Struct):
    data: list[msgspec.Raw] = []
    paging: dict[str, Any] = {}


_read_list: Final = msgspec.json.Decoder(_List).decode
_read_any: Final = msgspec.json.Decoder().decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> GraphClient:
    """Return a client with what a source has set."""
    return GraphClient(secrets, http)


class GraphClient:
    """A client of the Graph API (``services.ingest.providers.port.Client``)."""

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")
        self._headers = {"authorization": f"Bearer {secrets.need('page_token')}"}
        self._pages = [page.strip() for page in (secrets.get("page_ids") or "").split(",") if page.strip()]

    async def fetch(self, errand: Errand) -> HookItem:
        """Return a lead. :raises LeadGone: if Meta has it no more."""
        body = await self._get(errand.external_id, fields=_FIELDS)
        item = _item_of(body)
        if item is None:
            raise VendorUnavailable("Meta's answer is no lead")
        return item

    async def list_streams(self) -> Sequence[str]:
        """Return the forms of the pages that were set; none if none were."""
        forms: list[str] = []
        for page in self._pages:
            cursor: str | None = None
            for _ in range(_MOST_PAGES_OF_FORMS):
                rows, cursor = await self._list(f"{page}/leadgen_forms", cursor, fields="id")
                forms += filter(None, (id_of(object_of(_read_any(row)).get("id")) for row in rows))
                if cursor is None:
                    break
        return forms

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of a form's leads; Meta filters by whole seconds, and keeps leads for 90 days."""
        after = {"field": "time_created", "operator": "GREATER_THAN", "value": since // SECOND - 1}
        before = {"field": "time_created", "operator": "LESS_THAN", "value": until // SECOND + 1}
        filtering = msgspec.json.encode([after, before]).decode()
        rows, following = await self._list(f"{stream}/leads", cursor, fields=_FIELDS, filtering=filtering)
        items = [item for row in rows if (item := _item_of(row)) is not None]
        return Page(items, following)

    async def _list(self, path: str, cursor: str | None, **query: str) -> tuple[list[bytes], str | None]:
        if cursor is not None:
            query["after"] = cursor
        body = await self._get(path, limit=str(_AT_ONCE), **query)
        try:
            found = _read_list(body)
        except _UNREADABLE:
            raise VendorUnavailable from None
        following = object_of(found.paging.get("cursors")).get("after") if found.paging.get("next") else None
        return [bytes(row) for row in found.data], following if isinstance(following, str) else None

    async def _get(self, path: str, **query: str) -> bytes:
        address = f"{self._address}/{quote(path)}?{urlencode(query)}"
        return await ask_vendor(self._http, "GET", address, headers=self._headers, diagnose=_diagnose)


def _item_of(body: bytes) -> HookItem | None:
    try:
        given = object_of(_read_any(body))
    except _UNREADABLE:
        return None
    lead_id = id_of(given.get("id"))
    if lead_id is None:
        return None
    email, phone = find_reach(given)
    key = key_of(email=email, phone=phone, external=lead_id)
    return HookItem(LEAD, body, lead_message_id_of(lead_id), key, external_id=lead_id)


def _diagnose(_status: int, body: bytes) -> Verdict | None:
    """Read the code of an error of the Graph API, which says more than its status, often 400."""
    try:
        error = object_of(object_of(_read_any(body)).get("error"))
    except _UNREADABLE:
        return None
    code = error.get("code")
    if code in _TOKEN:
        return VendorTokenRefused()
    if code in _BUSY:
        return VendorBusy(retry_after=300.0)
    if error.get("error_subcode") == _NO_SUCH_OBJECT:
        return LeadGone()
    return None
