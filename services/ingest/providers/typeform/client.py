"""Typeform's API: responses to a form that no webhook brought. Not verified with the vendor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.calling import ask_vendor
from services.ingest.providers.port import (
    HookItem,
    HookNotSetUp,
    LeadGone,
    Page,
    Secrets,
    VendorUnavailable,
)
from services.ingest.providers.typeform.mapping import NAME, RESPONSE, key_of_response, message_id_of
from services.ingest.providers.values import id_of, names_in, objects_of, read_object
from shared.kernel.errors import Rejected
from shared.kernel.instants import SECOND, Instant, format_instant

ADDRESS: Final = "https://api.typeform.com"

_AT_ONCE: Final = 500


class TypeformClient:
    """Asks with an access token for the forms that were set; without them it lists nothing."""

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._token = secrets.get("access_token")
        self._forms = names_in(secrets.get("form_ids"))
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")
        self._definitions: dict[str, object] = {}

    async def fetch(self, errand: Errand) -> HookItem:
        """Find nothing: deliveries are whole, and there are no errands."""
        raise LeadGone

    async def list_streams(self) -> Sequence[str]:
        """Return the forms."""
        return () if self._token is None else self._forms

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of a form's responses, as its webhook would have told them, newest first."""
        query = {
            "page_size": str(_AT_ONCE),
            "since": format_instant(since // SECOND * SECOND),
            "until": format_instant((until // SECOND + 1) * SECOND),
            **({} if cursor is None else {"before": cursor}),
        }
        told = await self._ask(f"forms/{quote(stream, safe='')}/responses?{urlencode(query)}")
        if not isinstance(told.get("items"), list):
            raise VendorUnavailable
        responses = objects_of(told["items"])
        definition = await self._find_definition(stream) if responses else None
        items = [_item_of(response, stream, definition) for response in responses]
        following = id_of(responses[-1].get("token")) if len(responses) == _AT_ONCE else None
        return Page(items, following)

    async def _find_definition(self, form: str) -> object:
        """Return what the form asks; responses themselves name questions by their ids."""
        if form not in self._definitions:
            self._definitions[form] = await self._ask(f"forms/{quote(form, safe='')}")
        return self._definitions[form]

    async def _ask(self, path: str) -> dict[str, Any]:
        if self._token is None:
            raise HookNotSetUp
        headers = {"authorization": f"Bearer {self._token}"}
        body = await ask_vendor(self._http, "GET", f"{self._address}/{path}", headers=headers)
        try:
            return read_object(body)
        except Rejected:
            raise VendorUnavailable from None


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> TypeformClient:
    """Return the client of a source."""
    return TypeformClient(secrets, http)


def _item_of(response: dict[str, Any], form: str, definition: object) -> HookItem:
    told = {
        "event_type": RESPONSE,
        "form_response": {**response, "form_id": form, "definition": definition},
    }
    return HookItem(NAME, msgspec.json.encode(told), message_id_of(told), key_of_response(told))
