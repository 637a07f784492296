"""Spellings that people add: they hold from now on and for what was said before, exactly once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from services.ingest.bootstrap import build_choice_desk
from services.ingest.jobs.respelling import Respelling
from services.ingest.store.respelling import anew
from shared.contracts.topics import LEADS
from tests.services.ingest.running import RunningIngest

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

MARKETER = {"authorization": "Bearer marketer"}


async def lead(ingest: RunningIngest, number: int, **said: Any) -> None:
    await ingest.post("/v1/leads", {"external_id": str(number), "email": f"p{number}@example.com", **said})


async def add(ingest: RunningIngest, spelling: str, value: str, *, key: str = "") -> httpx.Response:
    headers = MARKETER | ({"idempotency-key": key} if key else {})
    body = {"spelling": spelling, "value": value}
    return await ingest.client.post("/v1/choices/industry/spellings", json=body, headers=headers)


async def industry_of(ingest: RunningIngest, number: int) -> Any:
    (found,) = await ingest.find(email=f"p{number}@example.com")
    return found["attributes"].get("industry")


async def unmatched(ingest: RunningIngest) -> list[tuple[str, str, int]]:
    answer = await ingest.client.get("/v1/choices/unmatched", headers={"authorization": "Bearer read"})
    return [(one["attribute"], one["text"], one["times"]) for one in answer.json()["items"]]


async def read_anew(ingest: RunningIngest) -> None:
    """Let the job work until everything said before is read by the spellings there are now."""
    (job,) = [one for one in ingest.blueprint.activities if one.name == "ingest-respelling"]
    working = asyncio.create_task(job.run())
    try:
        await _done(ingest)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _done(ingest: RunningIngest) -> None:
    async with asyncio.timeout(60):
        while True:
            answer = await ingest.client.get("/v1/choices", headers=MARKETER)
            if answer.json()["reading_anew"]["done"] and not await ingest.value(
                "SELECT count(*) FROM outbox"
            ):
                return
            await asyncio.sleep(0.05)


async def changes(ingest: RunningIngest) -> list[dict[str, Any]]:
    said = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.lead_changed.v1"]
    return [msgspec.json.decode(one.data) for one in said]


async def test_a_spelling_that_a_person_adds_holds_for_what_was_said_before_exactly_once(
    ingest_on_each_log: RunningIngest,
) -> None:
    ingest = ingest_on_each_log
    await lead(ingest, 1, industry="智造")
    await lead(ingest, 2, industry=" 智 造 ")
    await lead(ingest, 3, industry="智造")
    await lead(ingest, 3, industry="金融")
    await lead(ingest, 4, industry="弄堂")
    await ingest.settle(5)
    assert await unmatched(ingest) == [("industry", "智造", 3), ("industry", "弄堂", 1)]
    first = await add(ingest, "智造", "manufacturing", key="s-1")
    assert (first.status_code, first.json()) == (
        200,
        {
            "attribute": "industry",
            "spelling": "智造",
            "value": "manufacturing",
            "stood_for": "other",
            "version": 1,
        },
    )
    assert (await add(ingest, "智造", "manufacturing", key="s-1")).json() == first.json()
    assert (await add(ingest, "智造", "manufacturing")).json()["version"] == 1
    await read_anew(ingest)
    assert [await industry_of(ingest, one) for one in (1, 2, 3, 4)] == [
        *("manufacturing", "manufacturing", "finance", "other")
    ]
    told = [one for one in await changes(ingest) if one["source"] == "choices"]
    assert [(one["attributes"], one["by"]) for one in told] == [
        ({"industry": "manufacturing"}, "marketer"),
        ({"industry": "manufacturing"}, "marketer"),
    ]
    assert await unmatched(ingest) == [("industry", "弄堂", 1)]
    (found,) = await ingest.find(email="p1@example.com")
    (line,) = [one for one in await ingest.blueprint.tell(found["id"]) if "spelling" in one.text]
    assert "manufacturing" in line.text
    assert line.cause
    await lead(ingest, 5, industry="智造行业")
    await ingest.settle(6)
    assert await industry_of(ingest, 5) == "manufacturing"
    assert len([one for one in await changes(ingest) if one["source"] == "choices"]) == 2
    assert not await ingest.breaches()


async def test_a_spelling_taken_back_takes_along_what_it_brought(ingest: RunningIngest) -> None:
    await lead(ingest, 1, industry="智造")
    await ingest.settle(1)
    await add(ingest, "智造", "manufacturing")
    await lead(ingest, 2, industry="智造")
    await ingest.settle(2)
    await read_anew(ingest)
    assert [await industry_of(ingest, one) for one in (1, 2)] == ["manufacturing"] * 2
    shown = (await ingest.client.get("/v1/choices/industry", headers=MARKETER)).json()
    assert [(one["spelling"], one["value"], one["added_by"]) for one in shown["added"]] == [
        ("智造", "manufacturing", "marketer")
    ]
    gone = await ingest.client.delete(
        "/v1/choices/industry/spellings", params={"spelling": "智造"}, headers=MARKETER
    )
    assert (gone.status_code, gone.json()["value"]) == (200, None)
    await read_anew(ingest)
    assert [await industry_of(ingest, one) for one in (1, 2)] == ["other"] * 2
    assert not (await ingest.client.get("/v1/choices/industry", headers=MARKETER)).json()["added"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("shoe_size", {"spelling": "x", "value": "y"}, 404, "choices.attribute_unknown"),
        ("product_lines", {"spelling": "x", "value": "y"}, 404, "choices.attribute_unknown"),
        ("industry", {"spelling": "x", "value": "y"}, 422, "choices.value_unknown"),
        ("industry", {"spelling": " ? ", "value": "retail"}, 422, "choices.spelling_refused"),
        ("industry", {"spelling": "ada@example.com", "value": "retail"}, 422, "choices.spelling_refused"),
    ],
)
async def test_what_is_no_spelling_is_refused_with_what_to_do(
    ingest: RunningIngest, path: str, body: dict[str, str], status: int, code: str
) -> None:
    answer = await ingest.client.post(f"/v1/choices/{path}/spellings", json=body, headers=MARKETER)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_only_marketers_say_what_spellings_stand_for(ingest: RunningIngest) -> None:
    for role in ("read", "manager", "service"):
        answer = await ingest.client.post(
            "/v1/choices/industry/spellings",
            json={"spelling": "x", "value": "retail"},
            headers={"authorization": f"Bearer {role}"},
        )
        assert answer.status_code == 403
    gone = await ingest.client.delete(
        "/v1/choices/industry/spellings", params={"spelling": "nobody's"}, headers=MARKETER
    )
    assert (gone.status_code, gone.json()["code"]) == (404, "choices.spelling_unknown")


async def test_the_report_names_nobody_and_an_erasure_takes_along_what_was_said(
    ingest: RunningIngest,
) -> None:
    await lead(
        ingest, 1, industry="call 13800138000", name="Ada King", region="at Ada King's", scope="弄堂里"
    )
    await lead(ingest, 2, scope="some corner")
    await ingest.settle(2)
    assert await unmatched(ingest) == [("scope", "some corner", 1), ("scope", "弄堂里", 1)]
    await ingest.erase(email="p1@example.com")
    assert await unmatched(ingest) == [("scope", "some corner", 1)]


async def test_no_more_texts_are_counted_than_there_is_room_for(ingest: RunningIngest) -> None:
    await ingest.execute(
        "INSERT INTO choice_missed SELECT p, 'scope', 'filler ' || n, 1, 0"
        " FROM generate_series(0, 3) AS p, generate_series(1, 500) AS n"
    )
    await lead(ingest, 1, scope="one too many")
    await lead(ingest, 2, scope="filler 7")
    await ingest.settle(2)
    counted = await ingest.value("SELECT count(*) FROM choice_missed")
    assert counted == 2_000
    assert await ingest.value("SELECT sum(times) FROM choice_missed WHERE text = 'filler 7'") == 5


async def test_nothing_is_read_anew_before_everybody_is_done_who_may_read_by_older_spellings(
    ingest: RunningIngest,
) -> None:
    await lead(ingest, 1, industry="智造")
    await ingest.settle(1)
    desk = build_choice_desk(ingest.resources, database=ingest.blueprint.database)
    job = Respelling(ingest.blueprint.database, commands=desk.commands, clock=ingest.resources.clock)
    async with ingest.blueprint.database.transaction() as older:
        # it has begun to write, as a batch does with its fence, and does not know the spelling yet
        await older.fetch_value("SELECT pg_current_xact_id()::text")
        await add(ingest, "智造", "manufacturing")
        for _ in range(3):
            await job.work_off()
        assert await ingest.value("SELECT (target, done, seen) = (1, 0, 0) FROM choice_pass")
        assert await industry_of(ingest, 1) == "other"
    await job.work_off()
    assert await ingest.value("SELECT (target, done, seen, changed)::text FROM choice_pass") == "(1,1,1,1)"
    assert await industry_of(ingest, 1) == "manufacturing"


async def test_many_portions_leave_nobody_out(ingest: RunningIngest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anew, "PORTION", 2)
    for number in range(1, 8):
        await lead(ingest, number, industry="智造" if number % 2 else "弄堂")
    await ingest.settle(7)
    await add(ingest, "智造", "manufacturing")
    await read_anew(ingest)
    assert [await industry_of(ingest, one) for one in range(1, 8)] == [
        "manufacturing" if one % 2 else "other" for one in range(1, 8)
    ]
    assert await ingest.value("SELECT (seen, changed)::text FROM choice_pass") == "(7,4)"
    told = [one["lead"] for one in await changes(ingest) if one["source"] == "choices"]
    assert len(told) == len(set(told)) == 4
