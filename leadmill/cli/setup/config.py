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

    Exit code 1 if there are any.
    """
    from leadmill.platform.roster import ROSTER
    from shared.documents.faults import DocumentFaults

    config = folder if folder is not None else read_settings().config
    faults: list[str] = []
    for name, entry in ROSTER.items():
        try:
            entry.check_documents(config)
        except DocumentFaults as error:
            faults += [f"{name}/{fault}" for fault in error.faults]
    if as_json:
        print_json({"folder": str(config), "faults": faults})
    elif not faults:
        print(f"{config}: {', '.join(ROSTER)} can be built from it")
    for fault in faults:
        tell_error(fault)
    if faults:
        raise typer.Exit(1)
