"""``leadmill conflicts``: what the rules did not decide about who is who, for a person to settle."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

app = typer.Typer(help="Conflicts: who is who, where the rules did not decide.", no_args_is_help=True)

_BY: Final = "command line"


class Decision(StrEnum):
    """How a conflict is settled."""

    merge = "merge"
    apart = "apart"
    dismiss = "dismiss"


@app.command(name="list")
def list_conflicts(
    reason: Annotated[
        str | None, typer.Option(help="Only those with this reason.", show_default=False)
    ] = None,
    settled: Annotated[bool, typer.Option("--settled", help="Those that are settled instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, oldest first.")] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List conflicts: id, reason, the two leads, the message. Shows nothing personal."""

    async def work(deployment: Deployment) -> list[dict[str, Any]]:
        from leadmill.platform.roster import SHOW_CONFLICT

        found = await _desk(deployment).book.find(is_settled=settled, reason=reason, limit=limit)
        return [SHOW_CONFLICT(one).model_dump(mode="json") for one in found]

    rows = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"conflicts": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("id", "reason", "by", "leads", "message", "at", "settled"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *(row["id"], row["reason"], row["identifier"], "\n".join(row["leads"])),
            *(row["message_id"] or row["message"], row["at"][:19].replace("T", " ")),
            f"{row['settled']} by {row['settled_by']}" if row["settled"] else "",
        )
    if rows:
        console().print(table)
    else:
        print("nothing is settled yet" if settled else "nothing waits to be settled")


@app.command()
def settle(
    conflict: Annotated[str, typer.Argument(metavar="ID", help="From `leadmill conflicts list`.")],
    decision: Annotated[
        Decision,
        typer.Argument(help="merge: one person; apart: two for good; dismiss: leave it as it is."),
    ],
    note: Annotated[str, typer.Option(help="Why; names nobody.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Settle a conflict. A merge can be taken back; two that are kept apart never merge by themselves."""

    async def work(deployment: Deployment) -> dict[str, Any]:
        done = await _desk(deployment).settle(
            conflict,
            decided=decision.value,
            note=note,
            by=_BY,
            received=deployment.resources.clock.now(),
        )
        told: dict[str, Any] = done.model_dump(mode="json")
        return told

    row = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json(row)
    else:
        print(f"{row['id']}: {row['settled']}")


def _desk(deployment: Deployment) -> Any:
    from leadmill.platform.roster import CONFLICTS, KEYS_OWNER

    return CONFLICTS(deployment.resources, database=deployment.service(KEYS_OWNER).database)
