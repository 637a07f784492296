"""Analytics over HTTP, through the real application: reports, CSV, the story, and who may ask."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.kernel.instants import HOUR, format_instant
from tests.services.analytics.stand import Stand
from tests.services.surroundings.asking import app_of, client_of
from tests.unit.analytics import telling
from tests.unit.analytics.telling import START, day, told

pytestmark = pytest.mark.lasts(15)

VISIT = told(telling.visited("ada", "paid_search", "spring"), START)
CLICK = told(telling.clicked("ada", "m-1"), day(10))
WIN = told(telling.won("ada", "OP-1", 30_000), day(20), received=day(25))


@pytest.fixture
async def client(small_stand: Stand) -> AsyncIterator[httpx.AsyncClient]:
    """Asks after Ada's deal, a stranger's, a lead at a fair, one that is invalid, and spells of two reps."""
    stand = small_stand
    await stand.start_worker()
    await stand.take_in(
        told(telling.captured("ada", source="web", channel="paid_search", campaign="spring"), START),
        VISIT,
        told(telling.reached("ada", "mql", "A", day(9)), day(9)),
        told(telling.mailed("ada", "m-1", "b_leads"), day(9)),
        CLICK,
        WIN,
        told(telling.captured("bob", source="fair"), day(1)),
        told(telling.attended("bob", "spring-fair"), day(1)),
        told(telling.captured("eve", source="web"), day(2)),
        told(telling.status_changed("eve", "invalid"), day(3)),
        told(telling.won("dora", "OP-2", 700, "USD"), day(4)),
        told(telling.won("stranger", "OP-3", 500), day(4)),
        told(telling.cost("spring", 10_000, channel="paid_search"), day(1)),
        told(telling.cost("spring", 99_999, day="2026-03-03", channel="paid_search"), day(1)),
        told(telling.cost("spring", 2_000, day="2026-03-03", channel="paid_search"), day(2)),
        told(telling.cost("poster", 4_000, kind="content"), day(1)),
        told(telling.cost("spring", 77, channel="paid_search", day="2026-03-04", currency="USD"), day(1)),
    )
    await stand.take_in(
        told(telling.assigned("ada", "rep-1", "s-1", day(10)), day(9)),
        told(telling.contacted("ada", "rep-1", "s-1"), day(9) + 2 * HOUR),
        told(telling.contacted("ada", "rep-1", "s-1", first=False), day(11)),
        told(telling.assigned("bob", "rep-1", "s-2", day(3)), day(2)),
        told(telling.recalled("bob", "rep-1", "s-2", day(3)), day(3)),
        told(telling.assigned("eve", "rep-2", "s-3", day(3)), day(2)),
        told(telling.contacted("eve", "rep-2", "s-3", in_time=False), day(4)),
        told(telling.assigned("dora", "rep-2", "s-4", day(6)), day(5)),
    )
    app = app_of("analytics", stand.blueprint.routers, clock=stand.clock, statuses=stand.blueprint.statuses)
    async with client_of(app, by="read") as opened:
        opened.base_url = httpx.URL("http://test/analytics/v1")
        yield opened


async def ask(client: httpx.AsyncClient, path: str, **parameters: str) -> dict[str, Any]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def amounts(client: httpx.AsyncClient, **parameters: str) -> dict[str | None, int]:
    body = await ask(client, "/attribution", **parameters)
    return {row[body["by"]]: row["minor"] for row in body["rows"]}


async def test_a1_an_outcome_is_credited_to_campaigns_and_the_unattributed_is_a_row(
    client: httpx.AsyncClient,
) -> None:
    assert await amounts(client, model="u") == {"b_leads": 15_000, "spring": 15_000, None: 500}
    assert await amounts(client, model="first") == {"spring": 30_000, None: 500}
    assert await amounts(client, model="last") == {"b_leads": 30_000, None: 500}
    assert await amounts(client, model="linear", by="channel") == {
        "nurture_mail": 15_000,
        "paid_search": 15_000,
        None: 500,
    }
    body = await ask(client, "/attribution", model="u")
    assert (body["currency"], body["total"], body["other_currencies"]) == ("CNY", "305.00", {"USD": "7.00"})
    assert [row["unattributed"] for row in body["rows"]] == [False, False, True]


async def test_currencies_are_never_added(client: httpx.AsyncClient) -> None:
    assert await amounts(client, model="u", currency="USD") == {None: 700}
    assert await amounts(client, model="u", currency="EUR") == {}


async def test_attribution_is_told_as_of_an_instant_and_as_it_was_known(client: httpx.AsyncClient) -> None:
    assert await amounts(client, model="u", as_of=format_instant(day(19))) == {None: 500}
    assert await amounts(client, model="u", known_at=format_instant(day(24))) == {None: 500}
    everything = await amounts(client, model="u", known_at=format_instant(day(25)))
    assert everything == await amounts(client, model="u")


async def test_a2_roi_stands_per_campaign_under_each_model(client: httpx.AsyncClient) -> None:
    body = await ask(client, "/roi", model="u")
    rows = {row["campaign"]: (row["contribution"], row["cost"], row["roi"]) for row in body["rows"]}
    assert rows == {
        "b_leads": ("150.00", None, None),
        "poster": ("0.00", "40.00", -1.0),
        "spring": ("150.00", "120.00", 0.25),
        None: ("5.00", None, None),
    }
    assert {row["campaign"]: row["note"] for row in body["rows"]}["b_leads"] == "no cost to compare with"
    first = await ask(client, "/roi", model="first", by="channel")
    assert {row["channel"]: row["roi"] for row in first["rows"]}["paid_search"] == 1.5


async def test_a3_the_funnel_goes_from_leads_to_won_amounts_by_source(client: httpx.AsyncClient) -> None:
    body = await ask(client, "/funnel")
    columns = ("leads", "mqls", "sqls", "opportunities", "customers", "won")
    assert {row["source"]: tuple(row[name] for name in columns) for row in body["rows"]} == {
        "fair": (1, 0, 0, 0, 0, "0.00"),
        "web": (2, 1, 1, 1, 1, "300.00"),
        None: (2, 0, 2, 2, 2, "5.00"),
    }
    assert body["rows"][-1]["won_in_other_currencies"] == "USD 7.00"
    known = await ask(client, "/funnel", known_at=format_instant(day(24)))
    assert {row["source"]: row["customers"] for row in known["rows"]} == {"fair": 0, "web": 0, None: 2}


async def test_a4_a_campaign_stands_against_its_cost(client: httpx.AsyncClient) -> None:
    rows = {row["campaign"]: row for row in (await ask(client, "/funnel", by="campaign"))["rows"]}
    spring, poster = rows["spring"], rows["poster"]
    assert (spring["leads"], spring["mqls"], spring["opportunities"], spring["won"]) == (1, 1, 1, "300.00")
    assert [spring[f"cost_per_{what}"] for what in ("lead", "mql", "opportunity", "customer")] == [
        "120.00"
    ] * 4
    assert (poster["leads"], poster["cost"], poster["cost_per_lead"]) == (0, "40.00", None)
    assert rows["spring-fair"]["leads"] == 1


async def test_a5_reps_are_told_by_what_they_were_given_and_how_soon_they_answered(
    client: httpx.AsyncClient,
) -> None:
    body = await ask(client, "/reps")
    assert (body["kept"], body["missed"]) == (1, 2)
    columns = ("received", "kept", "contacted_late", "recalled", "waiting", "median_response_seconds")
    assert {row["rep"]: tuple(row[name] for name in columns) for row in body["rows"]} == {
        "rep-1": (2, 1, 0, 1, 0, 7_200.0),
        "rep-2": (2, 0, 1, 0, 1, 172_800.0),
    }


async def test_a9_the_conversion_rate_is_told_with_and_without_invalid_leads(
    client: httpx.AsyncClient,
) -> None:
    body = await ask(client, "/conversion-rate")
    assert (body["all"]["leads"], body["all"]["customers"], body["all"]["percent"]) == (5, 3, 60.0)
    assert (body["without_invalid"]["leads"], body["without_invalid"]["percent"]) == (4, 75.0)
    assert body["all"]["industry"] == {"low": 2, "high": 5}
    assert body["all"]["verdict"] == "above"


@pytest.mark.parametrize("by", ["source", "channel", "campaign"])
async def test_a9_the_funnel_is_told_without_invalid_leads_too(client: httpx.AsyncClient, by: str) -> None:
    for more in ({}, {"known_at": format_instant(day(60))}):
        counts = {
            with_invalid: sum(
                row["leads"]
                for row in (await ask(client, "/funnel", by=by, with_invalid=with_invalid, **more))["rows"]
            )
            for with_invalid in ("true", "false")
        }
        assert counts == {"true": 5, "false": 4}


@pytest.mark.parametrize("path", ["/attribution", "/roi", "/funnel", "/reps", "/conversion-rate"])
async def test_every_report_is_a_table_for_spreadsheets_too(client: httpx.AsyncClient, path: str) -> None:
    by_format = await client.get(path, params={"format": "csv"})
    by_accept = await client.get(path, headers={"accept": "text/csv"})
    assert by_format.text == by_accept.text
    assert by_format.headers["content-type"] == "text/csv; charset=utf-8"
    assert by_format.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(by_format.text)))
    body = await ask(client, path)
    assert len(rows) == len(body.get("rows", body))


async def test_the_story_is_told_in_order_of_time_with_causes_and_ends_in_credits(
    client: httpx.AsyncClient,
) -> None:
    body = await ask(client, "/leads/ada/story")
    kinds = [event["kind"] for event in body["events"]]
    assert kinds[:5] == ["lead_captured", "page_viewed", "tier_changed", "lead_assigned", "message_sent"]
    assert kinds[-7:] == ["opportunity_won", *["credit"] * 6]
    assert [event["at"] for event in body["events"]] == sorted(event["at"] for event in body["events"])
    won = next(event for event in body["events"] if event["kind"] == "opportunity_won")
    assert won["cause"] == f"cause-of-{WIN.id}"
    shares = [event for event in body["events"] if event["kind"] == "credit" and event["model"] == "u"]
    assert {(one["touch"], one["minor"], one["cause"]) for one in shares} == {
        (VISIT_IN_STORY, 15_000, WIN.id),
        (CLICK.id, 15_000, WIN.id),
    }


VISIT_IN_STORY = min(
    VISIT.id,
    told(telling.captured("ada", source="web", channel="paid_search", campaign="spring"), START).id,
)
"""The form and the visit of one instant are one touch: the one whose id is the smaller."""


async def test_a_merged_lead_tells_one_story_under_either_name(
    client: httpx.AsyncClient, small_stand: Stand
) -> None:
    await small_stand.take_in(told(telling.moved("bob", "ada", 1), day(30)))
    body = await ask(client, "/leads/bob/story")
    assert body == await ask(client, "/leads/ada/story")
    assert body["lead"] == "ada"
    assert {event["profile"] for event in body["events"] if event["kind"] != "credit"} == {"ada", "bob"}
    story = await small_stand.blueprint.tell("ada")
    assert {line.kind for line in story} == {"touch", "credit"}
    assert any(
        line.kind == "credit" and "u: CNY 120.00 of OP-1 to paid_search/spring" in line.text for line in story
    )


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/attribution?model=w", 404, "analytics.model_unknown"),
        ("/leads/nobody/story", 404, "analytics.lead_unknown"),
        ("/leads/no%00body/story", 404, "analytics.lead_unknown"),
        ("/attribution?as_of=yesterday", 400, "http.instant_malformed"),
        ("/attribution?by=colour", 422, "request.invalid"),
        ("/attribution?currency=yuan", 422, "request.invalid"),
        ("/roi?by=source", 422, "request.invalid"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_its_code(
    client: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_only_those_who_may_see_reports_may_ask(client: httpx.AsyncClient) -> None:
    for path in (
        "/attribution",
        "/roi",
        "/funnel",
        "/reps",
        "/conversion-rate",
        "/models",
        "/leads/ada/story",
    ):
        for role, status in (
            ("rep", 403),
            ("service", 403),
            ("marketer", 200),
            ("manager", 200),
            ("admin", 200),
            ("nobody", 401),
        ):
            answer = await client.get(path, headers={"authorization": f"Bearer {role}"})
            assert answer.status_code == status, (path, role)
