"""Looks through the leads that 营销通 keeps for one that was never pushed. Not verified with the vendor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.providers.baidu.mapping import NAME, key_of_lead, lead_id_of, message_id_of
from services.ingest.providers.calling import ask_vendor
from services.ingest.providers.moments import beijing_clock_of
from services.ingest.providers.port import HookItem, HookNotSetUp, LeadGone, Page, Secrets, VendorUnavailable
from services.ingest.providers.values import id_of, object_of, objects_of, read_object
from shared.kernel.errors import Rejected
from shared.kernel.instants import DAY, Instant

ADDRESS: Final = "https://api.baidu.com"
SOLUTIONS: Final = ("form", "phone", "consult", "callback", "wechat", "follow")
"""Kinds of components that make leads; each is listed by itself."""

_PATH: Final = "json/sms/service/LeadsNoticeService/getNoticeList"
_AT_ONCE: Final = 500
_LONGEST: Final = 30 * DAY


class BaiduClient:
    """Asks with a user name and an access token; without them it lists nothing."""

    def __init__(self, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._http = http
        self._user = secrets.get("user_name")
        self._token = secrets.get("access_token")
        self._address = (secrets.get("api_address") or ADDRESS).rstrip("/")

    async def fetch(self, errand: Errand) -> HookItem:
        """Find nothing: deliveries are whole, and there are no errands."""
        raise LeadGone

    async def list_streams(self) -> Sequence[str]:
        """Return the kinds of components."""
        return SOLUTIONS if self._user and self._token else ()

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of the leads of a kind of component; Baidu lists thirty days at once."""
        if self._user is None or self._token is None:
            raise HookNotSetUp
        begins, _, number = (cursor or str(since)).partition(":")
        begin, page = int(begins), int(number or "1")
        end = min(begin + _LONGEST, until)
        wanted = {
            "header": {"userName": self._user, "accessToken": self._token},
            "body": {
                "solutionType": stream,
                "startDate": beijing_clock_of(begin),
                "endDate": beijing_clock_of(end),
                "pageNo": page,
                "pageSize": _AT_ONCE,
            },
        }
        body = await ask_vendor(self._http, "POST", f"{self._address}/{_PATH}", json=wanted)
        items, has_more = _read_page(body, page)
        if has_more:
            return Page(items, f"{begin}:{page + 1}")
        return Page(items, str(end) if end < until else None)


def build_client(secrets: Secrets, http: httpx.AsyncClient) -> BaiduClient:
    """Return the client of a source."""
    return BaiduClient(secrets, http)


def _read_page(body: bytes, page: int) -> tuple[list[HookItem], bool]:
    """Return the leads of an answer, and whether it goes on; it has the status 200 whatever it says."""
    try:
        told = read_object(body)
    except Rejected:
        raise VendorUnavailable from None
    if id_of(object_of(told.get("header")).get("status")) is not None or "body" not in told:
        raise VendorUnavailable
    blocks = objects_of(object_of(told["body"]).get("data"))
    leads = [lead for block in blocks for lead in objects_of(block.get("noticeDetailList"))]
    total = max((int(id_of(block.get("totalNum")) or "0") for block in blocks), default=0)
    items = [
        HookItem(
            *(NAME, msgspec.json.encode(lead), message_id_of(lead), key_of_lead(lead)),
            external_id=lead_id_of(lead),
        )
        for lead in leads
    ]
    return items, bool(leads) and page * _AT_ONCE < total
