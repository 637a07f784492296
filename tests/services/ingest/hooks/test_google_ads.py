"""Hooks in the running service: from the vendor's request to the lead, or to quarantine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.ingest.store.hooks.secrets import (
    HookUnset,
    StoredSecrets,
    load_hook,
    load_hooks,
    remove_hook,
    save_hook,
    sealing_of_hooks,
)
from shared.postgres.database import Database
from shared.security.credential_cache import CacheLimits, CredentialStoreUnavailable
from shared.security.write_keys import add_write_key
from tests.services.ingest.running import KEY, PEPPER, RunningIngest
from tests.unit.ingest.requests import RECEIVED, ROOT

SEALING = sealing_of_hooks(PEPPER)
GOOGLE = ROOT / "services" / "ingest" / "providers" / "google_ads" / "fixtures"


def google(name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((GOOGLE / f"{name}.json").read_bytes())
    return found


async def set_up(database: Database, provider: str, values: dict[str, str]) -> None:
    async with database.transaction() as transaction:
        await save_hook(transaction, "website", provider, values, sealing=SEALING, now=RECEIVED)


class TestGoogleAds:
    async def test_a_lead_becomes_a_lead_once_however_often_it_comes(self, ingest: RunningIngest) -> None:
        fixture = google("lead")
        await set_up(ingest.blueprint.database, "google-ads", fixture["secrets"])
        for _ in range(3):
            answer = await ingest.client.post(f"/hooks/google-ads/{KEY}", json=fixture["request"]["body"])
            assert (answer.status_code, answer.content) == (200, b"{}")
        await ingest.settle(3)
        (lead,) = await ingest.find(email="ada@engines.example")
        assert lead["external_ids"] == [{"source": "website", "id": "Cj0KEQ-lead-8f1e2d"}]
        said = [one.type for one in await ingest.said("leadmill.behaviour")]
        assert said == ["leadmill.form_submitted.v1"]
        assert await ingest.breaches() == {}

    async def test_a_test_lead_lies_in_quarantine_and_is_nobody(self, ingest: RunningIngest) -> None:
        fixture = google("test_lead")
        await set_up(ingest.blueprint.database, "google-ads", fixture["secrets"])
        answer = await ingest.client.post(f"/hooks/google-ads/{KEY}", json=fixture["request"]["body"])
        assert (answer.status_code, answer.content) == (200, b"{}")
        await ingest.settle(1)
        assert await ingest.value("SELECT code FROM quarantine") == "intake.test_lead"
        assert await ingest.find(email="test@example.com") == []
        assert await ingest.said("leadmill.leads") == []

    async def test_waits_for_its_key_to_be_set(self, ingest: RunningIngest) -> None:
        answer = await ingest.client.post(f"/hooks/google-ads/{KEY}", json=google("lead")["request"]["body"])
        assert answer.status_code == 503
        assert answer.json()["code"] == "hook.not_set_up"


class TestSecrets:
    @pytest.fixture(autouse=True)
    async def source(self, ingest_database: Database) -> None:
        async with ingest_database.transaction() as transaction:
            await add_write_key(transaction, pepper=PEPPER, source="website", now=RECEIVED, brought=KEY)

    async def test_are_kept_sealed_and_come_back_as_they_were(self, ingest_database: Database) -> None:
        await set_up(ingest_database, "meta", {"app_secret": "s3cr3t", "page": "é"})
        async with ingest_database.connection() as connection:
            found = await load_hook(connection, "website", "meta", sealing=SEALING)
            sealed = await connection.fetch_value("SELECT sealed FROM hook")
            (row,) = await load_hooks(connection)
        assert found is not None
        assert found.reveal() == {"app_secret": "s3cr3t", "page": "é"}
        assert b"s3cr3t" not in sealed
        assert (row.source, row.provider) == ("website", "meta")

    async def test_are_replaced_as_a_whole_and_can_be_taken_away(self, ingest_database: Database) -> None:
        await set_up(ingest_database, "meta", {"a": "1", "b": "2"})
        await set_up(ingest_database, "meta", {"b": "3"})
        async with ingest_database.transaction() as transaction:
            found = await load_hook(transaction, "website", "meta", sealing=SEALING)
            assert found is not None
            assert found.reveal() == {"b": "3"}
            await remove_hook(transaction, "website", "meta")
            assert await load_hook(transaction, "website", "meta", sealing=SEALING) is None
            with pytest.raises(HookUnset):
                await remove_hook(transaction, "website", "meta")

    async def test_are_remembered_while_the_database_is_away(self, ingest_database: Database) -> None:
        await set_up(ingest_database, "meta", {"a": "1"})
        at_once = CacheLimits(fresh_for=timedelta(0), unknown_for=timedelta(0))
        stored = StoredSecrets(ingest_database, sealing=SEALING, limits=at_once)
        assert await stored.find("website", "meta") is not None
        assert await stored.find("website", "tiktok") is None
        await ingest_database.stop()
        found = await stored.find("website", "meta")
        assert found is not None
        assert found.reveal() == {"a": "1"}
        with pytest.raises(CredentialStoreUnavailable):
            await stored.find("elsewhere", "meta")
