"""``leadmill import``: leads, events, outcomes, costs and suppressions from spreadsheets."""

from __future__ import annotations

import typer

from leadmill.cli.imports import bringing, desk

app = typer.Typer(
    help="Spreadsheets: bring tables in, see what became of their rows, release whom they hold.",
    no_args_is_help=True,
)
for kind, text in {
    "leads": "People: names, addresses, companies, with owner and status for history.",
    "events": "Acts of people, for example who attended a fair.",
    "outcomes": "What became of opportunities: created, stages, won, lost, payments.",
    "costs": "What campaigns cost, per day, channel and kind.",
    "suppressions": "People who want no more mail. Bring them in before the leads.",
}.items():
    app.command(name=kind, help=f"{text} CSV or XLSX; shows what it would do and asks first.")(
        bringing.command_for(kind)
    )
for command in (desk.template, desk.show, desk.release, desk.cancel):
    app.command()(command)
app.command(name="list")(desk.list_imports)
