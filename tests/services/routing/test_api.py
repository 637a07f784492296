"""Routing over HTTP, through the real application: questions, commands, and who may do what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.kernel.instants import MINUTE
from tests.services.routing.conftest import START
from tests.services.routing.stand import Stand
from tests.services.routing.words import Words, lead_id
from tests.services.surroundings.asking import app_of, client_of
from tests.unit.routing.floor import local

pytestmark = pytest.mark.lasts(15)

ADA = lead_id("ada")


class Client:
    """Asks as somebody."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str, *, by: str = "manager", status: int = 200, **parameters: Any) -> Any:
        headers = {"authorization": f"Bearer {by}"}
        answer = await self._http.get(f"/routing/v1/{path}", headers=headers, params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Any = None, *, by: str = "manager", status: int = 200, key: str = ""
    ) -> Any:
        headers = {"authorization": f"Bearer {by}", **({"idempotency-key": key} if key else {})}
        answer = await self._http.post(f"/routing/v1/{path}", headers=headers, json=body or {})
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
async def client(small_stand: Stand, words: Words) -> AsyncIterator[Client]:
    """Ada is rep-1's, Ben in the pool, Cy nobody's."""
    stand = small_stand
    await stand.start_worker()
    await stand.learn(*words.hot("ada", START, industry="pharma"))
    await stand.learn(
        words.captured("ben", START),
        words.tier("ben", "B", START + MINUTE),
        words.captured("cy", START),
        words.captured("dee", START),
        words.moved("dee", "ada", START + MINUTE, version=1),
    )
    app = app_of("routing", stand.blueprint.routers, clock=stand.clock, statuses=stand.blueprint.statuses)
    async with client_of(app) as opened:
        yield Client(opened)


async def test_a_lead_tells_owner_clocks_and_the_trace(client: Client) -> None:
    found = await client.get(f"leads/{ADA}")
    assert (found["owner"], found["place"], found["status"]) == ("rep-1", "owned", "new")
    assert found["due"] == "2026-05-09T02:00:00Z"
    assert [clock["name"] for clock in found["clocks"]] == ["warn_75", "warn_90", "recall"]
    assert found["tiers"] == {"mql": "A"}
    (decision,) = found["trace"]
    assert (decision["rule"], decision["rule_version"], decision["rep"]) == ("everyone", 1, "rep-1")
    assert [one["rep"] for one in decision["considered"]] == ["rep-1", "rep-2", "rep-3", "rep-4"]
    assert [stay["place"] for stay in found["history"]] == ["marketing", "owned"]
    assert found["history"][0]["until"] == found["history"][1]["since"]


async def test_a_merged_lead_is_answered_under_its_new_name(client: Client) -> None:
    found = await client.get(f"leads/{lead_id('dee')}")
    assert (found["lead"], found["merged_from"]) == (ADA, lead_id("dee"))
    refused = await client.post(f"leads/{lead_id('dee')}/claim", by="rep-2", status=409)
    assert (refused["code"], ADA in refused["detail"]) == ("routing.lead_merged", True)


async def test_the_pool_is_claimed_once(client: Client) -> None:
    pool = await client.get("pool", by="rep-2")
    assert [(one["lead"], one["reason"]) for one in pool["items"]] == [(lead_id("ben"), "claimable")]
    won = await client.post(f"leads/{lead_id('ben')}/claim", by="rep-2", key="k1")
    # not before it lay in the pool, though this machine's clock is a minute behind
    assert (won["owner"], won["due"]) == ("rep-2", "2026-05-09T02:01:00Z")
    assert await client.post(f"leads/{lead_id('ben')}/claim", by="rep-2", key="k1") == won
    refused = await client.post(f"leads/{lead_id('ben')}/claim", by="rep-3", status=409)
    assert refused["code"] == "routing.already_owned"
    await client.post(f"leads/{lead_id('cy')}/claim", by="rep-3", status=409)
    assert (await client.get("pool"))["items"] == []


async def test_a_rep_sees_their_own_leads_and_the_pool_only(client: Client) -> None:
    assert (await client.get(f"leads/{ADA}", by="rep-1"))["owner"] == "rep-1"
    assert (await client.get(f"leads/{lead_id('ben')}", by="rep-2"))["place"] == "pool"
    for lead in (ADA, lead_id("cy")):
        assert (await client.get(f"leads/{lead}", by="rep-2", status=403))["code"] == "access.forbidden"
    await client.get("expiring", by="rep-2", status=403, rep="rep-1")
    assert [rep["rep"] for rep in await client.get("reps", by="rep-2")] == ["rep-2"]
    await client.get("reps/rep-1", by="rep-2", status=403)
    await client.get("pool", by="stray", status=403)
    await client.get("pool", by="nobody", status=401)


async def test_a_follow_up_stops_the_clock_and_an_empty_one_does_not(client: Client) -> None:
    empty = await client.post(f"leads/{ADA}/follow-ups", {"way": "phone"}, by="rep-1")
    assert (empty["counts"], "recall" in empty["clocks"]) == (False, True)
    counted = await client.post(
        f"leads/{ADA}/follow-ups", {"way": "phone", "result": "reached", "note": "wants a quote"}, by="rep-1"
    )
    assert (counted["counts"], list(counted["clocks"]), counted["status"]) == (True, ["remind"], "contacted")
    seen = {
        by: (await client.get(f"leads/{ADA}", by=by))["follow_ups"] for by in ("rep-1", "manager", "read")
    }
    assert [one["note"] for one in seen["rep-1"]] == ["", "wants a quote"]
    assert seen["manager"] == seen["rep-1"]
    assert [one["note"] for one in seen["read"]] == [None, None]


REFUSALS: list[tuple[str, Any, str, int, str]] = [
    ("follow-ups", {"way": "pigeon"}, "rep-1", 400, "routing.follow_up_fault"),
    ("follow-ups", {"way": "phone", "result": "reached"}, "rep-2", 403, "routing.not_owner"),
    ("follow-ups", {"way": "phone", "rep": "rep-1"}, "rep-2", 403, "access.forbidden"),
    ("follow-ups", {"way": "phone", "colour": "red"}, "rep-1", 422, "request.invalid"),
    ("return", {"reason": "bored"}, "rep-1", 400, "routing.reason_unknown"),
    ("transfer", {"to_rep": "rep-2"}, "rep-1", 403, "access.forbidden"),
    ("transfer", {"to_rep": "rep-99"}, "manager", 404, "routing.rep_unknown"),
    ("status", {"status": "activated"}, "rep-1", 409, "routing.status_not_allowed"),
    ("handover", {"fields": {"budget": "lots"}}, "rep-1", 400, "routing.handover_fault"),
    ("claim", {}, "read", 403, "access.forbidden"),
]


async def test_refusals_say_what_to_do(client: Client) -> None:
    for path, body, by, status, code in REFUSALS:
        refused = await client.post(f"leads/{ADA}/{path}", body, by=by, status=status)
        assert refused["code"] == code
        assert refused["detail"]


async def test_an_unknown_lead_is_unknown(client: Client) -> None:
    assert (await client.get("leads/nobody", status=404))["code"] == "routing.lead_unknown"
    refused = await client.post("leads/nobody/return", {"reason": "not_ready"}, by="rep-1", status=404)
    assert refused["code"] == "routing.lead_unknown"


async def test_managers_and_services_act_for_reps(client: Client) -> None:
    body = {"way": "mail", "result": "message_left"}
    assert (await client.post(f"leads/{ADA}/follow-ups", body, by="service"))["counts"] is True
    moved = await client.post(f"leads/{ADA}/transfer", {"to_rep": "rep-4"})
    assert (moved["owner"], "recall" in moved["clocks"]) == ("rep-4", True)
    status = await client.post(f"leads/{ADA}/status", {"status": "interested"})
    assert status["status"] == "interested"
    back = await client.post(f"leads/{ADA}/return", {"reason": "no_budget"}, by="rep-4")
    assert (back["place"], back["clocks"]) == ("marketing", {})


async def test_the_list_becomes_complete_and_tasks_and_notices_are_listed(
    small_stand: Stand, client: Client, words: Words
) -> None:
    await small_stand.learn(words.activated("ada", START + 2 * MINUTE))
    (task,) = (await client.get("tasks", by="rep-1"))["items"]
    assert (task["kind"], task["rep"], len(task["missing"])) == ("complete_handover", "rep-1", 5)
    assert (await client.get("tasks", by="rep-2"))["items"] == []
    fields = {
        "pain_point": "slow",
        "current_solution": "paper",
        "purchase_time": "long",
        "budget": "open",
        "decision_maker": "no",
    }
    done = await client.post(f"leads/{ADA}/handover", {"fields": fields}, by="rep-1")
    assert done["missing"] == []
    assert list(done["opportunities"].values()) == ["first_talk"]
    assert (await client.get("tasks"))["items"] == []
    seen = await client.get(f"leads/{ADA}", by="read")
    assert (seen["handover"], seen["handover_missing"]) == (None, [])
    assert (await client.get(f"leads/{ADA}", by="rep-1"))["handover"] == fields
    kinds = [notice["kind"] for notice in await client.get("notices", by="rep-1")]
    assert kinds == ["assigned", "activated", "opportunity"]
    assert await client.get("notices", by="rep-2") == []


async def test_what_is_about_to_expire_is_listed_soonest_first(small_stand: Stand, client: Client) -> None:
    assert (await client.get("expiring", within_hours=1))["items"] == []
    (found,) = (await client.get("expiring"))["items"]  # eight working hours: until Saturday, ten
    assert (found["lead"], found["awaits"], found["overdue"]) == (ADA, "first_response", False)
    assert (found["due"], found["expires"]) == ("2026-05-09T02:00:00Z", "2026-05-09T02:00:00Z")
    await small_stand.pass_to(local("2026-05-09 09:00"))
    assert [one["lead"] for one in (await client.get("expiring", by="rep-1", within_hours=1))["items"]] == [
        ADA
    ]
    assert (await client.get("expiring", by="rep-2", within_hours=1))["items"] == []


async def test_leave_and_capacity_are_the_managers(small_stand: Stand, client: Client, words: Words) -> None:
    leave = {"first_day": "2026-05-08", "last_day": "2026-05-10"}
    await client.post("reps/rep-2/leave", leave, by="rep-2", status=403)
    await client.post("reps/rep-2/leave", {**leave, "last_day": "2026-05-01"}, status=400)
    assert (await client.post("reps/rep-2/leave", leave))["leave"] == [leave]
    await client.post("reps/rep-3/capacity", {"capacity": 0})
    await small_stand.learn(*words.hot("eve", START + 3 * MINUTE))
    assert await small_stand.owner("eve") == "rep-4"
    rep = await client.get("reps/rep-2")
    assert (rep["away_today"], rep["name"], rep["teams"]) == (True, "Zhao Min", ["inside_sales"])
    await client.post("reps/rep-2/leave/cancel", {"first_day": "2026-05-08"})
    await client.post("reps/rep-2/leave/cancel", {"first_day": "2026-05-08"}, status=404)
    await small_stand.learn(*words.hot("fay", START + 4 * MINUTE))
    assert await small_stand.owner("fay") == "rep-2"
    await client.get("reps/rep-99", status=404)
    await client.post("reps/rep-99/capacity", {"capacity": 1}, status=404)


async def test_before_the_first_fact_the_documents_people_are_shown(small_stand: Stand) -> None:
    app = app_of("routing", small_stand.blueprint.routers, clock=small_stand.clock, statuses={})
    async with client_of(app) as opened:
        reps = await Client(opened).get("reps")
    assert [(rep["rep"], rep["capacity"]) for rep in reps][:2] == [("rep-1", 50), ("rep-2", 50)]
