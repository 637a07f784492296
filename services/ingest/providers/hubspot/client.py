"""Asks HubSpot for contacts: the one that a notification names, and those that were changed in a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.hubspot.mapping import CONTACT, message_id_of
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
from services.ingest.providers.values import id_of, object_of, read_object
from shared.kernel.errors import Rejected
from shared.kernel.instants import MILLISECOND, Instant

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of one
API: Final = "api"
PROPERTIES: Final = "properties"

_VENDOR: Final = "https://api.hubapi.com"
_CONTACTS: Final = "crm/v3/objects/contacts"
_PAGE: Final = 100
_ALL: Final = "contacts"
_WANTED: Final = (
    *("email", "firstname", "lastname", "phone", "mobilephone", "company", "jobtitle", "industry"),
    *("numemployees", "annualrevenue", "city", "state", "country", "website", "lifecyclestage"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "lastmodifieddate"),
)


class HubspotClient:
    """Asks the CRM's API, version 3."""

    def __init__(self, http: httpx.AsyncClient, *, token: str, api: str, properties: Sequence[str]) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {token}"}
        self._api = api.rstrip("/")
        self._properties = list(properties)

    async def fetch(self, errand: Errand) -> HookItem:
        """Return a contact. :raises LeadGone: if it was deleted."""
        body = await self._ask(
            "GET",
            f"{_CONTACTS}/{errand.external_id}",
            params={"properties": ",".join(self._properties)},
        )
        return _item(body)

    async def list_streams(self) -> Sequence[str]:
        """Return the one list that there is."""
        return (_ALL,)

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of the contacts that were changed in a while, oldest first."""
        between = (("GTE", since), ("LT", until))
        wanted: dict[str, Any] = {
            "filterGroups": [
                {
                    "filters": [
                        {
                            "propertyName": "lastmodifieddate",
                            "operator": operator,
                            "value": str(instant // MILLISECOND),
                        }
                        for operator, instant in between
                    ]
                }
            ],
            "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
            "properties": self._properties,
            "limit": _PAGE,
        }
        if cursor is not None:
            wanted["after"] = cursor
        body = await self._ask("POST", f"{_CONTACTS}/search", json=wanted)
        found = _read_page(body)
        after = object_of(object_of(found.paging).get("next")).get("after")
        return Page([_item(bytes(one)) for one in found.results], id_of(after))

    async def _ask(self, method: str, path: str, **parts: Any) -> bytes:
        try:
            answer = await self._http.request(method, f"{self._api}/{path}", headers=self._headers, **parts)
        except httpx.HTTPError:
            raise VendorUnavailable from None
        match answer.status_code:
            case 200:
                return answer.content
            case 404:
                raise LeadGone
            case 401 | 403:
                raise VendorTokenRefused
            case 429:
                raise VendorBusy
            case _:
                raise VendorUnavailable


class _Found(msgspec.Struct):
    results: list[msgspec.Raw]
    paging: Any = None


def _read_page(body: bytes) -> _Found:
    try:
        return msgspec.json.decode(body, type=_Found)
    except msgspec.MsgspecError:
        raise VendorUnavailable from None


def _item(body: bytes) -> HookItem:
    try:
        given = read_object(body)
    except Rejected:
        raise VendorUnavailable from None
    return HookItem(CONTACT, body, message_id_of(given), key_of(external=id_of(given.get("id"))))


def make_client(secrets: Secrets, http: httpx.AsyncClient) -> Client:
    """Return the client of a source; ``api`` is another address than the vendor's, for tests."""
    more = [name.strip() for name in (secrets.get(PROPERTIES) or "").split(",") if name.strip()]
    return HubspotClient(
        http,
        token=secrets.need(ACCESS_TOKEN),
        api=secrets.get(API) or _VENDOR,
        properties=tuple(dict.fromkeys((*_WANTED, *more))),
    )
