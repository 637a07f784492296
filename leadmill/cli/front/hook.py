"""``leadmill hook``: where ad platforms and tools deliver, with the secrets that they share with us."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import (
    console,
    print_json,
    progress,
    read_settings,
    run_on_deployment,
)

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

T = TypeVar("T")

app = typer.Typer(
    help="Hooks: addresses where ad platforms and tools deliver leads, and their secrets.",
    no_args_is_help=True,
)

Provider = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="The vendor, from `leadmill hook providers`.")
]
Source = Annotated[str, typer.Argument(help="The source that its leads belong to.")]


@app.command()
def providers(as_json: Json = False) -> None:
    """List the vendors there are, what each wants to be told, and how it is set up there."""
    rows = [_as_row(one) for one in _providers().values()]
    if as_json:
        print_json({"providers": rows})
        return
    for row in rows:
        print(f"{row['provider']}: {row['title']}")
        for secret in row["secrets"]:
            print(f"  {secret['name']}{'' if secret['required'] else ' (optional)'}: {secret['what']}")


@app.command()
def add(
    provider: Provider,
    source: Annotated[
        str, typer.Argument(help="The source that its leads belong to; made if there is none.")
    ],
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="One secret or setting; may be given several times. - as VALUE reads a line of standard"
            " input; a value written here can be seen by others on this machine.",
        ),
    ] = None,
    secret_file: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="One secret, from a file; may be given several times."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="Take this write key, which the source has, for the address."),
    ] = None,
    base: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Where vendors reach the front door (default: LEADMILL_INGEST_PUBLIC_URL).",
            show_default=False,
        ),
    ] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set a vendor up for a source: keep its secrets, sealed, and print the address and what to do there.

    What is needed and not given is asked for, where somebody can be asked. Done again it changes what is
    given and leaves the rest, the address too; --key tells the address of a key that you know.
    """
    given = _given(secret or [], secret_file or [])

    async def find_missing(desk: Any) -> tuple[bool, list[str]]:
        return await desk.is_set_up(provider, source), await desk.find_missing(provider, source, given)

    is_there, missing = _at_the_desk(data, find_missing)
    if missing and sys.stdin.isatty():
        told = {one.name: one.explanation for one in _providers()[provider].secrets}
        for name in missing:
            answer = typer.prompt(f"{name} ({told[name]})", hide_input=True, err=True)
            given[name] = answer.strip()

    async def save(deployment: Deployment) -> tuple[str, Sequence[str]]:
        from shared.security.write_keys import KeyTerms

        desk = _desk_of(deployment)
        await desk.check(provider, source, given)
        told = key
        if told is None and not is_there:
            told = await deployment.access.add_key(source, terms=KeyTerms(doors=frozenset({"hooks"})))
        await desk.save(provider, source, given)
        address = desk.address_of(provider, told or "<write key>", base=base)
        return address, desk.steps_of(provider, address)

    address, steps = run_on_deployment(read_settings(data_dir=data), save)
    if as_json:
        print_json({"provider": provider, "source": source, "address": address, "steps": steps})
        return
    print(address)
    for number, step in enumerate(steps, 1):
        print(f"{number}. {step}")


@app.command(name="list")
def list_hooks(data: Data = None, as_json: Json = False) -> None:
    """List the hooks that are set up, and what still waits to be fetched."""

    async def work(desk: Any) -> Sequence[Any]:
        states: Sequence[Any] = await desk.list_hooks()
        return states

    rows = [state._asdict() for state in _at_the_desk(data, work)]
    if as_json:
        print_json({"hooks": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("source", "provider", "set up", "lists read", "trouble", "waiting", "stuck"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *(row["source"], row["provider"], f"{row['added']:%Y-%m-%d}"),
            f"{row['looked']:%Y-%m-%d %H:%M}" if row["looked"] else "",
            *(row["fault"] or "", str(row["waiting"]), str(row["stuck"])),
        )
    if rows:
        console().print(table)
    else:
        print("no hooks; `leadmill hook add` sets one up")


@app.command()
def show(provider: Provider, source: Source, data: Data = None, as_json: Json = False) -> None:
    """Show what is set for a vendor; of secrets only that they are."""

    async def work(desk: Any) -> Mapping[str, str | None]:
        values: Mapping[str, str | None] = await desk.show(provider, source)
        return values

    values = _at_the_desk(data, work)
    if as_json:
        print_json({"provider": provider, "source": source, "values": values})
        return
    for name, value in values.items():
        print(f"{name}: {value or '-'}")


@app.command()
def remove(provider: Provider, source: Source, data: Data = None, as_json: Json = False) -> None:
    """Forget what is set for a vendor. Its deliveries are answered with 503, so that most come again."""

    async def work(desk: Any) -> None:
        await desk.remove(provider, source)

    _at_the_desk(data, work)
    if as_json:
        print_json({"removed": {"provider": provider, "source": source}})
    else:
        print(f"{provider} of {source} is removed")


@app.command()
def retry(
    source: Annotated[str | None, typer.Option(help="Only this source's.", show_default=False)] = None,
    provider: Annotated[str | None, typer.Option(help="Only this vendor's.", show_default=False)] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Fetch at once what waits or is stuck. Put right what was wrong first; `leadmill up` does the rest."""

    async def work(desk: Any) -> int:
        count: int = await desk.retry(source=source, provider=provider)
        return count

    count = _at_the_desk(data, work)
    if as_json:
        print_json({"retried": count})
    else:
        print(f"{count} will be fetched at once")


@app.command()
def backfill(
    provider: Provider,
    source: Source,
    since: Annotated[
        str, typer.Option(metavar="WHEN", help="From when on: 7d for a week ago, or 2026-11-01 (UTC).")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Look through a vendor's lists for leads that nobody told of, from long ago; no lead comes twice."""
    begins = _moment(since)

    async def work(desk: Any) -> int:
        count: int = await desk.look_through(provider, source, since=begins)
        return count

    with progress("looking through the vendor's lists"):
        count = _at_the_desk(data, work)
    if as_json:
        print_json({"found": count})
    else:
        print(f"{count} that nobody knew")


def _providers() -> Mapping[str, Any]:
    from leadmill.platform.roster import HOOK_PROVIDERS

    return HOOK_PROVIDERS


def _desk_of(deployment: Deployment) -> Any:
    from leadmill.platform.roster import HOOKS, KEYS_OWNER

    return HOOKS(deployment.resources, database=deployment.service(KEYS_OWNER).database)


def _at_the_desk(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    async def at_the_desk(deployment: Deployment) -> T:
        return await work(_desk_of(deployment))

    return run_on_deployment(read_settings(data_dir=data), at_the_desk)


def _given(texts: Sequence[str], files: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(
                "is written NAME=VALUE, or NAME=- for standard input", param_hint="--secret"
            )
        given[name.strip()] = (sys.stdin.readline() if value == "-" else value).strip()
    for text in files:
        name, equals, path = text.partition("=")
        try:
            given[name.strip()] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise typer.BadParameter("names a file that cannot be read", param_hint="--secret-file") from None
    return given


def _moment(text: str) -> int:
    from shared.kernel.instants import MICROSECOND, from_datetime
    from shared.runtime.clock import SystemClock
    from shared.runtime.settings.durations import parse_duration

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            span = parse_duration(text)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--since") from None
        return SystemClock().now() - int(span.total_seconds() * 1_000_000) * MICROSECOND
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _as_row(provider: Any) -> dict[str, Any]:
    return {
        "provider": provider.name,
        "title": provider.title,
        "secrets": [
            {"name": one.name, "what": one.explanation, "required": not one.is_optional}
            for one in provider.secrets
        ],
        "steps": list(provider.steps),
    }
