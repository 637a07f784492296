"""``leadmill key``: write keys of sources."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from leadmill.platform.deployed import Deployment
    from shared.security.write_keys import WriteKey

app = typer.Typer(
    help="Write keys: with one, a source may send data in, and nothing else.", no_args_is_help=True
)


class DoorName(StrEnum):
    """Doors."""

    EVENTS = "events"
    LEADS = "leads"
    FORMS = "forms"
    REPORTS = "reports"
    HOOKS = "hooks"
    LINKS = "links"


KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `leadmill key list`.")]
Doors = Annotated[
    list[DoorName] | None,
    typer.Option("--door", help="What the key opens; may be given several times. Without it: everything."),
]
Rate = Annotated[
    int | None,
    typer.Option(min=1, max=1_000_000, help="Requests a second in each process; else as the settings say."),
]
Burst = Annotated[
    int | None, typer.Option(min=1, max=1_000_000, help="Requests that may come at once.", show_default=False)
]
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
    door: Doors = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How long it works, for example 90d; else for good."),
    ] = None,
    rate: Rate = None,
    burst: Burst = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give a source a write key and print it. It is stored as a keyed hash and can never be shown again."""
    lasting = None if expires is None else _duration(expires, "--expires")

    async def work(deployment: Deployment) -> str:
        from shared.security.write_keys import KeyTerms

        doors = frozenset[str](one.value for one in door or ())
        terms = KeyTerms(doors=doors, lasts=lasting, rate=rate, burst=burst)
        return await deployment.access.add_key(source, brought=key, terms=terms)

    _print_key(source, run_on_deployment(read_settings(data_dir=data), work), as_json=as_json)


@app.command()
def rotate(
    source: Source,
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the keys it has go on working, for example 7d.")
    ] = "7d",
    key_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Replace this key only, from `leadmill key list`."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give a source a new write key; those it has stop working after the overlap.

    The new one opens what the old ones opened.
    """
    lasting = _duration(overlap, "--overlap")

    async def work(deployment: Deployment) -> str:
        return await deployment.access.rotate_keys(source, overlap=lasting, key_id=key_id)

    _print_key(source, run_on_deployment(read_settings(data_dir=data), work), as_json=as_json)


@app.command()
def change(
    key_id: KeyId,
    door: Doors = None,
    rate: Rate = None,
    burst: Burst = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Change what a write key opens and how fast it may be used; what is not named stays."""
    doors = frozenset[str](one.value for one in door) if door else None
    if doors is None and rate is None and burst is None:
        raise typer.BadParameter("say what is to change: --door, --rate or --burst")

    async def work(deployment: Deployment) -> None:
        await deployment.access.change_key(key_id, doors=doors, rate=rate, burst=burst)

    run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"changed": key_id})
    else:
        print(f"{key_id} is changed, within a minute everywhere")


@app.command(name="list")
def list_keys(
    source: Annotated[str | None, typer.Option(help="Only this source's.", show_default=False)] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List every write key there ever was, by source: its id, its end, what it opens, when it was used."""
    from shared.runtime.clock import SystemClock

    async def work(deployment: Deployment) -> Sequence[WriteKey]:
        return await deployment.access.list_keys(source)

    keys = run_on_deployment(read_settings(data_dir=data), work)
    now = SystemClock().now()
    rows: list[dict[str, Any]] = [
        {
            "source": key.source,
            "id": key.id,
            "hint": key.hint,
            "doors": list(key.doors),
            "rate": key.rate,
            "burst": key.burst,
            "created_at": _moment(key.created_at),
            "created_by": key.created_by,
            "expires_at": _moment(key.expires_at),
            "revoked_at": _moment(key.revoked_at),
            "revoked_by": key.revoked_by,
            "last_used_at": _moment(key.last_used_at),
            "state": key.state(now),
        }
        for key in keys
    ]
    if as_json:
        print_json({"keys": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("source", "id", "key", "opens", "made", "last used", "state"):
        table.add_column(column)
    for row in rows:
        table.add_row(
            *(row["source"], row["id"], row["hint"], " ".join(row["doors"]) or "everything"),
            *(str(row[name] or "")[:16] for name in ("created_at", "last_used_at")),
            row["state"],
        )
    console().print(table)


@app.command()
def revoke(
    key_id: KeyId,
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


def _moment(at: int | None) -> str | None:
    from shared.kernel.instants import format_instant

    return None if at is None else format_instant(at)


def _duration(text: str, option: str) -> timedelta:
    from shared.runtime.settings.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _print_key(source: str, key: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"source": source, "key": key})
    else:
        print(key)
