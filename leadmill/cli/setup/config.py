"""``leadmill config``: the business documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadmill.cli.options import Json
from leadmill.cli.running import print_json, read_settings, tell_error

app = typer.Typer(help="Business documents: every number of the business, as YAML.", no_args_is_help=True)


@app.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="The folder (default: LEADMILL_CONFIG, else config/ of this checkout).",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read every business document and tell all faults with their places; needs nothing that runs.

    Tells too which calendars do not know the holidays of the next 60 days. Exit code 1 if there are faults.
    """
    from leadmill.platform.roster import ROSTER
    from shared.documents.calendars import FOLDER, load_calendars
    from shared.kernel.faults import Faults
    from shared.kernel.instants import DAY
    from shared.runtime.clock import SystemClock

    config = folder if folder is not None else read_settings().config
    faults: list[str] = []
    warnings: list[str] = []
    for name, entry in ROSTER.items():
        try:
            entry.check_documents(config)
        except Faults as error:
            faults += [f"{name}/{fault}" for fault in error.faults if not fault.path.startswith(f"{FOLDER}/")]
    try:
        now = SystemClock().now()
        for calendar in load_calendars(config).values():
            warnings += [
                f"{FOLDER}/{calendar.name}: not all holidays of {year} are known; until a new version adds "
                "them, what it does not list is a plain weekday"
                for year in calendar.years_in_doubt(now, now + 60 * DAY)
            ]
    except Faults as error:
        faults += map(str, error.faults)
    if as_json:
        print_json({"folder": str(config), "faults": faults, "warnings": warnings})
    elif not faults:
        print(f"{config}: {', '.join(ROSTER)} can be built from it")
    for fault in faults:
        tell_error(fault)
    for warning in warnings:
        tell_error(f"warning: {warning}")
    if faults:
        raise typer.Exit(1)


@app.command()
def schemas(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="The folder (default: LEADMILL_CONFIG, else config/ of this checkout).",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if one is out of date.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the JSON Schemas by which editors complete and check documents while they are typed."""
    import json

    from leadmill.platform.roster import EDITOR_SCHEMAS

    config = folder if folder is not None else read_settings().config
    stale = []
    for name, schema_of in EDITOR_SCHEMAS.items():
        path = config / name
        text = json.dumps(schema_of(), indent=2, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
            if not check_only:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    if as_json:
        print_json({"folder": str(config), "stale" if check_only else "written": stale})
    elif check_only:
        print("\n".join(f"{name} is out of date; write it with `leadmill config schemas`" for name in stale))
    else:
        print("\n".join(f"{name} was written" for name in stale) or "all are up to date")
    if check_only and stale:
        raise typer.Exit(1)
