"""LinkedIn's notices and lists, against a Lead Sync API on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from services.ingest.providers.signatures import hmac_hex
from shared.kernel.instants import MINUTE
from tests.services.ingest.hooks.lead_sync import ACCOUNT, TOKEN, FakeLeadSync
from tests.services.ingest.hooks.mill import HookMill
from tests.services.ingest.hooks.vendor import Answer, FakeVendor, run_vendor
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = pytest.mark.lasts(20)

LEAD = "aaaabbbb-0000-cccc-1111-dddd2222eeee-5"


class LinkedIn(HookMill):
    """LinkedIn with its API in front of it."""

    def __init__(self, ingest: RunningIngest, sync: FakeLeadSync, vendor: FakeVendor) -> None:
        super().__init__(ingest, "linkedin")
        self.sync = sync
        self.vendor = vendor

    @property
    def now(self) -> int:
        return self.ingest.resources.clock.now()

    async def tell(self, action: str, lead: str = LEAD, *, is_signed: bool = True) -> None:
        notice: dict[str, Any] = {
            "type": "LEAD_ACTION",
            "leadGenFormResponse": f"urn:li:leadGenFormResponse:{lead}",
            "leadGenForm": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:3162,1)",
            "leadAction": action,
            "owner": {"sponsoredAccount": ACCOUNT},
            "leadType": "SPONSORED",
        }
        body = msgspec.json.encode(notice)
        headers = {"x-li-signature": hmac_hex("s3cr3t", b"hmacsha256=" + body)} if is_signed else {}
        answer = await self.ingest.client.post(f"/hooks/linkedin/{KEY}", content=body, headers=headers)
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def linkedin(ingest: RunningIngest) -> AsyncIterator[LinkedIn]:
    sync = FakeLeadSync()
    async with run_vendor(sync) as vendor:
        made = LinkedIn(ingest, sync, vendor)
        given = {"client_secret": "s3cr3t", "access_token": TOKEN, "owners": ACCOUNT}
        await made.desk.save("linkedin", "website", {**given, "api_address": vendor.address})
        sync.add(LEAD, at=made.now - MINUTE, email="ada@engines.example")
        yield made


class TestNotices:
    async def test_are_fetched_with_their_form_and_become_a_lead(self, linkedin: LinkedIn) -> None:
        await linkedin.tell("CREATED")
        await linkedin.tell("CREATED")
        await linkedin.settle(2)
        await linkedin.run_errands()
        await linkedin.settle(3)
        (lead,) = await linkedin.ingest.find(email="ada@engines.example")
        assert lead["external_ids"] == [{"source": "website", "id": LEAD}]
        assert [one.form for one in await linkedin.submissions()] == ["3162"]
        assert [asked.path for asked in linkedin.vendor.asked] == [
            f"/leadFormResponses/{LEAD}",
            "/leadForms/3162",
        ]

    async def test_of_a_form_that_was_deleted_bring_the_lead_all_the_same(self, linkedin: LinkedIn) -> None:
        linkedin.sync.has_form = False
        await linkedin.tell("CREATED")
        await linkedin.settle(1)
        await linkedin.run_errands()
        await linkedin.settle(2)
        assert len(await linkedin.submissions()) == 1

    async def test_of_a_deletion_erase_the_person_for_good(self, linkedin: LinkedIn) -> None:
        await linkedin.tell("CREATED")
        await linkedin.settle(1)
        await linkedin.run_errands()
        await linkedin.settle(2)
        await linkedin.tell("DELETED")
        await linkedin.settle(3)
        await linkedin.run_errands()
        assert await linkedin.errand() is None
        assert await linkedin.ingest.find(email="ada@engines.example") == []
        assert await linkedin.ingest.value("SELECT count(*) FROM contact") == 0
        await linkedin.look()
        await linkedin.ingest.post("/v1/leads", {"email": "ada@engines.example", "name": "Ada"})
        await linkedin.settle(4)
        assert await linkedin.ingest.find(email="ada@engines.example") == []
        assert await linkedin.ingest.breaches() == {}

    async def test_of_a_deletion_that_nobody_signed_erase_nobody(self, linkedin: LinkedIn) -> None:
        await linkedin.tell("CREATED", is_signed=False)
        await linkedin.settle(1)
        await linkedin.run_errands()
        await linkedin.settle(2)
        await linkedin.tell("DELETED", is_signed=False)
        await linkedin.settle(3)
        await linkedin.run_errands()
        assert len(await linkedin.ingest.find(email="ada@engines.example")) == 1
        assert await linkedin.ingest.value("SELECT code FROM quarantine") == "hook.erasure_unsigned"

    async def test_of_a_deletion_keep_the_lead_from_being_fetched(self, linkedin: LinkedIn) -> None:
        linkedin.vendor.troubles.append(Answer(503, {}))
        await linkedin.tell("CREATED")
        await linkedin.settle(1)
        await linkedin.run_errands()
        await linkedin.tell("DELETED")
        await linkedin.settle(2)
        await linkedin.ingest.execute(
            "UPDATE hook_errand SET next_attempt = clock_timestamp() + interval '1 hour'"
            " WHERE what = 'fetch_lead'"
        )
        await linkedin.run_due()
        assert await linkedin.errand() is None
        await linkedin.look()
        await linkedin.settle(2)
        assert await linkedin.ingest.find(email="ada@engines.example") == []

    async def test_of_a_token_that_ended_wait(self, linkedin: LinkedIn) -> None:
        await linkedin.desk.save("linkedin", "website", {"access_token": "old"})
        await linkedin.tell("CREATED")
        await linkedin.settle(1)
        await linkedin.run_errands()
        assert await linkedin.errand() == ("waiting", 1, "hook.token_refused")


class TestLists:
    async def test_bring_what_no_notice_told_of_page_by_page(self, linkedin: LinkedIn) -> None:
        for number in range(150):
            linkedin.sync.add(f"{number}-1", at=linkedin.now - MINUTE, email=f"x{number}@engines.example")
        await linkedin.look()
        await linkedin.settle(151)
        assert len(await linkedin.submissions()) == 151
        listed = [asked for asked in linkedin.vendor.asked if "q" in asked.query]
        assert [asked.query["start"] for asked in listed] == ["0", "100"]
        assert sum(asked.path == "/leadForms/3162" for asked in linkedin.vendor.asked) == 1
        await linkedin.look()
        await linkedin.tell("CREATED")
        await linkedin.settle(152)
        await linkedin.run_errands()
        await linkedin.settle(153)
        assert len(await linkedin.submissions()) == 151
