"""Companies over HTTP: scores, why, history, and where to find their ids; and what the audit finds."""

from __future__ import annotations

from services.scoring.bootstrap import load_company_models
from services.scoring.queries.companies.checking import check_companies
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, MINUTE, format_instant
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.services.surroundings.asking import app_of, client_of
from tests.unit.scoring.stories import CONFIG, START, day

FIRM = deterministic_id("a firm of scoring's tests")


async def test_a_company_is_explained_over_http_and_spoilt_rows_are_named(
    small_stand: Stand, deeds: Deeds
) -> None:
    stand = small_stand
    await stand.start_worker()
    won = deeds.won("ada", START + MINUTE, 600_000)
    await stand.learn(deeds.works_at("ada", FIRM, START, title_level="vp"), won)
    stand.clock.advance_to(day(1))
    app = app_of("scoring", stand.blueprint.routers, clock=stand.clock, statuses=stand.blueprint.statuses)
    async with client_of(app, by="read") as client:
        of = (await client.get(f"/scoring/v1/leads/{lead_id('ada')}/companies")).json()
        assert of["companies"] == [FIRM]
        why = (await client.get(f"/scoring/v1/companies/{FIRM}/why")).json()
        assert why["leads"] == [lead_id("ada")]
        grade, value = why["scores"]
        assert (grade["model"], grade["points"], grade["tier"]) == ("customer_grade", 60, "B")
        assert sum(line["points"] for line in grade["lines"]) == 60
        assert (value["tier"], value["tier_since"]) == ("A", format_instant(START + MINUTE))
        (line,) = value["lines"]
        assert (line["event"], line["events"]) == (won.id, [won.id])
        assert line["until"] == format_instant(START + MINUTE + 365 * DAY)
        assert line["label"]["zh"] == "近 12 个月成交额 50 万以上"
        before = await client.get(
            f"/scoring/v1/companies/{FIRM}/scores",
            params={"as_of": format_instant(START), "model": "customer_value"},
        )
        assert [(one["tier"], one["lines"]) for one in before.json()["scores"]] == [("D", None)]
        history = (await client.get(f"/scoring/v1/companies/{FIRM}/history")).json()
        assert [one["to_tier"] for one in history["tiers"]["customer_value"]] == ["A"]
        assert {(one["model"], one["to_tier"]) for one in history["told"]} == {
            ("customer_grade", "B"),
            ("customer_value", "A"),
        }
        nobody = await client.get("/scoring/v1/companies/nobody/why")
        assert (nobody.status_code, nobody.json()["code"]) == (404, "scoring.company_unknown")
        other = await client.get(f"/scoring/v1/companies/{FIRM}/why", params={"model": "mql"})
        assert other.json()["code"] == "scoring.model_unknown"

    assert stand.blueprint.tell is not None
    story = [(line.kind, line.text) for line in await stand.blueprint.tell(lead_id("ada"))]
    assert ("company's tier up", f"{FIRM}, customer_value: D → A at 100") in story
    assert await stand.breaches() == []
    await stand.execute("DELETE FROM company_fact WHERE id = $1", won.id)
    models = load_company_models(CONFIG.parent)
    found = [
        one
        for finding in await check_companies(stand.database, models, full=True)
        for one in finding.breaches
    ]
    assert len(found) == 2
    assert all(FIRM in one for one in found)
    assert f"was not told of fact {won.id}" in found[1]
