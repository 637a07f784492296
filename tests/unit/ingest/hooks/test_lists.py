"""How the lists of Baidu and Tencent are looked through."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from services.ingest.providers.baidu import BAIDU
from services.ingest.providers.baidu.client import SOLUTIONS
from services.ingest.providers.port import Secrets
from services.ingest.providers.tencent_ads import TENCENT_ADS
from shared.kernel.instants import DAY, SECOND
from tests.unit.ingest.hooks.vectors import delivery
from tests.unit.ingest.hooks.vendor import SINCE, UNTIL, FakeVendor, all_leads, body_of, client_of, read


class TestBaidu:
    PATH = "/json/sms/service/LeadsNoticeService/getNoticeList"

    @staticmethod
    def answer(*leads: dict[str, Any], total: int) -> dict[str, Any]:
        data = [{"totalNum": total, "noticeDetailList": list(leads)}]
        return {"header": {"desc": "success", "status": 0}, "body": {"data": data}}

    async def test_each_kind_of_component_is_listed_page_by_page(self) -> None:
        def listed(request: httpx.Request) -> dict[str, Any]:
            asked = body_of(request)["body"]
            if asked["solutionType"] != "consult":
                return self.answer(total=0)
            lead = {
                "clueId": f"{asked['pageNo']}",
                "solutionType": "consult",
                "cluePhoneNumber": "13800138000",
            }
            return self.answer(lead, total=501)

        vendor = FakeVendor({self.PATH: listed})
        found = await all_leads(client_of(BAIDU, vendor, user_name="u", access_token="t"))
        assert [read(BAIDU, item).external_id for item in found] == ["1", "2"]
        assert [item.external_id for item in found] == ["1", "2"]
        assert all(read(BAIDU, item).act == ("Chat Started", {}) for item in found)
        assert len(vendor.asked) == len(SOLUTIONS) + 1
        first = body_of(vendor.asked[0])
        assert first["header"] == {"userName": "u", "accessToken": "t"}
        assert first["body"]["startDate"] == "2026-11-21 05:00:00"
        assert first["body"]["endDate"] == "2026-11-22 05:00:00"

    async def test_a_long_while_is_looked_through_thirty_days_at_a_time(self) -> None:
        vendor = FakeVendor({self.PATH: lambda _request: self.answer(total=0)})
        client = client_of(BAIDU, vendor, user_name="u", access_token="t")
        cursor, asked = None, 0
        while asked == 0 or cursor is not None:
            page = await client.list_leads("form", since=UNTIL - 70 * DAY, until=UNTIL, cursor=cursor)
            cursor, asked = page.next, asked + 1
        assert [
            tuple(body_of(request)["body"][name][:10] for name in ("startDate", "endDate"))
            for request in vendor.asked
        ] == [("2026-09-13", "2026-10-13"), ("2026-10-13", "2026-11-12"), ("2026-11-12", "2026-11-22")]

    async def test_a_lead_that_is_listed_is_the_one_that_was_pushed(self) -> None:
        lead = {"clueId": "9", "cluePhoneNumber": "13800138000"}
        vendor = FakeVendor({self.PATH: lambda _request: self.answer(lead, total=1)})
        client = client_of(BAIDU, vendor, user_name="u", access_token="t")
        (listed,) = (await client.list_leads("form", since=SINCE, until=UNTIL, cursor=None)).items
        (pushed,) = BAIDU.split(delivery(listed.body), Secrets())
        assert (listed.message_id, listed.key) == (pushed.message_id, pushed.key)


class TestTencent:
    PATH = "/v3.0/leads_list/get"

    async def test_a_long_list_goes_on_by_its_last_lead(self) -> None:
        def listed(request: httpx.Request) -> dict[str, Any]:
            asked = request.url.params
            number = int(asked["page"]) if "page" in asked else 26
            many = 200 if number <= 25 else 1
            leads = [
                {"leads_id": number * 1000 + place, "leads_create_time": "2026-11-21 12:00:00"}
                for place in range(many)
            ]
            return {"code": 0, "data": {"leads_info": leads}}

        vendor = FakeVendor({self.PATH: listed})
        found = await all_leads(client_of(TENCENT_ADS, vendor, account_id="7", access_token="t"))
        assert len(found) == 25 * 200 + 1
        assert len({item.message_id for item in found}) == len(found)
        last = vendor.asked[-1].url.params
        assert "page" not in last
        assert msgspec.json.decode(last["last_search_after_values"]) == ["1795233600000", "25199"]
        assert len({request.url.params["nonce"] for request in vendor.asked}) == len(vendor.asked)

    async def test_the_question_names_account_moments_and_its_own_time(self) -> None:
        vendor = FakeVendor({self.PATH: lambda _request: {"code": 0, "data": {"leads_info": []}}})
        assert await all_leads(client_of(TENCENT_ADS, vendor, account_id="7", access_token="t")) == []
        (request,) = vendor.asked
        asked = request.url.params
        assert asked["account_id"] == "7"
        assert msgspec.json.decode(asked["time_range"]) == {
            "start_time": SINCE // SECOND,
            "end_time": UNTIL // SECOND + 1,
            "time_type": "TIME_TYPE_CREATED_TIME",
        }
        assert asked["timestamp"] == str(UNTIL // SECOND)
        assert len(asked["nonce"]) == 32

    async def test_a_lead_that_is_listed_is_the_one_that_was_pushed(self) -> None:
        lead = {"leads_id": 9, "leads_telephone": "13800138000"}
        vendor = FakeVendor({self.PATH: lambda _request: {"code": 0, "data": {"leads_info": [lead]}}})
        (listed,) = await all_leads(client_of(TENCENT_ADS, vendor, account_id="7", access_token="t"))
        pushed_as = msgspec.json.encode({"leads_id": "9", "leads_tel": "13800138000"})
        (pushed,) = TENCENT_ADS.split(delivery(pushed_as), Secrets())
        assert (listed.message_id, listed.key) == (pushed.message_id, pushed.key)
