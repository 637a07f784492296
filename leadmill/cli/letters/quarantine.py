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
Source = Annotated[str | None, typer.Option(help="Only this source's.", show_default=False)]


@app.command(name="list")
def list_messages(
    code: Code = None,
    source: Source = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, oldest first.")] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List messages that wait in quarantine: id, source, reason, when. Shows nothing personal."""
    rows = [_as_row(one) for one in _load(data, code=code, source=source, limit=limit)]
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
    found = next(iter(_load(data, ids=frozenset({record_id}), limit=1)), None)
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
def count(data: Data = None, as_json: Json = False) -> None:
    """Count what waits in quarantine, by source and reason."""

    async def work(deployment: Deployment) -> Sequence[tuple[str, str, int]]:
        found: Sequence[tuple[str, str, int]] = await _desk(deployment).count_waiting()
        return found

    counts = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        rows = [{"source": source, "code": code, "waiting": waiting} for source, code, waiting in counts]
        print_json({"counts": rows})
        return
    for source, code, waiting in counts:
        print(f"{waiting:>8}  {source or '(nobody known)'}  {code}")


@app.command()
def replay(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Only these, from `leadmill quarantine list`.")
    ] = None,
    code: Code = None,
    source: Source = None,
    as_source: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE", help="Send requests that were turned away as this source.", show_default=False
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that waits.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how many it would be.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send messages round again, after whatever was wrong with them is put right.

    They keep their ids: one that took effect meanwhile is dropped, one that is still of no use comes back.
    A request that was turned away goes through the front door again, as its source or the one named; one of
    which only the beginning was kept stays.
    """
    if code is None and source is None and not ids and not everything:
        raise typer.BadParameter("say which: ids, --code, --source, or --all")
    which: dict[str, Any] = {"code": code, "source": source, "ids": frozenset(ids) if ids else None}
    if dry_run:
        can_go = [one for one in _load(data, **which, limit=100_000) if one.can_go_round]
        count = sum(1 for one in can_go if as_source or one.message.source)
        if as_json:
            print_json({"would_replay": count})
        else:
            print(f"{count} would be replayed")
        return

    async def work(deployment: Deployment) -> Any:
        from leadmill.platform.roster import QUARANTINE_CHOICE

        return await _desk(deployment).replay(choice=QUARANTINE_CHOICE(**which), as_source=as_source)

    with progress("replaying"):
        done = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"replayed": done.went, "stayed": done.stayed, "refused": dict(done.refused)})
        return
    print(f"{done.went} replayed")
    if done.stayed:
        print(f"{done.stayed} stay: nobody's (say --as-source), or only their beginning was kept")
    for reason, number in done.refused.items():
        print(f"{number} refused anew: {reason}")


def _desk(deployment: Deployment) -> Any:
    from leadmill.platform.roster import KEYS_OWNER, QUARANTINE

    return QUARANTINE(deployment.resources, database=deployment.service(KEYS_OWNER).database)


def _load(data: Any, *, limit: int, **which: Any) -> Sequence[Any]:
    async def work(deployment: Deployment) -> Sequence[Any]:
        from leadmill.platform.roster import QUARANTINE_CHOICE

        choice = QUARANTINE_CHOICE(**which)
        found: Sequence[Any] = await _desk(deployment).list_waiting(choice=choice, limit=limit)
        return found

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
