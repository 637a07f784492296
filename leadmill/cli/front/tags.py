"""``leadmill tags``: the catalogue of tags, and tags put on leads and taken off in bulk."""

from __future__ import annotations

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
    from leadmill.platform.deployed import Deployment

T = TypeVar("T")

app = typer.Typer(
    help="Tags: list, propose, approve, rename, merge, retire; put on leads and take off.",
    no_args_is_help=True,
)

TagName = Annotated[str, typer.Argument(metavar="TAG", help="The tag's id.")]
Reason = Annotated[str, typer.Option(help="Why; stands in events, so it names nobody.")]
Lead = Annotated[list[str] | None, typer.Option("--lead", metavar="ID", help="A lead; may be given often.")]
Where = Annotated[
    str,
    typer.Option(
        metavar="JSON",
        help='A filter: {"field": "tags", "operator": "includes_all", "value": ["high_intent"]}',
    ),
]
_BY = "command line"


@app.command(name="list")
def list_tags(data: Data = None, as_json: Json = False) -> None:
    """List all tags with group, names and state."""

    async def work(desk: Any) -> Any:
        return await desk.list_tags()

    rows = _run(data, work)
    if as_json:
        print_json({"tags": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("tag", "group", "zh", "en", "state", "into"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(row[name] for name in ("tag", "group", "zh", "en", "state", "into")))
    console().print(table)


@app.command()
def propose(
    tag: TagName,
    group: Annotated[str, typer.Option(help="industry, role, need, behaviour, source or state.")],
    zh: Annotated[str, typer.Option(help="Its name in Chinese.")],
    en: Annotated[str, typer.Option(help="Its name in English.")],
    reason: Reason = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Propose a new tag; it can be put on once it is approved."""
    _change(data, tag, "propose", as_json=as_json, group=group, zh=zh, en=en, reason=reason)


@app.command()
def approve(tag: TagName, reason: Reason = "", data: Data = None, as_json: Json = False) -> None:
    """Approve a tag that was proposed."""
    _change(data, tag, "approve", as_json=as_json, reason=reason)


@app.command()
def rename(
    tag: TagName,
    zh: Annotated[str, typer.Option(help="Its new name in Chinese.")] = "",
    en: Annotated[str, typer.Option(help="Its new name in English.")] = "",
    reason: Reason = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give a tag other names; its id stays."""
    _change(data, tag, "rename", as_json=as_json, zh=zh, en=en, reason=reason)


@app.command()
def merge(
    tag: TagName,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The tag that it stands for from then on.")],
    reason: Reason = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a tag stand for another, also where it was put on before."""
    _change(data, tag, "merge", as_json=as_json, into=into, reason=reason)


@app.command()
def retire(
    tag: TagName,
    back: Annotated[bool, typer.Option("--back", help="Bring it back instead.")] = False,
    reason: Reason = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Retire a tag: it stays where it is, and can be put on nobody."""
    _change(data, tag, "revive" if back else "retire", as_json=as_json, reason=reason)


def _tagging(what: str) -> Callable[..., None]:
    """Return the command that puts a tag on leads, or takes it off."""

    def tag_leads(
        tag: TagName,
        lead: Lead = None,
        where: Where = "",
        reason: Reason = "",
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        _tag(data, {what: [tag]}, lead, where, reason, as_json=as_json)

    return tag_leads


for one, help_ in {
    "put": "Put a tag on leads: those that are named, or all that a filter finds.",
    "take": "Take a tag off leads: those that are named, or all that a filter finds.",
}.items():
    app.command(name=one, help=help_)(_tagging(one))


def _change(data: Path | None, tag: str, what: str, *, as_json: bool, **texts: str) -> None:
    async def work(desk: Any) -> Any:
        return await desk.change(tag, what, by=_BY, received=now(), **texts)

    row = _run(data, work)
    if as_json:
        print_json(row)
    else:
        print(f"{row['tag']}: {row['state']}{' into ' + row['into'] if row['into'] else ''}")


def _tag(
    data: Path | None,
    what: dict[str, list[str]],
    leads: list[str] | None,
    where: str,
    reason: str,
    *,
    as_json: bool,
) -> None:
    if bool(leads) == bool(where):
        tell_error("say which leads: --lead ID, once or more, or --where JSON")
        raise typer.Exit(2)

    def progress(done: int, of: int) -> None:
        if not as_json:
            console().print(f"{done} of {of}", style="dim")

    async def work(desk: Any) -> Any:
        return await desk.tag(
            **what,
            leads=leads or (),
            where=where,
            reason=reason,
            by=_BY,
            received=now(),
            progress=progress,
        )

    row = _run(data, work)
    if as_json:
        print_json(row)
    else:
        print(f"{row['leads']} leads, changed on {row['changed']}")


def _run(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    """Open the desk of tags and do the work there."""

    async def at_the_desk(deployment: Deployment) -> T:
        from leadmill.platform.roster import KEYS_OWNER, TAGS

        owner = deployment.service(KEYS_OWNER)
        return await work(TAGS(deployment.resources, database=owner.database))

    return run_on_deployment(read_settings(data_dir=data), at_the_desk)
