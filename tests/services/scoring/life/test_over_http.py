"""The life of a model over HTTP: who may take steps, and what is answered."""

from __future__ import annotations

from typing import Any

import httpx
import yaml

from tests.services.scoring.deeds import Deeds
from tests.services.scoring.life.desk import five_step
from tests.services.scoring.stand import Stand
from tests.services.surroundings import asking
from tests.services.surroundings.asking import app_of
from tests.unit.scoring.stories import START

BASE = "/scoring/v1/models"


def client_of(stand: Stand, role: str) -> httpx.AsyncClient:
    """Somebody with a token of this role."""
    blueprint = stand.blueprint
    app = app_of("scoring", blueprint.routers, clock=stand.clock, statuses=blueprint.statuses)
    return asking.client_of(app, by=role)


async def test_a_manager_takes_a_version_from_its_draft_to_live_and_back(small_stand: Stand) -> None:
    async with client_of(small_stand, "manager") as manager:

        async def take(step: str, status: int = 200, **said: object) -> dict[str, Any]:
            body = {"why": "sales asked for it", **said}
            answer = await manager.post(f"{BASE}/five_step/{step}", json=body)
            assert answer.status_code == status, answer.text
            found: dict[str, Any] = answer.json()
            return found

        drafted = await take("drafts", 201, document=yaml.safe_load(five_step(2)))
        assert (drafted["version"], drafted["step"], drafted["by"]) == (2, "drafted", "manager")
        assert (await take("publish", 409, version=2))["code"] == "scoring.not_validated"
        assert (await take("validate", version=2))["details"]["leads"] == 0
        await take("shadow", version=2)
        assert (await manager.get(f"{BASE}/five_step/shadow")).json()["version"] == 2
        assert (await manager.get(f"{BASE}/five_step/shadow/changes")).json()["changes"] == []
        await take("share", version=2, percent=10)
        shown = (await manager.get(f"{BASE}/five_step")).json()
        assert (shown["live"], shown["share"], shown["shadow"]) == (1, {"version": 2, "percent": 10}, 2)
        answer = await manager.post(f"{BASE}/five_step/preview", json={"version": 2})
        assert (answer.status_code, answer.json()["done"]) == (202, False)
        counted = await manager.get(f"{BASE}/five_step/preview", params={"version": 2})
        assert counted.json()["affected"] == 0
        assert counted.json()["words"].keys() == shown["rollback"].keys() == {"en", "zh"}
        refused = await take("publish", 409, version=2, tell_past=True, expected=3)
        assert refused["code"] == "scoring.counted_otherwise"
        await take("publish", version=2)
        await take("rollback")
        history = (await manager.get(f"{BASE}/five_step/history")).json()["steps"]
        assert [step["step"] for step in history] == [
            *("shipped", "drafted", "validated", "shadowed", "shared", "published", "rolled_back")
        ]
        document = await manager.get(f"{BASE}/five_step/document", params={"version": 2})
        assert yaml.safe_load(document.json()["document"]) == yaml.safe_load(five_step(2))
        assert (await manager.get(f"{BASE}/nobody")).status_code == 404


async def test_a_trial_that_is_asked_for_again_is_answered_the_same_whatever_was_learnt_meanwhile(
    small_stand: Stand, deeds: Deeds
) -> None:
    """The crash matrix: whoever got no answer and asked again was told that the key had been used."""
    async with client_of(small_stand, "manager") as manager:
        drafted = {"why": "sales asked for it", "document": five_step(2)}
        assert (await manager.post(f"{BASE}/five_step/drafts", json=drafted)).status_code == 201

        async def validate(why: str) -> httpx.Response:
            return await manager.post(
                f"{BASE}/five_step/validate",
                json={"why": why, "version": 2},
                headers={"idempotency-key": '"trial-1"'},
            )

        first = await validate("a try")
        await small_stand.start_worker()
        await small_stand.learn(deeds.viewed("ada", START))
        again = await validate("a try")
        other = await validate("another try")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "command.key_reused")


async def test_all_faults_of_a_draft_are_answered_with_their_paths(small_stand: Stand) -> None:
    text = five_step(2).replace("director", "directr").replace("page_viewed", "page_vewed")
    async with client_of(small_stand, "manager") as manager:
        answer = await manager.post(f"{BASE}/five_step/drafts", json={"why": "a try", "document": text})
    assert answer.status_code == 422
    assert answer.json()["code"] == "scoring.model_faults"
    assert answer.json()["message"].count("groups[") >= 2


async def test_only_managers_and_administrators_take_steps(small_stand: Stand) -> None:
    body = {"why": "a try", "document": five_step(2)}
    for role, expected in [("marketer", 403), ("rep", 403), ("read", 403), ("admin", 201)]:
        async with client_of(small_stand, role) as somebody:
            answer = await somebody.post(f"{BASE}/five_step/drafts", json=body)
            assert answer.status_code == expected, role
    async with client_of(small_stand, "marketer") as marketer:
        assert (await marketer.get(f"{BASE}/five_step/history")).status_code == 200
    async with client_of(small_stand, "rep") as rep:
        assert (await rep.get(f"{BASE}/five_step/history")).status_code == 403
