"""Tencent's marketing API, version 3: leads that were never pushed."""

from __future__ import annotations

from collections.abc import Sequence
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
    VendorTokenRefused,
    VendorUnavailable,
)
from services.ingest.providers.tencent_ads.mapping import NAME, key_of_lead, lead_id_of, message_id_of
from services.ingest.providers.values import object_of, objects_of, read_object
from shared.kernel.errors import Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import MILLISECOND, SECOND, Instant

ADDRESS: Final = "https://api.e.qq.com/v3.0"

_AT_ONCE: Final = 200
_LAST_PAGE: Final = 25
_TOKEN: Final = frozenset(range(11000, 11010))


class TencentClient:
    """Asks with an access token for one account; without both it lists nothing."""

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._account = secrets.get("account_id")
        self._token = secrets.get("access_token")
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")

    async def fetch(self, errand: Errand) -> HookItem:
        """Find nothing: deliveries are whole, and there are no errands."""
        raise LeadGone

    async def list_streams(self) -> Sequence[str]:
        """Return the account."""
        return (self._account,) if self._account and self._token else ()

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of the leads that were entered in a while, newest first.

        Five thousand are listed by page, whatever follows by the last lead before it. The question is
        dated ``until``, which is about now.
        """
        if self._token is None:
            raise HookNotSetUp
        between = {"start_time": since // SECOND, "end_time": until // SECOND + 1}
        wanted = {
            "account_id": stream,
            "time_range": _json({**between, "time_type": "TIME_TYPE_CREATED_TIME"}),
            "page_size": str(_AT_ONCE),
            "timestamp": str(until // SECOND),
            "nonce": deterministic_id("lead", stream, str(until), cursor or ""),
            "access_token": self._token,
        }
        page = int(cursor or "1") if cursor is None or cursor.isdecimal() else 0
        if page:
            wanted["page"] = str(page)
        elif cursor is not None:
            wanted["last_search_after_values"] = cursor
        body = await ask_vendor(self._http, "GET", f"{self._address}/leads_list/get?{urlencode(wanted)}")
        leads = _read_leads(body)
        items = [
            HookItem(
                *(NAME, msgspec.json.encode(lead), message_id_of(lead), key_of_lead(lead)),
                external_id=lead_id_of(lead),
            )
            for lead in leads
        ]
        return Page(items, _following(leads, page))


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> TencentClient:
    """Return the client of a source."""
    return TencentClient(secrets, http)


def _read_leads(body: bytes) -> list[dict[str, Any]]:
    """Return the leads of an answer; it has the status 200 whatever it says."""
    try:
        told = read_object(body)
    except Rejected:
        raise VendorUnavailable from None
    if told.get("code") in _TOKEN:
        raise VendorTokenRefused
    if told.get("code") != 0:
        raise VendorUnavailable
    return objects_of(object_of(told.get("data")).get("leads_info"))


def _following(leads: list[dict[str, Any]], page: int) -> str | None:
    """Return where the list goes on: a page, or moment and id of the last lead."""
    if len(leads) < _AT_ONCE:
        return None
    if 0 < page < _LAST_PAGE:
        return str(page + 1)
    moment = read_platform_moment(leads[-1].get("leads_create_time"))
    lead_id = lead_id_of(leads[-1])
    if moment is None or lead_id is None:
        raise VendorUnavailable
    return _json([str(moment // MILLISECOND), lead_id])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
