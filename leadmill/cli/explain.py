"""``leadmill explain``: one lead's whole story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment, tell_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadmill.platform.deployed import Deployment
    from shared.runtime.blueprint import StoryLine


def explain(
    lead: Annotated[str, typer.Argument(help="The lead's id; GET /v1/leads?email=… tells it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell a lead's story in order of time: what was learnt, what it brought, what was said, and why.

    Exit code 2 if no service knows such a lead.
    """
    from shared.kernel.instants import format_instant

    async def work(deployment: Deployment) -> Sequence[StoryLine]:
        lines: list[StoryLine] = []
        for blueprint in deployment.blueprints:
            lines += await blueprint.tell(lead)
        return sorted(lines, key=lambda line: line.at)

    lines = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json(
            {
                "lead": lead,
                "events": [
                    {
                        "at": format_instant(line.at),
                        "service": line.service,
                        "kind": line.kind,
                        "text": line.text,
                        "cause": line.cause,
                        "event": line.event,
                        "message_id": line.message_id,
                    }
                    for line in lines
                ],
            }
        )
    elif lines:
        from rich.table import Table

        table = Table(box=None, header_style="dim")
        for column in ("at", "service", "", "", "event", "cause"):
            table.add_column(column, overflow="fold")
        for line in lines:
            at = format_instant(line.at)[:19].replace("T", " ") if line.at else ""
            table.add_row(at, line.service, line.kind, line.text, line.event[:8], line.cause[:8])
        console().print(table)
    if not lines:
        tell_error(f"no service knows a lead {lead}; GET /v1/leads?email=… finds ids")
        raise typer.Exit(2)
