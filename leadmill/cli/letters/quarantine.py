"""``leadmill quarantine``: messages that cannot be used, kept with their reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, progress, read_settings, run_on_deployment, tell_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadmill.platform.deployed import Deployment

app = typer.Typer(help="Quarantine: messages that came in and cannot be used.", no_args_is_help=True)

Code = Annotated[str | None, typer.Option(help="Only those with this reason.", show_default=False)]


@app.command(name="list")
def list_messages(
    code: Code = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, oldest first.")] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List messages that wait in quarantine: id, source, reason, when. Shows nothing personal."""
    rows = [_as_row(one) for one in _load(data, code=code, limit=limit)]
    if as_json:
        print_json({"quarantine": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("id", "source", "code", "received", "tries"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row["id"], row["source"], row["code"], row["received"], str(row["tries"]))
    if rows:
        console().print(table)
    else:
        print("nothing in quarantine")


@app.command()
def show(
    record_id: Annotated[
        str, typer.Argument(metavar="ID", help="The message's id, from `leadmill quarantine list`.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one message as it came. It may hold personal data."""
    found = next(
        (one for one in _load(data, code=None, limit=100_000) if one.message.record_id == record_id), None
    )
    if found is None:
        tell_error("no message in quarantine has this id; see `leadmill quarantine list`")
        raise typer.Exit(2)
    row = {**_as_row(found), "record": found.message.record.decode("utf-8", "backslashreplace")}
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        print(f"{name}: {value}")


@app.command()
def replay(
    code: Code = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that waits.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how many it would be.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send messages round again, after whatever was wrong with them is put right.

    They keep their ids: one that took effect meanwhile is dropped, one that is still of no use comes back.
    Requests that were turned away for their write key cannot go round.
    """
    if code is None and not everything:
        raise typer.BadParameter("say which: --code, or --all")
    if dry_run:
        count = sum(1 for one in _load(data, code=code, limit=100_000) if one.can_go_round)
        if as_json:
            print_json({"would_replay": count})
        else:
            print(f"{count} would be replayed")
        return

    async def work(deployment: Deployment) -> int:
        from leadmill.platform.roster import KEYS_OWNER, QUARANTINE

        owner = deployment.service(KEYS_OWNER)
        return await QUARANTINE(deployment.resources, database=owner.database).replay(code=code)

    with progress("replaying"):
        count = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"replayed": count})
    else:
        print(f"{count} replayed")


def _load(data: Any, *, code: str | None, limit: int) -> Sequence[Any]:
    async def work(deployment: Deployment) -> Sequence[Any]:
        from leadmill.platform.roster import KEYS_OWNER, QUARANTINE

        owner = deployment.service(KEYS_OWNER)
        desk = QUARANTINE(deployment.resources, database=owner.database)
        return await desk.list_waiting(code=code, limit=limit)

    return run_on_deployment(read_settings(data_dir=data), work)


def _as_row(waiting: Any) -> dict[str, Any]:
    from shared.kernel.instants import format_instant

    message = waiting.message
    return {
        "id": message.record_id,
        "source": message.source,
        "code": message.code,
        "received": format_instant(message.received),
        "tries": waiting.tries,
    }
