"""Scoring over HTTP, through the real application: scores, why, history, models, and who may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.contracts.events.behaviour import FormSubmitted
from shared.kernel.instants import MINUTE, format_instant
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.services.surroundings.asking import app_of, client_of
from tests.unit.scoring.stories import START, day

pytestmark = pytest.mark.lasts(20)


@pytest.fixture
async def client(small_stand: Stand, deeds: Deeds) -> AsyncIterator[httpx.AsyncClient]:
    """Asks about Ada, who became hot, and of whose white paper we heard a day late; with a reader's token."""
    stand = small_stand
    await stand.start_worker()
    await stand.learn(
        deeds.is_known_as("ada", START, industry="pharma", title_level="director", size="500_plus")
    )
    await stand.learn(deeds.asked_for_demo("ada", START + MINUTE), deeds.viewed("ada", START + 2 * MINUTE))
    await stand.learn(deeds.viewed("ada", day(1), kind="article", received=day(2)))
    stand.clock.advance_to(day(3))
    app = app_of("scoring", stand.blueprint.routers, clock=stand.clock, statuses=stand.blueprint.statuses)
    async with client_of(app, by="read") as opened:
        yield opened


def about(who: str, what: str) -> str:
    return f"/scoring/v1/leads/{lead_id(who)}/{what}"


async def ask(client: httpx.AsyncClient, path: str, **parameters: str) -> dict[str, Any]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def five_step(client: httpx.AsyncClient, **parameters: str) -> tuple[float, str]:
    body = await ask(client, about("ada", "scores"), model="five_step", **parameters)
    (score,) = body["scores"]
    return score["points"], score["tier"]


async def test_scores_are_told_for_every_live_model_as_of_now(client: httpx.AsyncClient) -> None:
    body = await ask(client, about("ada", "scores"))
    assert body["lead"] == lead_id("ada")
    scores = {one["model"]: one for one in body["scores"]}
    assert {(name, one["points"], one["tier"]) for name, one in scores.items()} >= {
        ("abcd", 0, "D"),
        ("five_step", 71, "hot"),
        ("key_account", 35, "standard"),
        ("mql", 75, "B"),
    }
    assert {one["as_of"] for one in body["scores"]} == {format_instant(day(3))}
    assert scores["five_step"]["tier_since"] == format_instant(START + 2 * MINUTE)
    assert scores["five_step"]["behaviour_points"] == 36


async def test_scores_can_be_asked_for_any_instant(client: httpx.AsyncClient) -> None:
    assert await five_step(client, as_of=format_instant(START - 1)) == (0, "cold")
    assert await five_step(client, as_of=format_instant(START)) == (35, "warm")
    assert await five_step(client, as_of=format_instant(START + MINUTE)) == (55, "warm")
    assert await five_step(client, as_of=format_instant(day(1))) == (71, "hot")
    later, tier = await five_step(client, as_of=format_instant(day(100)))
    assert (35 < later < 40, tier) == (True, "warm")


async def test_scores_can_be_asked_as_they_were_known(client: httpx.AsyncClient) -> None:
    then = format_instant(day(1))
    assert await five_step(client, as_of=then, known_at=then) == (70, "hot")
    assert await five_step(client, as_of=then, known_at=format_instant(day(2))) == (71, "hot")
    assert await five_step(client, known_at=format_instant(START)) == (35, "warm")


async def test_why_lists_the_lines_that_sum_to_the_score(client: httpx.AsyncClient) -> None:
    whole = await ask(client, about("ada", "why"))
    assert {score["model"] for score in whole["scores"]} >= {"abcd", "five_step", "mql"}
    body = await ask(client, about("ada", "why"), model="five_step")
    assert (body["model"], body["points"], body["tier"]) == ("five_step", 71, "hot")
    for score in whole["scores"]:
        assert sum(line["points"] for line in score["lines"]) == score["points"]
    first = body["lines"][0]
    assert (first["rule"], first["points"], first["granted_at"]) == (
        "demo_requested",
        20,
        format_instant(START + MINUTE),
    )
    assert first["decay"] == "full for 168 h, then halves every 30 days"
    assert first["decay_law"] == "half_life"
    assert [line["rule"] for line in body["lines"] if line["decay"] is None] == [
        "director_or_above",
        "size_in_target",
        "target_industry",
    ]
    cooled = await ask(client, about("ada", "why"), model="five_step", as_of=format_instant(day(40)))
    assert sum(round(line["points"] * 1000) for line in cooled["lines"]) == round(cooled["points"] * 1000)


async def test_scores_tell_how_a_lead_stands_with_activation(
    client: httpx.AsyncClient, small_stand: Stand, deeds: Deeds
) -> None:
    for what in ("scores", "why"):
        body = await ask(client, about("ada", what))
        standing = {score["model"]: score["activation"] for score in body["scores"]}
        assert [name for name, activation in standing.items() if activation is not None] == ["mql"]
        mql = standing["mql"]
        assert {name: value for name, value in mql.items() if name != "acts"} == {
            "activated_at": None,
            "points": None,
            "event": None,
            "cycle": 1,
            "points_needed": 80,
            "acts_needed": 2,
            "within_hours": 168,
        }
        assert [(act["kind"], act["object"], act["at"]) for act in mql["acts"]] == [
            ("demo_or_trial_requested", "", format_instant(START + MINUTE)),
            ("price_page_visited", "/x", format_instant(START + 2 * MINUTE)),
        ]
    wanting = deeds.did("ada", FormSubmitted, day(2), form="f", start_within_months=1)
    await small_stand.learn(wanting)
    (score,) = (await ask(client, about("ada", "why"), model="mql"))["scores"]
    activation = score["activation"]
    assert (activation["activated_at"], activation["points"], activation["event"]) == (
        format_instant(day(2)),
        95,
        wanting.id,
    )
    (before,) = (await ask(client, about("ada", "scores"), model="mql", as_of=format_instant(day(2) - 1)))[
        "scores"
    ]
    assert before["activation"]["activated_at"] is None
    (told,) = (await ask(client, about("ada", "history"), model="mql"))["activations"]
    assert (told["cycle"], told["points"], told["at"]) == (1, 95, format_instant(day(2)))
    assert told["acts"] == [act["event"] for act in activation["acts"]]


async def test_history_tells_what_was_so_and_what_was_told(client: httpx.AsyncClient) -> None:
    body = await ask(client, about("ada", "history"), model="five_step")
    assert [(one["from_tier"], one["to_tier"], one["at"]) for one in body["tiers"]["five_step"]] == [
        ("cold", "warm", format_instant(START)),
        ("warm", "hot", format_instant(START + 2 * MINUTE)),
    ]
    assert [one["to_tier"] for one in body["told"] if one["model"] == "five_step"] == ["warm", "hot"]
    ahead = await ask(client, about("ada", "history"), model="five_step", as_of=format_instant(day(400)))
    assert [one["to_tier"] for one in ahead["tiers"]["five_step"]] == ["warm", "hot", "warm"]
    assert ahead["tiers"]["five_step"][-1]["event"] is None


async def test_live_models_are_listed_with_their_tiers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/scoring/v1/models")
    tiers = {one["model"]: one["tiers"] for one in answer.json()}
    assert tiers["abcd"] == ["A", "B", "C", "D"]
    assert tiers["five_step"] == ["hot", "warm", "cold"]
    assert tiers["key_account"] == ["key_account", "priority", "standard"]
    assert tiers["mql"] == ["A", "B", "C", "D"]


async def test_bant_is_told_with_its_signs_in_both_languages_c16(client: httpx.AsyncClient) -> None:
    body = await ask(client, about("ada", "bant"))
    assert (body["lead"], body["document"], body["version"]) == (lead_id("ada"), "bant", 1)
    assert (body["as_of"], body["met"], body["known"]) == (format_instant(day(3)), 2, 2)
    states = {part["part"]: part["state"] for part in body["parts"]}
    assert states == {"budget": "unknown", "authority": "met", "need": "met", "timeline": "unknown"}
    need = body["parts"][2]
    assert need["words"] == {
        "en": "Need: met (Demo or trial requested in the last 180 days;"
        " Solution or price page visited in the last 90 days)",
        "zh": "需求：已满足（180 天内申请过演示或试用；90 天内访问过方案页或报价页）",
    }
    assert [(sign["sign"], sign["says"], sign["since"]) for sign in need["signs"]] == [
        ("demo_or_trial_requested", "met", format_instant(START + MINUTE)),
        ("solution_looked_at", "known", format_instant(START + 2 * MINUTE)),
    ]
    later = await ask(client, about("ada", "bant"), as_of=format_instant(day(200)))
    assert (later["met"], later["known"]) == (1, 1)
    before = await ask(client, about("ada", "bant"), known_at=format_instant(START))
    assert [part["state"] for part in before["parts"]] == ["unknown", "met", "unknown", "unknown"]


async def test_what_it_would_take_is_told_in_plans_and_words(client: httpx.AsyncClient) -> None:
    body = await ask(client, about("ada", "what-would-it-take"), model="mql")
    assert (body["lead"], body["model"], body["tier"], body["points"]) == (lead_id("ada"), "mql", "B", 75)
    assert body["goal"] == {
        "tier": "A",
        "activation": False,
        "points_needed": 80,
        "words": {"en": "A (MQL)", "zh": "A级"},
    }
    (brochure,) = (plan for plan in body["plans"] if plan["steps"][0]["fields"].get("kind") == "brochure")
    assert (brochure["points"], brochure["tier"], brochure["activated"]) == (85, "A", True)
    (step,) = brochure["steps"]
    assert (step["act"], step["another"], step["not_before"]) == ("document_downloaded", "document", None)
    assert step["others"] == [{"kind": "white_paper"}]
    assert brochure["words"] == {
        "en": "download a document (kind brochure or white_paper) (Brochure or white paper downloaded: +10):"
        f" then 85 points, A (MQL) (ready for sales), until {brochure['until'][:10]}"
        f" {brochure['until'][11:16]} UTC if nothing else happens",
        "zh": "下载资料（类型为 brochure 或 white_paper）（下载产品手册或白皮书：+10 分）："
        f"届时 85 分，A级（可交给销售），若无新动作，保持至 {brochure['until'][:10]}"
        f" {brochure['until'][11:16]} UTC",
    }
    reached = await ask(client, about("ada", "what-would-it-take"), model="five_step")
    assert (reached["reached"], reached["plans"], reached["goal"]["tier"]) == (True, [], "hot")
    ready = await ask(
        client, about("ada", "what-would-it-take"), model="mql", goal="activation", known="keep"
    )
    assert ready["goal"]["words"] == {"en": "ready for sales", "zh": "可交给销售"}
    assert not any(step["replaces"] for plan in ready["plans"] for step in plan["steps"])


async def test_what_it_would_take_is_refused_in_words(client: httpx.AsyncClient) -> None:
    for who, query, status, code in (
        ("nobody", "?model=mql", 404, "scoring.lead_unknown"),
        ("ada", "?model=sixth_sense", 404, "scoring.model_unknown"),
        ("ada", "?model=mql&tier=Z", 404, "scoring.tier_unknown"),
        ("ada", "?model=five_step&goal=activation", 404, "scoring.no_gate"),
        ("ada", "", 422, "request.invalid"),
        ("ada", "?model=mql&as_of=yesterday", 400, "http.instant_malformed"),
    ):
        answer = await client.get(about(who, "what-would-it-take" + query))
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    stranger = {"authorization": "Bearer stranger"}
    answer = await client.get(about("ada", "what-would-it-take?model=mql"), headers=stranger)
    assert (answer.status_code, answer.json()["code"]) == (401, "access.unauthenticated")


async def test_why_says_every_line_in_both_languages(client: httpx.AsyncClient) -> None:
    body = await ask(client, about("ada", "why"), model="five_step", as_of=format_instant(day(40)))
    assert body["words"]["en"].startswith(f"{body['points']:g} points, tier Warm (MQL) since ")
    assert body["words"]["zh"].startswith(f"{body['points']:g} 分，等级 温线索（自 ")
    words = {line["rule"]: line["words"] for line in body["lines"]}
    assert words["target_industry"] == {
        "en": "Target industry: +10, since 2026-03-02 09:00 UTC (for as long as it is so)",
        "zh": "目标行业：+10 分，自 2026-03-02 09:00 UTC 起（符合条件期间有效）",
    }
    demo = next(line for line in body["lines"] if line["rule"] == "demo_requested")
    assert demo["words"] == {
        "en": f"Demo requested: +{demo['points']:g}, since 2026-03-02 09:01 UTC"
        " (counts once, for the newest; in full for 7 days, then halves every 30 days;"
        f" +20 when new, cooled to +{demo['points']:g})",
        "zh": f"请求演示：+{demo['points']:g} 分，自 2026-03-02 09:01 UTC 起"
        "（只计一次，以最近一次为准；前 7 天全额计入，之后每 30 天减半；"
        f"初始 +20 分，已冷却至 +{demo['points']:g} 分）",
    }


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (about("nobody", "scores"), 404, "scoring.lead_unknown"),
        (about("nobody", "bant"), 404, "scoring.lead_unknown"),
        (about("ada", "bant?as_of=yesterday"), 400, "http.instant_malformed"),
        (about("nobody", "why"), 404, "scoring.lead_unknown"),
        (about("nobody", "history"), 404, "scoring.lead_unknown"),
        (about("ada", "scores?model=sixth_sense"), 404, "scoring.model_unknown"),
        (about("ada", "why?as_of=yesterday"), 400, "http.instant_malformed"),
        (about("ada", "why?as_of=9999-12-31T23:59:59-12:00"), 400, "http.instant_malformed"),
        (about("ada", "why?known_at=0001-01-01T00:00:00%2B12:00"), 400, "http.instant_malformed"),
        ("/scoring/v1/leads/%00/why", 404, "scoring.lead_unknown"),
        ("/scoring/v1/nothing", 404, "http.not_found"),
        ("/scoring/v1/tier-changes/stream?begin=sometime", 422, "request.invalid"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem_with_a_code(
    client: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("what", ["scores", "why", "history", "bant"])
async def test_nobody_asks_without_a_token_that_works(client: httpx.AsyncClient, what: str) -> None:
    for headers in ({"authorization": ""}, {"authorization": "Bearer stranger"}):
        answer = await client.get(about("ada", what), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "access.unauthenticated")


async def test_the_stream_is_not_for_a_rep(client: httpx.AsyncClient) -> None:
    headers = {"authorization": "Bearer rep"}
    assert (await client.get(about("ada", "scores"), headers=headers)).status_code == 200
    answer = await client.get("/scoring/v1/tier-changes/stream", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")


async def test_a_lead_is_found_where_it_lives_now_also_while_it_moves(
    client: httpx.AsyncClient, small_stand: Stand, deeds: Deeds
) -> None:
    await small_stand.learn(deeds.moved("ada", "boss", day(3), version=1))
    body = await ask(client, about("ada", "scores"), model="five_step")
    assert (body["lead"], body["scores"][0]["points"]) == (lead_id("boss"), 71)

    await small_stand.execute("DELETE FROM lead WHERE key = $1", lead_id("boss"))
    await small_stand.execute("DELETE FROM fact WHERE lead = $1", lead_id("boss"))
    body = await ask(client, about("ada", "scores"), model="five_step")
    assert (body["lead"], body["scores"][0]["points"]) == (lead_id("boss"), 0)
