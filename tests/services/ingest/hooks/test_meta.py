"""Meta's notices and lists, against a Graph API on loopback."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from services.ingest.jobs.hooks.fetching import Fetching
from services.ingest.jobs.hooks.looking import Looking
from services.ingest.store.hooks.errands import Patience
from services.ingest.store.hooks.secrets import HookUnset
from shared.kernel.errors import Unavailable
from shared.kernel.instants import DAY, HOUR, MINUTE
from tests.services.ingest.hooks.graph import FORM, PAGE, TOKEN, FakeGraph
from tests.services.ingest.hooks.mill import BrokenLog, HookMill
from tests.services.ingest.hooks.vendor import Answer, FakeVendor, run_vendor
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = pytest.mark.lasts(55)

LEAD = "1459076748710713"


class Meta(HookMill):
    """Meta with its Graph API in front of it."""

    def __init__(self, ingest: RunningIngest, graph: FakeGraph, vendor: FakeVendor) -> None:
        super().__init__(ingest, "meta")
        self.graph = graph
        self.vendor = vendor

    @property
    def now(self) -> int:
        return self.ingest.resources.clock.now()

    async def set_up(self) -> None:
        given = {"app_secret": "s3cr3t", "verify_token": "made up", "page_token": TOKEN, "page_ids": PAGE}
        await self.desk.save("meta", "website", {**given, "api_address": self.vendor.address})

    async def tell(self, lead: str = LEAD) -> None:
        """Deliver the notice about a lead."""
        value = {"leadgen_id": lead, "form_id": FORM, "page_id": PAGE}
        entry = {"id": PAGE, "changes": [{"field": "leadgen", "value": value}]}
        body = msgspec.json.encode({"object": "page", "entry": [entry]})
        signature = f"sha256={hmac.digest(b's3cr3t', body, 'sha256').hex()}"
        answer = await self.ingest.client.post(
            f"/hooks/meta/{KEY}", content=body, headers={"x-hub-signature-256": signature}
        )
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def run_meta(ingest: RunningIngest) -> AsyncIterator[Meta]:
    graph = FakeGraph()
    async with run_vendor(graph) as vendor:
        made = Meta(ingest, graph, vendor)
        await made.set_up()
        graph.add(LEAD, at=made.now - MINUTE, email="ada@engines.example")
        yield made


@pytest.fixture
async def meta(ingest: RunningIngest) -> AsyncIterator[Meta]:
    async with run_meta(ingest) as made:
        yield made


async def test_what_is_fetched_and_found_goes_through_each_log(ingest_on_each_log: RunningIngest) -> None:
    async with run_meta(ingest_on_each_log) as meta:
        for number in range(5):
            meta.graph.add(f"1{number}", at=meta.now - MINUTE, email=f"k{number}@engines.example")
        await meta.tell()
        await meta.settle(1)
        await meta.run_errands()
        await meta.settle(2)
        await meta.look()
        await meta.settle(7)
        assert len(await meta.submissions()) == 6
        assert await meta.ingest.breaches() == {}


class TestNotices:
    async def test_are_fetched_and_become_a_lead_once(self, meta: Meta) -> None:
        await meta.tell()
        await meta.tell()
        await meta.settle(2)
        assert meta.vendor.asked == []
        await meta.run_errands()
        assert len(meta.vendor.asked) == 1
        await meta.settle(3)
        await meta.tell()
        await meta.settle(4)
        await meta.run_errands()
        (lead,) = await meta.ingest.find(email="ada@engines.example")
        assert lead["external_ids"] == [{"source": "website", "id": LEAD}]
        (submission,) = await meta.submissions()
        assert (submission.form, submission.message_id) == (FORM, f"meta-{LEAD}")
        assert await meta.errand() is None
        assert await meta.ingest.breaches() == {}

    async def test_never_show_the_token_in_an_address(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        await meta.run_errands()
        assert TOKEN.replace(" ", "+") not in meta.vendor.asked[0].target
        assert "access_token" not in meta.vendor.asked[0].target

    @pytest.mark.parametrize(
        ("trouble", "code"),
        [
            (None, "hook.vendor_unavailable"),
            (Answer(500, {}), "hook.vendor_unavailable"),
            (Answer(200, b"<html>"), "hook.vendor_unavailable"),
            (Answer(302, {}, {"location": "http://127.0.0.1:1/"}), "hook.vendor_unavailable"),
            (Answer(400, {"error": {"code": 1}}), "hook.vendor_unavailable"),
            (Answer(429, {}, {"retry-after": "60"}), "hook.vendor_busy"),
            (Answer(400, {"error": {"code": 613}}), "hook.vendor_busy"),
            (Answer(401, {}), "hook.token_refused"),
        ],
    )
    async def test_wait_while_the_vendor_has_trouble(
        self, meta: Meta, trouble: Answer | None, code: str
    ) -> None:
        await meta.tell()
        await meta.settle(1)
        meta.vendor.troubles.append(trouble)
        await meta.run_errands()
        assert await meta.errand() == ("waiting", 1, code)
        await meta.run_errands()
        await meta.settle(2)
        assert len(await meta.submissions()) == 1

    async def test_wait_while_nobody_is_there(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        await meta.vendor.close()
        await meta.run_errands()
        assert await meta.errand() == ("waiting", 1, "hook.vendor_unavailable")
        await meta.vendor.open()
        await meta.run_errands()
        await meta.settle(2)
        assert len(await meta.submissions()) == 1

    async def test_wait_as_long_as_the_vendor_asks_for(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        meta.vendor.troubles.append(Answer(429, {}, {"retry-after": "1800"}))
        await meta.run_errands()
        assert await meta.ingest.value(
            "SELECT next_attempt > clock_timestamp() + interval '1700 seconds' FROM hook_errand"
        )
        await Fetching(meta.tools(), commands=meta.commands).work_off()
        assert len(meta.vendor.asked) == 1

    async def test_wait_for_another_token(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        meta.graph.token = "a new token"
        await meta.run_errands()
        assert await meta.errand() == ("waiting", 1, "hook.token_refused")
        await meta.desk.save("meta", "website", {"page_token": "a new token"})
        await meta.run_errands()
        await meta.settle(2)
        assert len(await meta.submissions()) == 1

    async def test_are_fetched_again_after_a_crash_before_the_lead_was_appended(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        await meta.run_errands(BrokenLog())
        assert len(meta.vendor.asked) == 1
        assert (await meta.errand() or ("",))[0] == "waiting"
        await meta.run_errands()
        await meta.settle(2)
        assert len(meta.vendor.asked) == 2
        assert len(await meta.submissions()) == 1

    async def test_take_effect_once_after_a_crash_behind_the_append(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        before = await meta.ingest.value("SELECT to_jsonb(e)::text FROM hook_errand e")
        await meta.run_errands()
        await meta.settle(2)
        quoted = before.replace("'", "''")
        await meta.ingest.execute(
            f"INSERT INTO hook_errand SELECT * FROM jsonb_populate_record(NULL::hook_errand, '{quoted}')"
        )
        await meta.run_errands()
        await meta.settle(3)
        assert len(meta.vendor.asked) == 2
        assert len(await meta.submissions()) == 1
        assert await meta.ingest.breaches() == {}

    async def test_are_shown_with_their_source_while_they_wait(self, meta: Meta) -> None:
        await meta.tell("999")
        await meta.tell()
        await meta.settle(2)
        await meta.ingest.execute(
            "UPDATE hook_errand SET next_attempt = 'infinity' WHERE external_id <> '999'"
        )
        await meta.run_due()
        answer = await meta.ingest.client.get("/v1/sources", headers={"authorization": "Bearer x"})
        (website,) = answer.json()["sources"]
        assert (website["to_fetch"], website["stuck"]) == (2, 1)

    async def test_are_stuck_where_the_lead_is_gone_and_somebody_can_see_it(self, meta: Meta) -> None:
        await meta.tell("999")
        await meta.settle(1)
        await meta.run_errands()
        assert await meta.errand() == ("stuck", 1, "hook.lead_gone")
        (state,) = await meta.desk.list_hooks()
        assert (state.waiting, state.stuck) == (0, 1)
        await Fetching(meta.tools(), commands=meta.commands).work_off()
        assert len(meta.vendor.asked) == 1

    async def test_are_stuck_after_days_and_go_on_when_somebody_asks(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        await meta.ingest.execute("UPDATE hook_errand SET taken = taken - interval '4 days'")
        meta.vendor.troubles.append(Answer(500, {}))
        impatient = Patience(gives_up=timedelta(days=3))
        await Fetching(meta.tools(), commands=meta.commands, patience=impatient).turn()
        assert await meta.errand() == ("stuck", 1, "hook.vendor_unavailable")
        assert await meta.desk.retry(provider="meta") == 1
        await meta.run_errands()
        await meta.settle(2)
        assert len(await meta.submissions()) == 1

    async def test_of_a_hook_that_was_removed_wait(self, meta: Meta) -> None:
        await meta.tell()
        await meta.settle(1)
        await meta.desk.remove("meta", "website")
        await meta.run_errands()
        assert await meta.errand() == ("waiting", 1, "hook.not_set_up")
        with pytest.raises(HookUnset):
            await meta.desk.remove("meta", "website")


class TestLists:
    async def test_bring_a_lead_of_which_no_notice_came(self, meta: Meta) -> None:
        await meta.look()
        await meta.settle(1)
        (submission,) = await meta.submissions()
        assert submission.message_id == f"meta-{LEAD}"
        await meta.look()
        await meta.tell()
        await meta.settle(2)
        await meta.run_errands()
        await meta.settle(3)
        assert len(await meta.submissions()) == 1
        assert await meta.ingest.breaches() == {}

    async def test_are_read_page_by_page_and_form_by_form(self, meta: Meta) -> None:
        for number in range(5):
            meta.graph.add(f"2{number}", at=meta.now - MINUTE, email=f"x{number}@engines.example")
            meta.graph.add(f"3{number}", at=meta.now - MINUTE, email=f"y{number}@engines.example", form="7")
        await meta.look()
        await meta.settle(11)
        assert len(await meta.submissions()) == 11
        assert await meta.ingest.value("SELECT count(*) FROM hook_position") == 2

    async def test_are_read_with_an_overlap_from_where_they_were_read_before(self, meta: Meta) -> None:
        await meta.look()
        meta.graph.add("41", at=meta.now - 5 * HOUR, email="late@engines.example")
        meta.graph.add("42", at=meta.now - 7 * HOUR, email="too-late@engines.example")
        await meta.look()
        await meta.settle(2)
        assert await meta.ingest.find(email="late@engines.example")
        assert not await meta.ingest.find(email="too-late@engines.example")

    async def test_are_begun_again_after_a_crash_on_the_way(self, meta: Meta) -> None:
        for number in range(3):
            meta.graph.add(f"5{number}", at=meta.now - MINUTE, email=f"z{number}@engines.example")
        await meta.look(BrokenLog())
        assert await meta.ingest.value("SELECT count(*) FROM hook_position") == 0
        assert await meta.ingest.value("SELECT last_fault FROM hook") == "log.unavailable"
        meta.vendor.troubles += [Answer(200, {"data": [{"id": FORM}]}), None]
        await meta.look()
        assert await meta.ingest.value("SELECT last_fault FROM hook") == "hook.vendor_unavailable"
        assert await meta.ingest.value("SELECT looked FROM hook") is None
        await meta.look()
        assert await meta.ingest.value("SELECT last_fault FROM hook") is None
        await meta.settle(4)
        assert len(await meta.submissions()) == 4

    async def test_can_be_read_from_long_ago_and_bring_nobody_twice(self, meta: Meta) -> None:
        meta.graph.add("61", at=meta.now - 60 * DAY, email="old@engines.example")
        await meta.look()
        await meta.settle(1)
        await meta.ingest.execute("DELETE FROM seen_message")
        found = await meta.desk.look_through("meta", "website", since=meta.now - 89 * DAY)
        assert found == 1
        await meta.settle(2)
        assert len(await meta.submissions()) == 2
        assert await meta.ingest.find(email="old@engines.example")

    async def test_bring_test_leads_to_quarantine_once(self, meta: Meta) -> None:
        meta.graph.leads[LEAD]["field_data"] = [
            {"name": "full_name", "values": ["<test lead: dummy data for full_name>"]}
        ]
        await meta.look()
        await meta.settle(1)
        await meta.look()
        assert await meta.ingest.value("SELECT code || tries FROM quarantine") == "intake.test_lead1"
        assert await meta.submissions() == []

    async def test_that_cannot_be_read_do_not_hide_the_others(self, meta: Meta) -> None:
        for form in ("10", "11", "12"):
            meta.graph.add(f"9{form}", at=meta.now - MINUTE, email=f"f{form}@engines.example", form=form)
        meta.graph.answers["10"] = Answer(400, {"error": {"code": 10}})
        meta.graph.answers["11"] = Answer(404, {})
        await meta.look()
        await meta.settle(2)
        assert len(await meta.submissions()) == 2
        assert await meta.ingest.value("SELECT last_fault FROM hook") == "hook.vendor_unavailable"
        meta.graph.answers.clear()
        await meta.look()
        await meta.settle(4)
        assert await meta.ingest.value("SELECT last_fault FROM hook") is None

    async def test_of_a_vendor_that_is_away_are_left_alone_after_three(self, meta: Meta) -> None:
        for form in ("10", "11", "12", "13"):
            meta.graph.add(f"9{form}", at=meta.now - MINUTE, email=f"f{form}@engines.example", form=form)
            meta.graph.answers[form] = Answer(503, {})
        await meta.look()
        assert sum(asked.path.endswith("/leads") for asked in meta.vendor.asked) == 3

    async def test_that_go_round_in_a_circle_are_left(self, meta: Meta) -> None:
        around = {"data": [], "paging": {"cursors": {"after": "x"}, "next": "y"}}
        meta.vendor.troubles += [Answer(200, {"data": [{"id": FORM}]}), *[Answer(200, around)] * 2]
        await meta.look()
        assert await meta.ingest.value("SELECT last_fault FROM hook") == "hook.vendor_unavailable"

    async def test_are_each_looked_through_by_one_at_a_time(self, meta: Meta) -> None:
        await meta.look()
        asked = len(meta.vendor.asked)
        await Looking(meta.tools()).look()
        assert len(meta.vendor.asked) == asked

    async def test_are_left_when_the_process_is_stopped_and_begun_again(self, meta: Meta) -> None:
        for number in range(4):
            meta.graph.add(f"8{number}", at=meta.now - MINUTE, email=f"s{number}@engines.example")
        looking = Looking(meta.tools())
        meta.vendor.on_asked = lambda asked: looking.stop() if asked.path.endswith("/leads") else None
        await looking.look()
        assert await meta.ingest.value("SELECT count(*) FROM hook_position") == 0
        meta.vendor.on_asked = None
        await Looking(meta.tools()).look()
        await meta.settle(5)
        assert len(await meta.submissions()) == 5

    async def test_are_not_read_while_the_vendor_is_away(self, meta: Meta) -> None:
        await meta.vendor.close()
        with pytest.raises(Unavailable):
            await meta.desk.look_through("meta", "website", since=0)
