"""``leadmill models``: scoring models from a draft to live and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

T = TypeVar("T")

app = typer.Typer(
    help="Scoring models: draft, try, share out, publish, take back; each step with who and why.",
    no_args_is_help=True,
)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")]
Version = Annotated[int, typer.Argument(metavar="VERSION", min=1, help="The version.")]
Why = Annotated[str, typer.Option(help="Why; it stands in the model's history.")]
By = Annotated[str, typer.Option(help="Who takes the step.")]
_BY = "command line"


@app.command(name="list")
def list_models(data: Data = None, as_json: Json = False) -> None:
    """List the models, with what is live, shared out and in shadow."""

    async def work(desk: Any) -> list[dict[str, Any]]:
        return [_shown(one.life) for one in await desk.book.find_models()]

    found = _run(data, work)
    if as_json:
        print_json({"models": found})
        return
    rows = []
    for one in found:
        share = one["share"]
        rows.append(
            [
                one["model"],
                one["live"] or "",
                f"{share['version']} ({share['percent']} %)" if share else "",
                one["shadow"] or "",
                len(one["versions"]),
            ]
        )
    _print(("model", "live", "share", "shadow", "versions"), rows)


@app.command()
def show(
    model: Model,
    version: Annotated[int | None, typer.Option(min=1, help="Print the document of this version.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show how far each version of a model is, or print the document of one."""

    async def work(desk: Any) -> tuple[dict[str, Any], str | None]:
        life = _shown(await desk.book.find_life(model))
        paper = None if version is None else (await desk.book.find_paper(model, version))[1]
        return life, None if paper is None else paper.text

    life, text = _run(data, work)
    if as_json:
        print_json(life if text is None else {**life, "document": text})
    elif text is not None:
        print(text, end="" if text.endswith("\n") else "\n")
    else:
        _print(
            ("version", "stage", "digest"),
            [[one["version"], one["stage"], one["digest"]] for one in life["versions"]],
        )


@app.command()
def draft(
    model: Model,
    file: Annotated[typer.FileText, typer.Argument(help="The document, YAML or JSON; - is standard input.")],
    why: Why,
    by: By = _BY,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Hand in the document of a new version. All its faults are told at once; nothing rules by it yet."""
    _take("draft", model, by, why, data=data, as_json=as_json, text=file.read())


@app.command()
def validate(
    model: Model, version: Version, why: Why, by: By = _BY, data: Data = None, as_json: Json = False
) -> None:
    """Try a draft on up to 1,000 leads; it may be shared out and published after that."""
    _take("validate", model, by, why, data=data, as_json=as_json, version=version)


@app.command()
def share(
    model: Model,
    version: Version,
    percent: Annotated[int, typer.Argument(min=0, max=100, help="Of a hundred leads so many; 0 ends it.")],
    why: Why,
    by: By = _BY,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a version rule a share of the leads; nothing is told of the past."""
    _take("share", model, by, why, data=data, as_json=as_json, version=version, percent=percent)


@app.command()
def publish(
    model: Model, version: Version, why: Why, by: By = _BY, data: Data = None, as_json: Json = False
) -> None:
    """Let a version rule every lead; nothing is told of the past."""
    _take("publish", model, by, why, data=data, as_json=as_json, version=version)


@app.command()
def rollback(model: Model, why: Why, by: By = _BY, data: Data = None, as_json: Json = False) -> None:
    """Go back, in one step: end a share, or let the version rule again that did before."""
    _take("rollback", model, by, why, data=data, as_json=as_json)


@app.command()
def history(model: Model, data: Data = None, as_json: Json = False) -> None:
    """List every step in the life of a model, with who took it and why."""

    async def work(desk: Any) -> list[dict[str, Any]]:
        return list(await desk.book.find_history(model))

    steps = _run(data, work)
    if as_json:
        print_json({"model": model, "steps": steps})
        return
    rows = [
        [
            step["at"][:19],
            step["step"].replace("_", " ") + (f" {step['percent']} %" if "percent" in step else ""),
            step["version"] or "",
            step["by"],
            step["why"],
        ]
        for step in steps
    ]
    _print(("at", "step", "version", "by", "why"), rows)


def _take(
    kind: str, model: str, by: str, why: str, *, data: Path | None, as_json: bool, **details: object
) -> None:
    async def work(desk: Any) -> dict[str, Any]:
        from leadmill.platform.roster import MODEL_COMMANDS

        command = MODEL_COMMANDS[kind](model=model, by=by, why=why, **details)
        done: dict[str, Any] = await desk.run(command, received=_now())
        return done

    done = _run(data, work)
    if as_json:
        print_json(done)
        return
    what = done["step"].replace("_", " ")
    version = f" version {done['version']}" if done["version"] else ""
    share = f", {done['percent']} %" if "percent" in done else ""
    print(f"{done['model']}{version}: {what}{share}")
    tried = done.get("details", {})
    if "leads" in tried:
        tiers = ", ".join(f"{tier} {count}" for tier, count in sorted(tried["tiers"].items()))
        print(f"tried on {tried['leads']} leads with {tried['facts']} facts: {tiers or 'there are none'}")


def _shown(life: Any) -> dict[str, Any]:
    from leadmill.platform.roster import SHOW_MODEL

    shown: dict[str, Any] = SHOW_MODEL(life).model_dump()
    return shown


def _print(columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    console().print(table)


def _run(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    async def at_the_desk(deployment: Deployment) -> T:
        from leadmill.platform.roster import MODELS, MODELS_OWNER

        owner = deployment.service(MODELS_OWNER)
        return await work(MODELS(deployment.resources, database=owner.database))

    return run_on_deployment(read_settings(data_dir=data), at_the_desk)


def _now() -> int:
    from shared.runtime.clock import SystemClock

    return SystemClock().now()
