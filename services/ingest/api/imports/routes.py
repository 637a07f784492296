"""Asking how imports stand, starting and ending them, releasing whom they hold, and templates."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.imports.definitions import TableKind
from services.ingest.domain.imports.faults import Language, advise
from shared.http.access import require
from shared.http.commands import CommandCall
from shared.kernel.instants import format_instant

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV: Final = "text/csv; charset=utf-8"
_PIECE: Final = 64 * 1024
_HEADINGS: Final = {
    "en": ("row", "column", "reason", "what to do", "code"),
    "zh": ("行", "列", "原因", "怎么办", "代码"),
}
Lang = Annotated[Language, Query(description="The language of reasons and headings")]


class Desk(Protocol):
    """Knows imports; ``services.ingest.jobs.imports.desk`` does."""

    async def find(self, import_id: str) -> Any:
        """Return an import."""
        ...

    async def list(self, *, limit: int = 100) -> list[Any]:
        """Return imports, newest first."""
        ...

    async def count_held(self, import_id: str) -> int:
        """Return how many leads it holds."""
        ...

    def faults(self, import_id: str) -> AsyncIterator[Any]:
        """Yield why rows were refused."""
        ...

    async def start(self, import_id: str) -> Any:
        """Let one begin."""
        ...

    async def cancel(self, import_id: str) -> None:
        """End one."""
        ...

    async def release(
        self,
        import_id: str,
        *,
        count: int | None = None,
        where: Mapping[str, str] | None = None,
        key: str = "",
    ) -> int:
        """Release leads that it holds, once for each key."""
        ...

    def template(self, kind: str, *, language: Language, event: str = "", is_xlsx: bool = True) -> bytes:
        """Return the table that people fill in."""
        ...


class WarningOut(BaseModel):
    """Something about a column that a person should look at, and how many rows it concerns."""

    column: str
    code: str
    rows: int


class FaultOut(BaseModel):
    """One of the first rows that would be refused; `GET /v1/imports/<id>/result` says why in words."""

    row: int
    column: str
    code: str


class PreviewOut(BaseModel):
    """What an import would do.

    `rows` are those below the heading, `empty` among them; `repeated` said the same before, `refused` counts
    by code. `new` people would begin, `held` of them as history, `unreachable` with neither address nor
    number; `known` rows are about people who are known. `starts` counts what would begin at once with the new
    ones that are not held: `tier_changed` (they reach a tier), `assigned` (to a rep), `claimable` (in the
    pool), `enrolled` (in a mail sequence), `mailed`. It is tried out with the rules as they stand, on the
    first `rehearsed` of them and from each row alone; of more the share is taken.
    """

    encoding: str
    delimiter: str
    sheet: str
    columns: list[tuple[str, str]]
    warnings: list[WarningOut]
    rows: int
    empty: int
    repeated: int
    taken: int
    refused: dict[str, int]
    faults: list[FaultOut]
    new: int
    held: int
    known: int
    unreachable: int
    starts: dict[str, int]
    rehearsed: int


class ImportOut(BaseModel):
    """One import. `counts` say what became of the rows behind it, `preview` what it would do.

    `state` is uploaded, checked (it waits to be started), started, done, failed (see `code`) or cancelled.
    """

    id: str
    kind: str
    source: str
    file: str
    state: str
    rows_done: int
    counts: dict[str, Any]
    preview: PreviewOut | None
    code: str | None
    held: int | None
    created: str
    ended: str | None


class ImportsOut(BaseModel):
    """Imports, newest first."""

    imports: list[ImportOut]


class ReleaseIn(BaseModel):
    """Which of the held leads are to start: so many, of those with these attributes; all without both."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    where: Annotated[dict[str, str], Field(max_length=10)] = {}


class ReleasedOut(BaseModel):
    """How many were told to start."""

    released: int


def build_import_router(desk: Desk) -> APIRouter:
    """Return the routes of imports; a marketer's token opens them."""
    router = APIRouter(prefix="/v1/imports", tags=["ingest"])
    marketer = require("marketer", "service")
    reader = require("marketer", "manager", "service", "read")

    @router.get("", dependencies=[reader], summary="Imports, newest first")
    async def list_imports(limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> ImportsOut:
        """Tell how imports stand."""
        return ImportsOut(imports=[_shown(one) for one in await desk.list(limit=limit)])

    @router.get("/template/{kind}", summary="The table that people fill in", response_class=Response)
    async def get_template(
        kind: TableKind,
        lang: Lang = "en",
        file: Annotated[Literal["xlsx", "csv"], Query(alias="format")] = "xlsx",
        event: Annotated[str, Query(max_length=100, description="The event's name, filled in already")] = "",
    ) -> Response:
        """Return a workbook or CSV with headings and an example."""
        content = desk.template(kind, language=lang, event=event, is_xlsx=file == "xlsx")
        name = f"leadmill-{kind}-{lang}.{file}"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=_XLSX if file == "xlsx" else _CSV, headers=headers)

    @router.get("/{import_id}", dependencies=[reader], summary="How an import stands, with its preview")
    async def get_import(import_id: str) -> ImportOut:
        """Tell how one import stands."""
        one = await desk.find(import_id)
        return _shown(one, held=await desk.count_held(import_id))

    @router.get(
        "/{import_id}/result",
        dependencies=[marketer],
        summary="Why rows were refused: row, column, reason, what to do",
        response_class=Response,
    )
    async def get_result(import_id: str, lang: Lang = "en") -> Response:
        """Return the refused rows as CSV; no value of theirs is in it."""
        await desk.find(import_id)
        return StreamingResponse(_lines_of(desk.faults(import_id), lang), media_type=_CSV)

    @router.post("/{import_id}/start", dependencies=[marketer], summary="Bring in what was looked through")
    async def start(import_id: str) -> ImportOut:
        """Let an import begin. Asked again, it does nothing more."""
        return _shown(await desk.start(import_id))

    @router.post(
        "/{import_id}/cancel", dependencies=[marketer], summary="End an import; what was taken stays"
    )
    async def cancel(import_id: str) -> ImportOut:
        """End an import that has not ended."""
        await desk.cancel(import_id)
        return _shown(await desk.find(import_id))

    @router.post("/{import_id}/release", dependencies=[marketer], summary="Let held leads start, in portions")
    async def release(import_id: str, which: ReleaseIn, call: CommandCall) -> ReleasedOut:
        """Release leads that an import of history holds.

        Sent again under the same Idempotency-Key it is about the same leads.
        """
        told = await desk.release(import_id, count=which.count, where=which.where, key=call.idempotency_key)
        return ReleasedOut(released=told)

    return router


async def _lines_of(faults: AsyncIterator[Any], lang: Language) -> AsyncIterator[str]:
    """Yield a file of refused rows in pieces, however many there are."""
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    writer.writerow(_HEADINGS[lang])
    async for fault in faults:
        advice = advise(fault.code, lang)
        writer.writerow((fault.row, fault.column, advice.reason, advice.remedy, fault.code))
        if text.tell() > _PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _shown(one: Any, *, held: int | None = None) -> ImportOut:
    return ImportOut(
        id=one.id,
        kind=one.kind,
        source=one.source,
        file=one.file_name,
        state=one.state,
        rows_done=one.rows_done,
        counts=one.counts,
        preview=None if one.preview is None else PreviewOut(**msgspec.to_builtins(one.preview)),
        code=one.code,
        held=held,
        created=format_instant(one.created),
        ended=None if one.ended is None else format_instant(one.ended),
    )
