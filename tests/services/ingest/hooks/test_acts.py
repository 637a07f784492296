"""Hooks of platforms that tell what people did, in the running service: acts with their campaign."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from services.ingest.providers.roster import PROVIDERS
from services.ingest.store.hooks.secrets import save_hook, sealing_of_hooks
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events.behaviour import ActRecorded, BehaviourEvent, Unsubscribed
from shared.contracts.events.leads import LeadCaptured
from tests.services.ingest.running import KEY, PEPPER, RunningIngest
from tests.unit.ingest.requests import RECEIVED, ROOT

OPENID = "oW5Ux6ceqP-b0C-72qHEWZYk8Cr8"


async def deliver(ingest: RunningIngest, provider: str, name: str) -> httpx.Response:
    """Send a fixture's request as its vendor would."""
    path = ROOT / "services/ingest/providers" / provider.replace("-", "_") / "fixtures" / f"{name}.json"
    told: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    request = told["request"]
    body = request["body"]
    async with ingest.blueprint.database.transaction() as transaction:
        sealing = sealing_of_hooks(PEPPER)
        secrets = told.get("secrets", {})
        await save_hook(transaction, "website", provider, secrets, sealing=sealing, now=RECEIVED)
    return await ingest.client.post(
        f"/hooks/{provider}/{KEY}?{request.get('query', '')}",
        content=body.encode() if isinstance(body, str) else msgspec.json.encode(body),
        headers=request.get("headers", {}),
    )


def acts_in(envelopes: list[Envelope]) -> list[tuple[str, str]]:
    """Return each act's name and campaign."""
    told = []
    for envelope in envelopes:
        event = decode_event(envelope)
        assert isinstance(event, BehaviourEvent)
        name = event.name if isinstance(event, ActRecorded) else type(event).__name__
        told.append((name, event.acquisition.campaign if event.acquisition else ""))
    return told


class TestWechat:
    async def test_a_follower_is_a_lead_with_the_channel_code_as_campaign(
        self, ingest: RunningIngest
    ) -> None:
        for name in ("follow_by_channel_code", "scan", "message", "menu", "unfollow"):
            answer = await deliver(ingest, "wechat", name)
            assert (answer.status_code, answer.text) == (200, "success")
        await ingest.settle(5)
        said = await ingest.said("leadmill.behaviour")
        assert acts_in(said) == [
            ("Account Followed", "spring-fair"),
            ("Channel Code Scanned", "20261101"),
            ("ChatStarted", ""),
            ("Menu Chosen", ""),
            ("Unsubscribed", ""),
        ]
        assert len({envelope.subject for envelope in said}) == 1
        left = decode_event(said[-1])
        assert isinstance(left, Unsubscribed)
        assert left.delivery_channel == "wechat"
        (captured,) = [decode_event(one) for one in await ingest.said("leadmill.leads")]
        assert isinstance(captured, LeadCaptured)
        assert captured.acquisition is not None
        assert captured.acquisition.campaign == "spring-fair"
        assert not captured.reachable
        assert await ingest.breaches() == {}

    async def test_an_openid_finds_its_lead_and_stands_in_no_event(self, ingest: RunningIngest) -> None:
        await deliver(ingest, "wechat", "sealed_follow")
        await ingest.settle(1)
        (lead,) = await ingest.find(source="website", external_id=OPENID)
        assert lead["external_ids"] == []
        for topic in ("leadmill.leads", "leadmill.behaviour", "leadmill.contacts"):
            for record in await ingest.records(topic):
                assert OPENID.encode() not in (record.value or b"") + (record.key or b"")
        raw = await ingest.records("leadmill.raw")
        assert all(OPENID.encode() not in (record.key or b"") for record in raw)

    async def test_what_is_delivered_again_takes_effect_once(self, ingest: RunningIngest) -> None:
        for _ in range(3):
            await deliver(ingest, "wechat", "follow_by_channel_code")
        await ingest.settle(3)
        assert acts_in(await ingest.said("leadmill.behaviour")) == [("Account Followed", "spring-fair")]


class TestWecom:
    async def test_an_added_customer_has_the_state_as_campaign_and_an_errand_waits(
        self, ingest: RunningIngest
    ) -> None:
        answer = await deliver(ingest, "wecom", "customer_added_and_fetched")
        assert answer.text == "success"
        await ingest.settle(2)
        assert acts_in(await ingest.said("leadmill.behaviour")) == [("Contact Added", "spring-fair")]
        assert await ingest.value("SELECT count(*) FROM hook_errand WHERE provider = 'wecom'") == 1

    async def test_a_bell_leaves_nothing_behind(self, ingest: RunningIngest) -> None:
        answer = await deliver(ingest, "wecom", "bell_of_wechat_service")
        assert answer.text == "success"
        assert await ingest.records("leadmill.raw") == []


class TestPlatforms:
    async def test_a_pushed_form_is_a_lead_with_ids_whole(self, ingest: RunningIngest) -> None:
        answer = await deliver(ingest, "ocean-engine", "form_of_texts")
        assert answer.json() == {"code": 200, "message": "success"}
        await ingest.settle(1)
        (lead,) = await ingest.find(phone="13800138000")
        assert lead["external_ids"] == [{"source": "website", "id": "7301234567890123456"}]
        assert lead["attributes"]["size"] == "200_to_499"
        assert lead["attributes"]["region"] == "south_china"
        assert acts_in(await ingest.said("leadmill.behaviour")) == [("FormSubmitted", "7298765432109876543")]

    async def test_those_without_secrets_work_without_being_set_up(self, ingest: RunningIngest) -> None:
        open_to_all = [
            one.name for one in PROVIDERS.values() if all(name.is_optional for name in one.secrets)
        ]
        assert {"baidu", "ocean-engine", "tencent-ads", "webhook"} <= set(open_to_all)
        body = {"cluePhoneNumber": "13800138009", "clueId": "9"}
        answer = await ingest.client.post(f"/hooks/baidu/{KEY}", json=body)
        assert answer.json() == {"code": 0, "message": "success"}
        await ingest.settle(1)
        assert len(await ingest.find(phone="13800138009")) == 1
