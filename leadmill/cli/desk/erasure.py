"""``leadmill erasure``: what was removed when somebody asked to be forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

app = typer.Typer(help="Erasures: what was removed where, and what ages out when.", no_args_is_help=True)


@app.command()
def show(
    lead: Annotated[str, typer.Argument(metavar="LEAD", help="The id that POST /v1/erasures answered with.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the certificate of an erasure; it names nobody. Exit code 1 while somebody has not answered."""

    async def work(deployment: Deployment) -> dict[str, Any]:
        from leadmill.platform.roster import SHOW_CERTIFICATE

        tools = _tools(deployment)
        certificate = await tools.erasures.find_certificate(lead)
        shown: dict[str, Any] = SHOW_CERTIFICATE(certificate, tools.sealing).model_dump(mode="json")
        return shown

    shown = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json(shown)
    else:
        _print(shown)
    if shown["waiting_for"]:
        raise typer.Exit(1)


def _print(shown: dict[str, Any]) -> None:
    from rich.table import Table

    print(f"erasure {shown['id']}, asked {shown['asked_at'][:19]} by {shown['asked_by'] or 'nobody named'}")
    print(f"{shown['state']}, {shown['profiles']} profiles; seal {shown['seal']}")
    for name in shown["waiting_for"]:
        print(f"waiting for {name}")
    table = Table(box=None, header_style="dim")
    for column in ("service", "removed in", "rows"):
        table.add_column(column)
    for one in shown["removed"]:
        table.add_row(one["service"], one["place"], str(one["count"]))
    console().print(table)
    for one in shown["ages_out"]:
        told = f"aged out by {one['by'][:10]}" if one["by"] else "kept for good, as it is configured"
        print(f"{one['where']}: {told}")
    for text in shown["kept"]:
        print(f"kept: {text}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A certificate, as JSON.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell whether a certificate is as it was sealed here. Exit code 1 if it is not."""
    try:
        certificate = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise typer.BadParameter(f"{file.name} is no JSON") from None

    async def work(deployment: Deployment) -> bool:
        return isinstance(certificate, dict) and bool(_tools(deployment).sealing.is_unchanged(certificate))

    unchanged = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"unchanged": unchanged})
    else:
        print("unchanged" if unchanged else "changed, or sealed elsewhere")
    if not unchanged:
        raise typer.Exit(1)


def _tools(deployment: Deployment) -> Any:
    from leadmill.platform.roster import KEYS_OWNER, LEADS

    return LEADS(deployment.resources, database=deployment.service(KEYS_OWNER).database)
