"""HubSpot's CRM API, version 3: the contact that a notification names, and those changed in a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.calling import ask_vendor
from services.ingest.providers.hubspot.mapping import CONTACT, message_id_of
from services.ingest.providers.moments import read_platform_moment
from services.ingest.providers.port import (
    HookItem,
    HookNotSetUp,
    Page,
    Secrets,
    VendorUnavailable,
    key_of,
)
from services.ingest.providers.values import id_of, names_in, object_of, read_object
from shared.kernel.errors import Rejected
from shared.kernel.instants import MILLISECOND, Instant

ADDRESS: Final = "https://api.hubapi.com"

_CONTACTS: Final = "crm/v3/objects/contacts"
_AT_ONCE: Final = 100
_MOST: Final = 10_000
_CHANGED: Final = "lastmodifieddate"
_WANTED: Final = (
    *("email", "firstname", "lastname", "phone", "mobilephone", "company", "jobtitle", "industry"),
    *("numemployees", "annualrevenue", "city", "state", "country", "website", "lifecyclestage"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", _CHANGED),
)


class HubspotClient:
    """Asks with an access token; without one it lists nothing, and errands wait for it."""

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._token = secrets.get("access_token")
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")
        self._properties = list(dict.fromkeys((*_WANTED, *names_in(secrets.get("properties")))))

    async def fetch(self, errand: Errand) -> HookItem:
        """Return a contact. :raises LeadGone: if it was deleted."""
        wanted = quote(",".join(self._properties))
        path = f"{_CONTACTS}/{quote(errand.external_id, safe='')}?properties={wanted}"
        return _item_of(await self._ask("GET", path))

    async def list_streams(self) -> Sequence[str]:
        """Return the one list that there is."""
        return () if self._token is None else ("contacts",)

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of the contacts that were changed in a while, oldest first.

        A search finds ten thousand at most; then another begins at the change that the last one ended with.
        """
        begins, _, after = (cursor or str(since // MILLISECOND)).partition(":")
        wanted: dict[str, Any] = {
            "filterGroups": [{"filters": [_filter("GTE", begins), _filter("LT", str(until // MILLISECOND))]}],
            "sorts": [{"propertyName": _CHANGED, "direction": "ASCENDING"}],
            "properties": self._properties,
            "limit": _AT_ONCE,
        }
        if after:
            wanted["after"] = after
        try:
            found = _read_found(await self._ask("POST", f"{_CONTACTS}/search", wanted))
        except msgspec.MsgspecError:
            raise VendorUnavailable from None
        items = [_item_of(bytes(one)) for one in found.results]
        following = id_of(object_of(object_of(found.paging).get("next")).get("after"))
        return Page(items, None if following is None else _go_on(begins, following, found.results))

    async def _ask(self, method: str, path: str, wanted: object = None) -> bytes:
        if self._token is None:
            raise HookNotSetUp
        headers = {"authorization": f"Bearer {self._token}"}
        return await ask_vendor(self._http, method, f"{self._address}/{path}", headers=headers, json=wanted)


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> HubspotClient:
    """Return the client of a source."""
    return HubspotClient(secrets, http)


class _Found(msgspec.Struct):
    results: list[msgspec.Raw]
    paging: Any = None


_read_found: Final = msgspec.json.Decoder(_Found).decode


def _filter(operator: str, milliseconds: str) -> dict[str, str]:
    return {"propertyName": _CHANGED, "operator": operator, "value": milliseconds}


def _go_on(begins: str, after: str, found: Sequence[msgspec.Raw]) -> str:
    """Return where the list goes on: further in this search, or where another begins."""
    if after.isdecimal() and int(after) + _AT_ONCE <= _MOST:
        return f"{begins}:{after}"
    changed = read_platform_moment(read_object(bytes(found[-1])).get("updatedAt")) if found else None
    if changed is None or str(changed // MILLISECOND) == begins:
        raise VendorUnavailable("more contacts were changed at one moment than HubSpot lists")
    return str(changed // MILLISECOND)


def _item_of(body: bytes) -> HookItem:
    try:
        given = read_object(body)
    except Rejected:
        raise VendorUnavailable from None
    return HookItem(CONTACT, body, message_id_of(given), key_of(external=id_of(given.get("id"))))
