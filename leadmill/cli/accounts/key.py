"""``leadmill key``: write keys of sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadmill.platform.deployed import Deployment
    from shared.security.write_keys import WriteKey

app = typer.Typer(
    help="Write keys: with one, a source may send data in, and nothing else.", no_args_is_help=True
)

Source = Annotated[str, typer.Argument(help="The source, for example website; made if there is none.")]


@app.command()
def add(
    source: Source,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE", help="Take this key, which clients have already, instead of a new one."
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give a source a write key and print it. It is stored as a keyed hash and can never be shown again."""

    async def work(deployment: Deployment) -> str:
        return await deployment.access.add_key(source, brought=key)

    _print_key(source, run_on_deployment(read_settings(data_dir=data), work), as_json=as_json)


@app.command()
def rotate(
    source: Source,
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the keys it has go on working, for example 7d.")
    ] = "7d",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give a source a new write key; those it has stop working after the overlap."""
    from shared.runtime.settings.durations import parse_duration

    try:
        lasting = parse_duration(overlap)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--overlap") from None

    async def work(deployment: Deployment) -> str:
        return await deployment.access.rotate_keys(source, overlap=lasting)

    _print_key(source, run_on_deployment(read_settings(data_dir=data), work), as_json=as_json)


@app.command(name="list")
def list_keys(data: Data = None, as_json: Json = False) -> None:
    """List every write key there ever was, by source: its id, its last four characters, its state."""
    from shared.kernel.instants import format_instant
    from shared.runtime.clock import SystemClock

    async def work(deployment: Deployment) -> Sequence[WriteKey]:
        return await deployment.access.list_keys()

    keys = run_on_deployment(read_settings(data_dir=data), work)
    now = SystemClock().now()
    rows = [
        {
            "source": key.source,
            "id": key.id,
            "hint": key.hint,
            "created_at": format_instant(key.created_at),
            "expires_at": None if key.expires_at is None else format_instant(key.expires_at),
            "state": _state(key, now),
        }
        for key in keys
    ]
    if as_json:
        print_json({"keys": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("source", "id", "key", "made", "state"):
        table.add_column(column)
    for row in rows:
        table.add_row(row["source"], row["id"], row["hint"], str(row["created_at"])[:16], row["state"])
    console().print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `leadmill key list`.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Stop a write key for good, within a minute everywhere. Its clients are refused from then on."""

    async def work(deployment: Deployment) -> None:
        await deployment.access.revoke_key(key_id)

    run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"revoked": key_id})
    else:
        print(f"{key_id} is revoked")


def _state(key: WriteKey, now: int) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None:
        return "expired" if key.expires_at <= now else "expires"
    return "works"


def _print_key(source: str, key: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"source": source, "key": key})
    else:
        print(key)
