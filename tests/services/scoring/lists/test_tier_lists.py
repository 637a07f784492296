"""Leads by tier: who stands where, in pages that stay in order while leads come and go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from services.scoring.domain.scored_lead import ScoredLead
from services.scoring.domain.tier_lists.place import Order, Range
from services.scoring.jobs.listing import Listing
from services.scoring.store.tier_lists.table import page_query
from shared.contracts.events.behaviour import DocumentDownloaded
from shared.kernel.instants import MINUTE, format_instant
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.services.surroundings.asking import app_of, client_of
from tests.unit.scoring.stories import START, day

pytestmark = pytest.mark.lasts(10)

WARM = "models/five_step/tiers/warm/leads"


def somebody(stand: Stand, role: str = "read") -> httpx.AsyncClient:
    """Who asks, through the real application."""
    blueprint = stand.blueprint
    return client_of(
        app_of("scoring", blueprint.routers, clock=stand.clock, statuses=blueprint.statuses), by=role
    )


async def look(stand: Stand) -> None:
    """Let the job look at everybody who is due, each portion by a process of its own."""
    while await Listing(stand.database, stand.rulings, portion=2).step():
        pass


async def ask(client: httpx.AsyncClient, path: str = WARM, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(f"/scoring/v1/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def names(client: httpx.AsyncClient, who: Sequence[str], path: str = WARM, **asked: Any) -> list[str]:
    """Who is on the first page, by the names of this test."""
    by_id = {lead_id(name): name for name in who}
    return [by_id[item["lead"]] for item in (await ask(client, path, **asked))["items"]]


async def test_leads_stand_in_the_list_of_their_tier_until_they_leave_it_merge_or_are_forgotten(
    small_stand: Stand, deeds: Deeds
) -> None:
    who = ["ada", "ben", "cy"]
    await small_stand.start_worker()
    facts = {"industry": "pharma", "title_level": "director"}
    await small_stand.learn(
        deeds.is_known_as("ada", START, **facts, size="500_plus"),
        deeds.is_known_as("ben", START + MINUTE, **facts),
        deeds.asked_for_demo("ben", START + 2 * MINUTE),
        deeds.is_known_as("cy", START, **facts),
        deeds.viewed("cy", START + 3 * MINUTE),
    )
    await look(small_stand)
    async with somebody(small_stand) as client:
        body = await ask(client)
        assert (body["words"], body["next"]) == ({"en": "Warm (MQL)", "zh": "温线索"}, None)
        assert [(item["lead"], item["points"]) for item in body["items"]] == [
            (lead_id("ben"), 45),
            (lead_id("cy"), 40),
            (lead_id("ada"), 35),
        ]
        first = body["items"][0]
        assert (first["version"], first["owner"], first["tier_since"]) == (
            1,
            None,
            format_instant(START + 2 * MINUTE),
        )
        assert await names(client, who, order="newest") == ["cy", "ben", "ada"]
        assert await names(client, who, order="oldest") == ["ada", "ben", "cy"]
        assert await names(client, who, points_from=40) == ["ben", "cy"]
        assert await names(client, who, points_to=40, since_from=format_instant(START + 1)) == ["cy"]
        assert await names(client, who, since_to=format_instant(START)) == ["ada"]
        hot, cold = (f"models/five_step/tiers/{tier}/leads" for tier in ("hot", "cold"))
        assert await names(client, who, hot) == []

        paper = deeds.did("ben", DocumentDownloaded, START + 5 * MINUTE, kind="white_paper", document="d")
        await small_stand.learn(deeds.viewed("ben", START + 4 * MINUTE), paper)
        await look(small_stand)
        assert (await names(client, who, hot), await names(client, who)) == (["ben"], ["cy", "ada"])

        await small_stand.pass_to(day(30))
        await look(small_stand)
        cooled = (await ask(client))["items"]
        assert [(one["lead"], one["points"]) for one in cooled] == [
            (lead_id("ben"), 55),
            (lead_id("cy"), 40),
            (lead_id("ada"), 35),
        ]
        assert [round(one["points_now"]) for one in cooled] == [51, 34, 35], "as they have cooled since"

        await small_stand.learn(deeds.moved("cy", "ada", day(30), version=1), deeds.forgotten("ben", day(30)))
        await look(small_stand)
        left = [name for path in (hot, WARM, cold) for name in await names(client, who, path)]
        assert left == ["ada"], "who was merged away or forgotten stands nowhere"
    assert await small_stand.breaches() == []
    await small_stand.execute(
        "UPDATE tier_list SET tier = 'hot', since = 0, points = 61000 WHERE model = 'five_step'"
    )
    missing, wrong = await small_stand.breaches()
    assert missing.startswith(f"lead {lead_id('ada')}: is not listed in warm of five_step 1 at 43817 since ")
    assert (
        wrong == f"lead {lead_id('ada')}: is listed in hot of five_step 1 at 61000 since 0, and is not there"
    )


async def test_a_lead_that_models_fail_on_stays_out_of_the_lists_alone(
    small_stand: Stand, deeds: Deeds
) -> None:
    await small_stand.start_worker()
    await small_stand.learn(*(deeds.is_known_as(who, START, industry="pharma") for who in ("ada", "ben")))
    payload = await small_stand.value("SELECT payload FROM lead WHERE key = $1", lead_id("ada"))
    kept = msgspec.msgpack.decode(payload, type=ScoredLead)
    assert kept.score is not None
    models = {name: msgspec.structs.replace(held, slots=()) for name, held in kept.score.models.items()}
    broken = msgspec.structs.replace(kept, score=msgspec.structs.replace(kept.score, models=models))
    await small_stand.execute(
        "UPDATE lead SET payload = $2 WHERE key = $1", lead_id("ada"), msgspec.msgpack.encode(broken)
    )
    await look(small_stand)
    listed = await small_stand.rows("SELECT DISTINCT lead FROM tier_list")
    assert [row["lead"] for row in listed] == [lead_id("ben")]


async def test_pages_show_everybody_who_stays_once_while_others_come_go_and_move(small_stand: Stand) -> None:
    await fill(small_stand, 40)
    async with somebody(small_stand) as client:
        for order in ("points", "newest", "oldest"):
            seen: list[str] = []
            cursor: dict[str, str] = {}
            while True:
                page = await ask(client, order=order, limit=7, **cursor)
                seen += [item["lead"] for item in page["items"]]
                if page["next"] is None:
                    break
                cursor = {"cursor": page["next"]}
                await disturb(small_stand, len(seen))
            stayed = [lead for lead in seen if lead.startswith("stays")]
            assert len(stayed) == len(set(stayed)) == 20
            key = "points" if order == "points" else "since"
            direction = "ASC" if order == "oldest" else "DESC"
            rows = await small_stand.rows(
                f"SELECT lead FROM tier_list WHERE lead LIKE 'stays%' AND tier = 'warm'"
                f" ORDER BY {key} {direction}, lead {direction}"
            )
            assert stayed == [row["lead"] for row in rows]


async def fill(stand: Stand, count: int) -> None:
    """Leads of one tier, half of whom stay as they are; many share their points."""
    await stand.execute(
        "INSERT INTO tier_list (lead, model, version, tier, since, points, at)"
        " SELECT CASE WHEN n % 2 = 0 THEN 'stays' ELSE 'moves' END || n, 'five_step', 1, 'warm', n / 3,"
        " 31000 + (n * 7919 % 30) / 5, 0 FROM generate_series(0, $1::int - 1) AS n",
        count,
    )


async def disturb(stand: Stand, number: int) -> None:
    """Somebody comes, somebody moves, somebody goes."""
    await stand.execute(
        "INSERT INTO tier_list VALUES ($1, 'five_step', 1, 'warm', $2, $3, 0) ON CONFLICT DO NOTHING",
        f"comes{number}",
        number,
        31_000 + number % 6,
    )
    await stand.execute(
        "UPDATE tier_list SET points = 31000 + (points + 1) % 6, since = (since + 5) % 14"
        " WHERE lead LIKE 'moves%'"
    )
    await stand.execute("DELETE FROM tier_list WHERE lead = $1", f"moves{number}")


async def test_a_page_is_read_off_an_index_and_leads_from_before_there_were_lists_come_into_them(
    small_stand: Stand, deeds: Deeds
) -> None:
    await small_stand.start_worker()
    await small_stand.learn(
        *(deeds.is_known_as(name, START, industry="pharma") for name in ("ada", "ben", "cy"))
    )
    await small_stand.execute("DELETE FROM tier_list_due")
    await look(small_stand)
    listed = await small_stand.rows("SELECT lead, model FROM tier_list WHERE model = 'five_step'")
    assert {row["lead"] for row in listed} == {lead_id(name) for name in ("ada", "ben", "cy")}
    assert not await Listing(small_stand.database, small_stand.rulings).step(), "and once only"

    await fill(small_stand, 5_000)
    await small_stand.execute("ANALYZE tier_list")
    orders: tuple[Order, ...] = ("points", "newest", "oldest")
    for order in orders:
        for after in (None, (31_003, "stays50")):
            query, given = page_query(
                model="five_step", tier="warm", order=order, within=Range(31_001, None), after=after, limit=51
            )
            plan = "\n".join(row[0] for row in await small_stand.rows(f"EXPLAIN {query}", *given))
            assert "Index Scan" in plan, plan
            assert "Sort" not in plan, plan


async def test_what_cannot_be_listed_is_refused_with_a_code(small_stand: Stand) -> None:
    await fill(small_stand, 4)
    async with somebody(small_stand, "manager") as client:
        page = await ask(client, limit=2)
        for path, status, code in (
            ("models/sixth_sense/tiers/A/leads", 404, "scoring.model_unknown"),
            ("models/five_step/tiers/A/leads", 404, "scoring.tier_unknown"),
            (f"{WARM}?cursor=x", 400, "page.cursor"),
            (f"{WARM}?order=newest&cursor={page['next']}", 400, "page.cursor"),
            (f"{WARM}?order=loudest", 422, "request.invalid"),
            (f"{WARM}?since_from=yesterday", 400, "http.instant_malformed"),
        ):
            answer = await client.get(f"/scoring/v1/{path}")
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    for role, status, code in (("rep", 403, "access.forbidden"), ("", 401, "access.unauthenticated")):
        async with somebody(small_stand, role) as client:
            answer = await client.get(f"/scoring/v1/{WARM}")
            assert (answer.status_code, answer.json()["code"]) == (status, code)
