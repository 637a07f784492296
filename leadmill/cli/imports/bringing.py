"""Brings a table in: looks through it, shows what it would do, asks, and does it with a bar of progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadmill.cli.imports.wording import show_counts, show_preview
from leadmill.cli.options import Data, Json, Lang
from leadmill.cli.running import print_json, read_settings, run_on_deployment, tell_error

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment


_GOES_ON: Final = frozenset({"import.taken", "import.not_ready"})
"""Why a command may stop although its import does not end."""


class Mode(StrEnum):
    """Whether whoever is new is held."""

    BY_AGE = "by_age"
    NEW = "new"
    HISTORY = "history"


class Dates(StrEnum):
    """What stands first in 02/03/2026."""

    DMY = "dmy"
    MDY = "mdy"


class DecimalSign(StrEnum):
    """What decimals begin with."""

    POINT = "point"
    COMMA = "comma"


Source = Annotated[str, typer.Option(help="The source of the rows; what its columns are is remembered.")]
Language = Annotated[Lang, typer.Option("--lang", help="The language of reasons and headings.")]


def command_for(kind: str) -> Callable[..., None]:
    """Return the command that brings one kind of table in."""

    def bring(
        file: Annotated[
            Path,
            typer.Argument(
                metavar="FILE", exists=True, dir_okay=False, readable=True, help="The table: CSV or XLSX."
            ),
        ],
        source: Source = "spreadsheet",
        mode: Annotated[
            Mode,
            typer.Option(help="by_age: rows older than 7 days are history. History is held until released."),
        ] = Mode.BY_AGE,
        columns: Annotated[
            list[str] | None,
            typer.Option(
                "--map", metavar="COLUMN=FIELD", help="What a column is; - leaves it out. Remembered."
            ),
        ] = None,
        dates: Annotated[
            Dates | None, typer.Option(help="What stands first in 02/03/2026.", show_default=False)
        ] = None,
        decimal: Annotated[
            DecimalSign | None, typer.Option(help="What decimals begin with.", show_default=False)
        ] = None,
        currency: Annotated[str, typer.Option(help="Of amounts that name none, for example CNY.")] = "",
        event: Annotated[str, typer.Option(help="The event of rows that name none.")] = "",
        encoding: Annotated[str, typer.Option(help="utf-8, gb18030, utf-16, big5 or cp1252.")] = "",
        delimiter: Annotated[str, typer.Option(help="What parts columns: , ; | or tab.")] = "",
        sheet: Annotated[str, typer.Option(help="The sheet of a workbook (default: the first shown).")] = "",
        preview: Annotated[bool, typer.Option("--preview", help="Only show what it would do.")] = False,
        yes: Annotated[
            bool, typer.Option("--yes", help="Do it without looking through it first, and without asking.")
        ] = False,
        result: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="Where reasons go (default: beside the table).", show_default=False
            ),
        ] = None,
        language: Language = Lang.EN,
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        options = {
            "mode": mode.value,
            "columns": _columns(columns or []),
            "dates": None if dates is None else dates.value,
            "decimal": None if decimal is None else decimal.value,
            "currency": currency.strip().upper(),
            "event": event,
            "encoding": encoding,
            "delimiter": delimiter,
            "sheet": sheet,
        }
        if not preview and not yes and not sys.stdin.isatty():
            raise typer.BadParameter("say --preview to look, or --yes to do it")

        async def work(deployment: Deployment) -> dict[str, Any]:
            with file.open("rb") as table:
                return await _bring(
                    deployment,
                    kind,
                    table,
                    name=file.name,
                    source=source,
                    options=options,
                    only_look=preview,
                    may_start=None if yes else lambda seen: _agree(kind, file.name, seen, language),
                    result=result or file.with_name(f"{file.stem}.result.csv"),
                    language=language,
                    quiet=as_json,
                )

        told = run_on_deployment(read_settings(data_dir=data), work)
        if as_json:
            import msgspec

            print_json(msgspec.to_builtins(told))
        elif "counts" in told:
            show_counts(told, language=language)
        elif preview:
            show_preview(kind, file.name, told["preview"], language=language)
        else:
            print("nothing was taken")

    return bring


async def _bring(
    deployment: Deployment,
    kind: str,
    table: Any,
    *,
    name: str,
    source: str,
    options: dict[str, Any],
    only_look: bool,
    may_start: Callable[[Any], bool] | None,
    result: Path,
    language: Lang,
    quiet: bool,
) -> dict[str, Any]:
    from leadmill.cli.imports.opening import digest_of, open_desk, read_options
    from shared.kernel.errors import Rejected

    desk = open_desk(deployment)
    digest = digest_of(table)
    one = None if only_look else await desk.find_unfinished(kind, source=source, digest=digest)
    if one is None:
        one = await desk.begin(
            kind,
            source=source,
            digest=digest,
            file_name=name,
            options=read_options(options),
            is_local=True,
        )
        try:
            if may_start is None and not only_look:
                await desk.accept(one, table)
            else:
                with _bar("looking through", None) as progress:
                    seen = await desk.check(one, table, progress=progress)
                if only_look or may_start is None or not may_start(seen):
                    await desk.cancel(one.id)
                    return {"preview": seen}
        except BaseException:
            await desk.cancel(one.id)
            raise
        one = await desk.start(one.id)
    elif not quiet:
        tell_error(f"going on with import {one.id} at row {one.rows_done}")
    total = None if one.preview is None else one.preview.rows
    with _bar("bringing in", total) as progress:
        try:
            counts = await desk.carry_out(one, table, claim=desk.tools.new_id(), progress=progress)
        except Rejected as refused:
            if refused.reason not in _GOES_ON:
                await desk.fail(one, refused.reason)  # damaged further down; what was taken stays
            raise
    written = await _write_result(desk, one.id, result, language=language) if counts.refused else None
    held = await desk.count_held(one.id)
    return {
        "import": one.id,
        "source": source,
        "rows": counts.rows,
        "counts": counts.as_json(),
        "held_now": held,
        "result": None if written is None else str(written),
    }


def _agree(kind: str, name: str, seen: Any, language: Lang) -> bool:
    """Show what would happen and ask."""
    show_preview(kind, name, seen, language=language)
    return typer.confirm("Bring it in?", default=False)


async def _write_result(desk: Any, import_id: str, path: Path, *, language: Lang) -> Path:
    """Write the reason of each refused row beside the table."""
    import csv

    from leadmill.cli.imports.opening import advise

    headings = {
        Lang.EN: ("row", "column", "reason", "what to do", "code"),
        Lang.ZH: ("行", "列", "原因", "怎么办", "代码"),
    }
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings[language])
        async for fault in desk.faults(import_id):
            advice = advise(fault.code, language.value)
            writer.writerow((fault.row, fault.column, advice.reason, advice.remedy, fault.code))
    return path


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far it is, where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    screen = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda rows: bar.update(task, completed=rows)


def _columns(given: list[str]) -> dict[str, str]:
    said = {}
    for one in given:
        heading, sign, field = one.rpartition("=")
        if not sign or not heading.strip() or not field.strip():
            raise typer.BadParameter(f'write "Column=field", not {one}', param_hint="--map")
        said[heading.strip()] = field.strip()
    return said
