"""Tables over HTTP: uploaded, looked through, started, asked about, released (I1, I8, I11)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import httpx
import pytest

from services.ingest.bootstrap import build_import_desk
from services.ingest.jobs.imports.desk import ImportDesk
from services.ingest.jobs.imports.working import Working
from shared.contracts.events.leads import LeadCaptured
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant
from tests.services.ingest.imports.bringing import as_csv, desk_of
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = pytest.mark.postgres

TABLE = as_csv("编号,姓名,邮箱,手机", "1,张伟,zhang@example.com,13800138000", "2,李娜,,1.38E+10")
ADMIN = {"authorization": "Bearer admin"}


async def upload(
    ingest: RunningIngest, kind: str = "leads", content: Any = TABLE, **query: str
) -> httpx.Response:
    return await ingest.client.post(
        f"/v1/imports/{kind}", content=content, params=query, headers={"x-write-key": KEY}
    )


async def get(ingest: RunningIngest, path: str) -> httpx.Response:
    return await ingest.client.get(f"/v1/imports{path}", headers=ADMIN)


async def work(ingest: RunningIngest, desk: ImportDesk | None = None) -> None:
    """Let the worker do what there is to do."""
    await Working(desk or desk_of(ingest)).work(asyncio.Event())


async def test_a_table_is_uploaded_looked_through_started_and_accounted_for(ingest: RunningIngest) -> None:
    answer = await upload(ingest)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["kind"], told["source"], told["state"]) == ("leads", "website", "uploaded")
    assert answer.headers["location"] == f"/v1/imports/{told['id']}"
    await work(ingest)
    shown = (await get(ingest, f"/{told['id']}")).json()
    assert shown["state"] == "checked"
    assert (shown["preview"]["taken"], shown["preview"]["refused"]) == (1, {"number.rounded": 1})
    assert await ingest.value("SELECT count(*) FROM lead") == 0
    started = await ingest.client.post(f"/v1/imports/{told['id']}/start", headers=ADMIN)
    assert started.json()["state"] == "started"
    await work(ingest)
    shown = (await get(ingest, f"/{told['id']}")).json()
    assert shown["state"] == "done"
    assert (shown["rows_done"], shown["counts"]["taken"], shown["counts"]["refused"]) == (2, 1, 1)
    result = await get(ingest, f"/{told['id']}/result?lang=zh")
    lines = result.text.removeprefix("\ufeff").splitlines()
    assert lines[0] == "行,列,原因,怎么办,代码"
    assert lines[1].startswith("3,手机,")
    assert "1.38E+10" not in lines[1].split(",")[1]
    assert await ingest.value("SELECT count(*) FROM import_piece") == 0
    await ingest.settle(1)
    assert await ingest.find(email="zhang@example.com")
    assert await ingest.breaches() == {}


async def test_i11_the_preview_tells_what_would_start_in_the_other_services(ingest: RunningIngest) -> None:
    def forecast(said: Sequence[Emission], _at: Instant) -> list[str]:
        assert any(isinstance(one.event, LeadCaptured) for one in said)
        return ["tier_changed", "enrolled"]

    foreseeing = build_import_desk(ingest.resources, database=ingest.blueprint.database, forecast=forecast)
    rows = [f"{number},n{number}@example.com" for number in range(5)]
    for mode, starts in (("new", {"tier_changed": 5, "enrolled": 5}), ("history", {})):
        answer = await upload(ingest, content=as_csv("编号,邮箱", *rows), mode=mode)
        await work(ingest, foreseeing)
        preview = (await get(ingest, f"/{answer.json()['id']}")).json()["preview"]
        assert (preview["new"], preview["starts"]) == (5, starts)
        await ingest.client.post(f"/v1/imports/{answer.json()['id']}/cancel", headers=ADMIN)


async def test_a_form_with_a_file_is_the_file(ingest: RunningIngest) -> None:
    answer = await ingest.client.post(
        "/v1/imports/leads?start=true&mode=history",
        files={"note": (None, b"hello"), "file": ("客户.csv", TABLE, "text/csv")},
        headers={"x-write-key": KEY},
    )
    assert answer.status_code == 202, answer.text
    await work(ingest)
    shown = (await get(ingest, f"/{answer.json()['id']}")).json()
    assert (shown["file"], shown["state"], shown["counts"]["taken"]) == ("客户.csv", "done", 1)
    await ingest.settle(1)
    shown = (await get(ingest, f"/{answer.json()['id']}")).json()
    assert shown["held"] == 1
    path = f"/v1/imports/{answer.json()['id']}/release"
    released = await ingest.client.post(path, json={"count": 5}, headers=ADMIN)
    assert released.json() == {"released": 1}
    await ingest.settle(2)
    assert (await get(ingest, f"/{answer.json()['id']}")).json()["held"] == 0


async def test_pieces_of_a_large_file_are_one_file_again(ingest: RunningIngest) -> None:
    rows = [f"{number},n{number}@example.com,{'x' * 1_500}" for number in range(1_800)]
    content = as_csv("编号,邮箱,备注", *rows)

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 70_000):
            yield content[start : start + 70_000]

    answer = await upload(ingest, content=stream())
    assert await ingest.value("SELECT count(*) FROM import_piece") == 3
    await work(ingest)
    shown = (await get(ingest, f"/{answer.json()['id']}")).json()
    assert (shown["preview"]["rows"], shown["preview"]["taken"]) == (1_800, 1_800)
    cancelled = await ingest.client.post(f"/v1/imports/{answer.json()['id']}/cancel", headers=ADMIN)
    assert cancelled.json()["state"] == "cancelled"
    assert await ingest.value("SELECT count(*) FROM import_piece") == 0


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        (lambda ingest: upload(ingest, content=b""), 400, "import.no_file"),
        (lambda ingest: upload(ingest, mode="yesterday"), 400, "import.option"),
        (lambda ingest: upload(ingest, map="Phone"), 400, "import.option"),
        (
            lambda ingest: ingest.client.post("/v1/imports/leads", content=TABLE),
            401,
            "write_key.invalid",
        ),
        (lambda ingest: get(ingest, "/nobody"), 404, "import.unknown"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_code(
    ingest: RunningIngest,
    send: Callable[[RunningIngest], Coroutine[Any, Any, httpx.Response]],
    status: int,
    code: str,
) -> None:
    answer = await send(ingest)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await ingest.value("SELECT count(*) FROM import_piece") == 0


async def test_another_type_of_file_fails_with_what_it_is(ingest: RunningIngest) -> None:
    answer = await upload(ingest, content=b"%PDF-1.7 and so on")
    await work(ingest)
    shown = (await get(ingest, f"/{answer.json()['id']}")).json()
    assert (shown["state"], shown["code"]) == ("failed", "import.not_a_table")
    started = await ingest.client.post(f"/v1/imports/{answer.json()['id']}/start", headers=ADMIN)
    assert (started.status_code, started.json()["code"]) == (409, "import.not_ready")


async def test_a_template_is_downloaded_in_either_language_and_form(ingest: RunningIngest) -> None:
    answer = await get(ingest, "/template/events?lang=zh&format=csv&event=2026 春季展会")
    assert answer.text.removeprefix("\ufeff").startswith("活动名称,")
    assert "2026 春季展会" in answer.text
    workbook = await ingest.client.get("/v1/imports/template/leads")
    assert workbook.content[:2] == b"PK"
    uploaded = await upload(ingest, content=workbook.content)
    await work(ingest)
    shown = (await get(ingest, f"/{uploaded.json()['id']}")).json()
    assert shown["preview"]["taken"] == 1
