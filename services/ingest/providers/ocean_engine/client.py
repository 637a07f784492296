"""Looks through the leads that 飞鱼 keeps for one that was never pushed. Not verified with the vendor."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.calling import ask_vendor
from services.ingest.providers.moments import beijing_day_of
from services.ingest.providers.ocean_engine.mapping import (
    NAME,
    key_of_lead,
    lead_id_of,
    message_id_of,
    moment_of,
)
from services.ingest.providers.port import (
    HookItem,
    HookNotSetUp,
    LeadGone,
    Page,
    Secrets,
    VendorUnavailable,
)
from services.ingest.providers.signatures import hmac_hex
from services.ingest.providers.values import id_of, objects_of, read_object
from shared.kernel.errors import Rejected
from shared.kernel.instants import SECOND, Instant

ADDRESS: Final = "https://feiyu.oceanengine.com"

_PATH: Final = "/crm/v2/openapi/pull-clues/"
_AT_ONCE: Final = 100


def sign_pull(key: str, *, start: str, end: str, second: int) -> str:
    """Return the signature of a question for the days from ``start`` to ``end``, asked at ``second``.

    Pages are not signed. It is base64 of hexadecimal digits, however odd that looks.
    """
    told = f"{_PATH}?start_time={start}&end_time={end} {second}"
    return base64.b64encode(hmac_hex(key, told.encode()).encode()).decode()


class OceanEngineClient:
    """Pulls leads by day; without key and token it lists nothing."""

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._key = secrets.get("pull_key")
        self._token = secrets.get("access_token")
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")

    async def fetch(self, errand: Errand) -> HookItem:
        """Find nothing: deliveries are whole, and there are no errands."""
        raise LeadGone

    async def list_streams(self) -> Sequence[str]:
        """Return the one list that there is."""
        return ("leads",) if self._key and self._token else ()

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of the leads of these days; what lies outside of the moments asked for is left out.

        The question is signed as of ``until``, which is about now.
        """
        if self._key is None or self._token is None:
            raise HookNotSetUp
        page = int(cursor or "1")
        start, end, second = beijing_day_of(since), beijing_day_of(until), until // SECOND
        headers = {
            "signature": sign_pull(self._key, start=start, end=end, second=second),
            "timestamp": str(second),
            "access-token": self._token,
        }
        query = f"start_time={start}&end_time={end}&page={page}&page_size={_AT_ONCE}"
        body = await ask_vendor(self._http, "GET", f"{self._address}{_PATH}?{query}", headers=headers)
        return _read_page(body, page, since=since, until=until)


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> OceanEngineClient:
    """Return the client of a source."""
    return OceanEngineClient(secrets, http)


def _read_page(body: bytes, page: int, *, since: Instant, until: Instant) -> Page:
    try:
        told = read_object(body)
    except Rejected:
        raise VendorUnavailable from None
    if not isinstance(told.get("data"), list):
        raise VendorUnavailable
    items = [
        HookItem(
            *(NAME, msgspec.json.encode(given), message_id_of(given), key_of_lead(given)),
            external_id=lead_id_of(given),
        )
        for given in objects_of(told["data"])
        if since <= (moment_of(given) or since) < until
    ]
    count = id_of(told.get("count")) or ""
    has_more = told["data"] and count.isdecimal() and page * _AT_ONCE < int(count)
    return Page(items, str(page + 1) if has_more else None)
