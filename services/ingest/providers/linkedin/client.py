"""LinkedIn's Lead Sync API: one lead with its form, the leads of an owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.calling import ask_vendor
from services.ingest.providers.linkedin.mapping import LEAD, find_fields, lead_message_id_of, tail_of
from services.ingest.providers.port import (
    HookItem,
    LeadGone,
    Page,
    Secrets,
    VendorUnavailable,
    key_of,
)
from services.ingest.providers.values import id_of, object_of
from shared.kernel.instants import MILLISECOND, Instant

ADDRESS: Final = "https://api.linkedin.com/rest"
VERSION: Final = "202606"

_AT_ONCE: Final = 100
_ORGANIC: Final = ("EVENT", "COMPANY", "ORGANIZATION_PRODUCT")
_NO_FORM: Final = b"null"

_read_any: Final = msgspec.json.Decoder().decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _List(msgspec.Struct):
    elements: list[msgspec.Raw] = []


_read_list: Final = msgspec.json.Decoder(_List).decode


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> LeadSyncClient:
    """Return a client with what a source has set."""
    return LeadSyncClient(secrets, http)


class LeadSyncClient:
    """A client of Lead Sync (``services.ingest.providers.port.Client``)."""

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")
        self._headers = {
            "authorization": f"Bearer {secrets.need('access_token')}",
            "linkedin-version": secrets.get("api_version") or VERSION,
            "x-restli-protocol-version": "2.0.0",
        }
        self._owners = [owner.strip() for owner in (secrets.get("owners") or "").split(",") if owner.strip()]
        self._forms: dict[str, bytes] = {}

    async def fetch(self, errand: Errand) -> HookItem:
        """Return a lead with its form. :raises LeadGone: if LinkedIn has it no more."""
        body = await self._get(f"leadFormResponses/{quote(errand.external_id, safe='')}")
        item = await self._item_of(body)
        if item is None:
            raise VendorUnavailable("LinkedIn's answer is no lead")
        return item

    async def list_streams(self) -> Sequence[str]:
        """Return owner and type of what is listed: ads of an account, everything else of an organisation."""
        return [
            f"{owner}|{kind}"
            for owner in self._owners
            for kind in (("SPONSORED",) if ":sponsoredAccount:" in owner else _ORGANIC)
        ]

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of an owner's leads of one type."""
        owner, _, kind = stream.partition("|")
        named = "sponsoredAccount" if ":sponsoredAccount:" in owner else "organization"
        begins = int(cursor or 0)
        span = f"(start:{since // MILLISECOND},end:{until // MILLISECOND})"
        body = await self._get(
            f"leadFormResponses?q=owner&owner=({named}:{quote(owner, safe='')})&leadType=(leadType:{kind})"
            f"&submittedAtTimeRange={span}&start={begins}&count={_AT_ONCE}"
        )
        try:
            rows = _read_list(body).elements
        except _UNREADABLE:
            raise VendorUnavailable from None
        items = [item for row in rows if (item := await self._item_of(bytes(row))) is not None]
        return Page(items, str(begins + len(rows)) if len(rows) == _AT_ONCE else None)

    async def _item_of(self, body: bytes) -> HookItem | None:
        try:
            response = object_of(_read_any(body))
        except _UNREADABLE:
            return None
        lead_id = id_of(response.get("id"))
        if lead_id is None:
            return None
        form = await self._form_of(tail_of(response.get("versionedLeadGenFormUrn")))
        fields = find_fields(response, object_of(_read_any(form)))
        key = key_of(email=fields.get("email"), phone=fields.get("phone"), external=lead_id)
        whole = b'{"response":%b,"form":%b}' % (body, form)
        return HookItem(LEAD, whole, lead_message_id_of(lead_id), key, external_id=lead_id)

    async def _form_of(self, form_id: str | None) -> bytes:
        """Return a form; of one that was deleted nothing, and its answers keep their numbers."""
        if form_id is None:
            return _NO_FORM
        known = self._forms.get(form_id)
        if known is None:
            try:
                known = await self._get(f"leadForms/{quote(form_id, safe='')}")
                _read_any(known)
            except LeadGone:
                known = _NO_FORM
            except _UNREADABLE:
                raise VendorUnavailable from None
            self._forms[form_id] = known
        return known

    async def _get(self, path: str) -> bytes:
        return await ask_vendor(self._http, "GET", f"{self._address}/{path}", headers=self._headers)
