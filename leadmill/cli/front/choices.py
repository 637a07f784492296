"""``leadmill choices``: what people wrote that stands for no value, and what it stands for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import (
    now,
    print_json,
    print_rows,
    read_settings,
    run_on_deployment,
)

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

T = TypeVar("T")

app = typer.Typer(
    help="Standard choices: many spellings of one industry, size or level become one value.",
    no_args_is_help=True,
)

Attribute = Annotated[str, typer.Argument(help="The attribute: industry, size, region, …")]
Spelling = Annotated[str, typer.Argument(help="The spelling, as people type it.")]
_BY = "command line"


@app.command()
def unmatched(
    attribute: Annotated[str | None, typer.Option(help="Only of this attribute.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 50,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what people wrote that stands for no value, most frequent first."""

    async def work(desk: Any) -> list[dict[str, Any]]:
        return [
            {"attribute": one.attribute, "text": one.text, "times": one.times}
            for one in await desk.report.find_unmatched(attribute=attribute, limit=limit)
        ]

    rows = _run(data, work)
    if as_json:
        print_json({"unmatched": rows})
    elif rows:
        print_rows(
            ("attribute", "text", "times"), [[row["attribute"], row["text"], row["times"]] for row in rows]
        )
    else:
        print("everything that people wrote stands for a value")


@app.command()
def add(
    attribute: Attribute,
    spelling: Spelling,
    value: Annotated[str, typer.Argument(help="The value for which it stands from now on.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a spelling stand for a value, from now on and for what was said before."""

    async def work(desk: Any) -> dict[str, Any]:
        done: dict[str, Any] = await desk.add(attribute, spelling, value, by=_BY, received=now())
        return done

    done = _run(data, work)
    if as_json:
        print_json(done)
        return
    before = f" (it stood for {done['stood_for']})" if done["stood_for"] else ""
    print(f"{done['spelling']} stands for {attribute} {value}{before}; leads known before follow")


@app.command()
def remove(
    attribute: Attribute,
    spelling: Spelling,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Take a spelling back that somebody added; what it brought about before goes again."""

    async def work(desk: Any) -> dict[str, Any]:
        done: dict[str, Any] = await desk.take_back(attribute, spelling, by=_BY, received=now())
        return done

    done = _run(data, work)
    if as_json:
        print_json(done)
    else:
        print(f"{done['spelling']} stands for nothing more than the documents say")


@app.command()
def show(
    attribute: Annotated[str | None, typer.Argument(help="The attribute; without it all of them.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the values of an attribute with their spellings, and which of them people added."""
    from shared.kernel.instants import format_instant

    async def work(desk: Any) -> tuple[Any, Any]:
        return await desk.report.find_choices(attribute), await desk.report.find_progress()

    found, progress = _run(data, work)
    if as_json:
        print_json(
            {
                "choices": [
                    {
                        "attribute": one.attribute,
                        "kind": one.kind,
                        "values": list(one.values),
                        "spellings": one.spellings,
                        "added": [
                            {
                                "spelling": word.spelling,
                                "value": word.value,
                                "added_at": format_instant(word.at),
                                "added_by": word.by,
                            }
                            for word in one.added
                        ],
                    }
                    for one in found
                ],
                "reading_anew": {
                    "version": progress.version,
                    "done": progress.is_done,
                    "contacts_seen": progress.seen,
                    "leads_changed": progress.changed,
                },
            }
        )
        return
    rows = []
    for one in found:
        for value in one.values:
            mine = [word for word in one.added if word.value == value]
            added = ", ".join(f"{word.spelling} ({word.by}, {format_instant(word.at)[:10]})" for word in mine)
            rows.append([one.attribute, value, ", ".join(one.spellings.get(value, [])), added])
    print_rows(("attribute", "value", "spellings", "added by people"), rows)
    if not progress.is_done:
        print(f"still reading anew what was said before: {progress.seen} contacts seen")


def _run(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    async def at_the_desk(deployment: Deployment) -> T:
        from leadmill.platform.roster import CHOICES, KEYS_OWNER

        owner = deployment.service(KEYS_OWNER)
        return await work(CHOICES(deployment.resources, database=owner.database))

    return run_on_deployment(read_settings(data_dir=data), at_the_desk)
