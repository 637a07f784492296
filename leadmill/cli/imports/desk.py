"""What else is done with imports: templates, how they stand, releasing whom they hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadmill.cli.imports.bringing import Language
from leadmill.cli.options import Data, Json, Lang
from leadmill.cli.running import console, print_json, progress, read_settings, run_on_deployment

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

Id = Annotated[str, typer.Argument(metavar="IMPORT", help="The import's id, from `leadmill import list`.")]


def template(
    kind: Annotated[str, typer.Argument(help="leads, events, outcomes, costs or suppressions.")],
    language: Language = Lang.EN,
    kind_of_file: Annotated[str, typer.Option("--format", help="xlsx or csv.")] = "xlsx",
    event: Annotated[str, typer.Option(help="The event's name, filled in already (events).")] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to (default: here).", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the table that people fill in."""
    if kind_of_file not in {"xlsx", "csv"}:
        raise typer.BadParameter("write xlsx or csv", param_hint="--format")
    from leadmill.cli.imports.opening import make_template

    content = make_template(
        read_settings().config, kind, language=language.value, event=event, is_xlsx=kind_of_file == "xlsx"
    )
    if content is None:
        raise typer.BadParameter("a table holds leads, events, outcomes, costs or suppressions")
    path = output or Path(f"leadmill-{kind}-{language.value}.{kind_of_file}")
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        return
    path.write_bytes(content)
    if as_json:
        print_json({"file": str(path)})
    else:
        print(path)


def list_imports(data: Data = None, as_json: Json = False) -> None:
    """List imports, newest first."""

    async def work(deployment: Deployment) -> list[dict[str, Any]]:
        from leadmill.cli.imports.opening import open_desk

        return [_as_row(one) for one in await open_desk(deployment).list()]

    rows = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"imports": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("import", "kind", "source", "file", "state", "rows", "taken", "refused", "begun"):
        table.add_column(column, overflow="fold")
    for row in rows:
        counts = row["counts"]
        table.add_row(
            *(row["import"], row["kind"], row["source"], row["file"], row["state"], str(row["rows_done"])),
            *(str(counts.get("taken", 0)), str(counts.get("refused", 0)), row["created"]),
        )
    if rows:
        console().print(table)
    else:
        print("no imports")


def show(import_id: Id, data: Data = None, as_json: Json = False) -> None:
    """Show how one import stands, and how many leads it holds."""

    async def work(deployment: Deployment) -> dict[str, Any]:
        from leadmill.cli.imports.opening import open_desk

        desk = open_desk(deployment)
        one = await desk.find(import_id)
        return {**_as_row(one), "held_now": await desk.count_held(import_id)}

    row = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        print(f"{name}: {value}")


def release(
    import_id: Id,
    count: Annotated[
        int | None, typer.Option(min=1, help="So many (default: all that fit).", show_default=False)
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="ATTRIBUTE=VALUE", help="Only these, for example industry=manufacturing."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that it holds.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let leads that an import holds start, in portions: they are assigned and mailed as they stand then."""
    if count is None and not where and not everything:
        raise typer.BadParameter("say how many: --count 100, --where industry=manufacturing, or --all")
    wanted = {}
    for one in where or ():
        name, sign, value = one.partition("=")
        if not sign:
            raise typer.BadParameter(f"write attribute=value, not {one}", param_hint="--where")
        wanted[name.strip()] = value.strip()

    async def work(deployment: Deployment) -> tuple[int, int]:
        from leadmill.cli.imports.opening import open_desk

        desk = open_desk(deployment)
        held = await desk.count_held(import_id)
        return await desk.release(import_id, count=count, where=wanted), held

    with progress("releasing"):
        told, held = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"import": import_id, "released": told, "held_before": held})
        return
    print(f"{told} of {held} released; they start once the resolver has heard of it")


def cancel(import_id: Id, data: Data = None, as_json: Json = False) -> None:
    """End an import that has not ended; what was taken stays."""

    async def work(deployment: Deployment) -> None:
        from leadmill.cli.imports.opening import open_desk

        await open_desk(deployment).cancel(import_id)

    run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"import": import_id, "state": "cancelled"})
    else:
        print("cancelled")


def _as_row(one: Any) -> dict[str, Any]:
    from shared.kernel.instants import format_instant

    return {
        "import": one.id,
        "kind": one.kind,
        "source": one.source,
        "file": one.file_name,
        "state": one.state,
        "rows_done": one.rows_done,
        "counts": one.counts,
        "code": one.code,
        "created": format_instant(one.created),
        "ended": None if one.ended is None else format_instant(one.ended),
    }
