"""``leadmill link``: tracking links, which lead on and record the click."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import (
    console,
    now,
    print_json,
    read_settings,
    run_on_deployment,
    tell_error,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadmill.platform.deployed import Deployment

T = TypeVar("T")

app = typer.Typer(
    help="Tracking links: one per campaign, ad and rep; they lead on and record the click.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="LINK", help="The link's name, the end of its address.")]
Base = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="Where people reach the front door (default: LEADMILL_INGEST_PUBLIC_URL).",
        show_default=False,
    ),
]
_BY = "command line"


@app.command()
def add(
    target: Annotated[str, typer.Argument(help="Where it leads: https://www.example.com/page?a=b#part.")],
    campaign: Annotated[str, typer.Option(help="The campaign; travels on as utm_campaign.")],
    name: Annotated[str, typer.Option(metavar="LINK", help="Its name; a short one without.")] = "",
    ad: Annotated[str, typer.Option(help="The ad; travels on as utm_content.")] = "",
    keyword: Annotated[str, typer.Option(help="The keyword; travels on as utm_term.")] = "",
    medium: Annotated[str, typer.Option(help="utm_medium, which decides the channel.")] = "",
    utm_source: Annotated[str, typer.Option(help="utm_source.")] = "",
    rep: Annotated[str, typer.Option(help="Whose link it is, by the rep's id.")] = "",
    note: Annotated[str, typer.Option(help="For people; travels nowhere.")] = "",
    source: Annotated[str, typer.Option(help="The source that clicks belong to.")] = "links",
    base: Base = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a tracking link and print its address. The same again changes nothing."""

    async def work(desk: Any) -> Any:
        return await desk.add(
            target,
            received=now(),
            by=_BY,
            name=name.strip().lower(),
            source=source,
            campaign=campaign,
            ad=ad,
            keyword=keyword,
            utm_medium=medium,
            utm_source=utm_source,
            rep=rep,
            note=note,
        )

    row = _run(data, lambda desk: _shown(desk, work(desk), base=base))
    if as_json:
        print_json(row)
    else:
        print(row["address"])


@app.command(name="list")
def list_links(
    campaign: Annotated[str | None, typer.Option(help="Only those of this campaign.")] = None,
    rep: Annotated[str | None, typer.Option(help="Only those of this rep.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, by name.")] = 1_000,
    base: Base = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List tracking links: where they lead, of which campaign, and whose they are."""

    async def work(desk: Any) -> list[dict[str, Any]]:
        show = _shower(desk, base)
        return [show(link) for link in await desk.list_links(campaign=campaign, rep=rep, limit=limit)]

    rows: Sequence[dict[str, Any]] = _run(data, work)
    if as_json:
        print_json({"links": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("address", "campaign", "ad", "rep", "leads to", "retired"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *(row["address"], row["campaign"], row["ad"], row["rep"], row["target"]),
            (row["retired"] or "")[:10],
        )
    if rows:
        console().print(table)
    else:
        print("no tracking links")


@app.command()
def retire(
    name: Name,
    back: Annotated[bool, typer.Option("--back", help="Bring it back instead.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Retire a tracking link. It still leads on, because it is printed somewhere; its clicks say so."""

    async def work(desk: Any) -> Any:
        return await desk.retire(name.lower(), received=now(), by=_BY, is_retired=not back)

    row = _run(data, lambda desk: _shown(desk, work(desk), base=""))
    if as_json:
        print_json(row)
    else:
        print(f"{row['link']} is {'back' if back else 'retired; it still leads on'}")


@app.command()
def qr(
    name: Name,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="A file, .svg or .png (default: SVG to standard output).",
            dir_okay=False,
        ),
    ] = None,
    base: Base = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Draw a tracking link as a QR code."""
    if to is not None and to.suffix.lower() not in {".svg", ".png"}:
        raise typer.BadParameter("ends in .svg or .png", param_hint="--to")

    async def work(desk: Any) -> tuple[str, bytes]:
        row = _shower(desk, base)(await desk.find(name))
        kind = "png" if to is not None and to.suffix.lower() == ".png" else "svg"
        return row["address"], desk.draw(row["address"], kind=kind)

    address, picture = _run(data, work)
    if not address.startswith(("http://", "https://")):
        tell_error("a code holds the whole address: give --base https://…, or set LEADMILL_INGEST_PUBLIC_URL")
        raise typer.Exit(2)
    if to is not None:
        to.write_bytes(picture)
    if as_json:
        drawn = {"file": str(to)} if to is not None else {"svg": picture.decode()}
        print_json({"link": name.lower(), "address": address, **drawn})
    elif to is None:
        sys.stdout.buffer.write(picture)
    else:
        print(to)


def _run(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    """Open the desk where links are made and do the work there."""

    async def at_the_desk(deployment: Deployment) -> T:
        from leadmill.platform.roster import KEYS_OWNER, LINKS

        owner = deployment.service(KEYS_OWNER)
        return await work(LINKS(deployment.resources, database=owner.database))

    return run_on_deployment(read_settings(data_dir=data), at_the_desk)


async def _shown(desk: Any, link: Awaitable[Any], *, base: str) -> dict[str, Any]:
    return _shower(desk, base)(await link)


def _shower(desk: Any, base: str) -> Callable[[Any], dict[str, Any]]:
    from leadmill.platform.roster import SHOW_LINK

    return lambda link: SHOW_LINK(link, base=base.rstrip("/") or desk.public_url)
