"""``leadmill models``: scoring models from a draft to live and back."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from leadmill.cli.options import Data, Json, Lang
from leadmill.cli.running import (
    now,
    print_json,
    print_rows,
    progress,
    read_settings,
    run_on_deployment,
)

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
TellPast = Annotated[
    bool, typer.Option("--tell-past", help="Tell what differs for leads known before; says first how many.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]
Language = Annotated[Lang, typer.Option("--lang", help="The language in which is said whom a step tells.")]
_BY = "command line"
_GO_ON = {Lang.EN: "Go on?", Lang.ZH: "继续？"}


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
    print_rows(("model", "live", "share", "shadow", "versions"), rows)


@app.command()
def show(
    model: Model,
    version: Annotated[int | None, typer.Option(min=1, help="Print the document of this version.")] = None,
    lang: Language = Lang.EN,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show how far each version of a model is and what a rollback would do, or print one's document."""

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
        print_rows(
            ("version", "stage", "digest"),
            [[one["version"], one["stage"], one["digest"]] for one in life["versions"]],
        )
        print(life["rollback"][lang.value])


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
def shadow(
    model: Model,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=0, help="The version; 0 ends it.")],
    why: Why,
    by: By = _BY,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a version score every lead apart; nobody is told of it. `compare` shows what differs."""
    _take("shadow", model, by, why, data=data, as_json=as_json, version=version)


@app.command()
def compare(
    model: Model,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many leads that differ.")] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the version in shadow beside the live one: leads by tier of both, and who differs."""

    async def work(desk: Any) -> dict[str, Any]:
        from leadmill.platform.roster import SHOW_COMPARISON

        shown: dict[str, Any] = SHOW_COMPARISON(
            await desk.book.compare_shadow(model, limit=limit)
        ).model_dump()
        return shown

    found = _run(data, work)
    if as_json:
        print_json(found)
        return
    print(f"version {found['version']}: {found['leads']} leads looked at, {found['differing']} differ")
    rows = [[one["live"] or "none", one["shadow"], one["leads"]] for one in found["tiers"]]
    print_rows(("live", "in shadow", "leads"), rows)
    if found["items"]:
        print_rows(
            ("lead", "live", "points", "in shadow", "points"),
            [
                [one["lead"], one["live_tier"] or "none", one["live_points"], one["tier"], one["points"]]
                for one in found["items"]
            ],
        )


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
def preview(
    model: Model,
    version: Version,
    lang: Language = Lang.EN,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Count over all leads what publishing a version would change now: up, down, and whose leads they are."""

    async def work(desk: Any) -> dict[str, Any]:
        return await _count(desk, model, version)

    found = _run(data, work)
    if as_json:
        print_json(found)
    else:
        _tell_preview(found)
        print(found["words"][lang.value])


@app.command()
def publish(
    model: Model,
    version: Version,
    why: Why,
    tell_past: TellPast = False,
    yes: Yes = False,
    by: By = _BY,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let a version rule every lead; nothing is told of the past unless you ask for it."""
    said = {"version": version}
    if tell_past:
        said |= _agree_to_tell(model, version, yes=yes, data=data)
    _take("publish", model, by, why, data=data, as_json=as_json, **said)


@app.command()
def rollback(
    model: Model,
    why: Why,
    tell_past: TellPast = False,
    yes: Yes = False,
    lang: Language = Lang.EN,
    by: By = _BY,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Go back, in one step: end a share, or let the version rule again that did before.

    Where others were told of the past, it is said first that they stay told, and asked.
    """
    if tell_past:
        said = _agree_to_tell(model, None, yes=yes, data=data)
    else:
        said = _agree_to_tell_nobody(model, lang, yes=yes, data=data)
    _take("roll_back", model, by, why, data=data, as_json=as_json, **said)


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
    print_rows(("at", "step", "version", "by", "why"), rows)


def _agree_to_tell(model: str, version: int | None, *, yes: bool, data: Path | None) -> dict[str, Any]:
    """Count what would be told, say how much it is, and ask."""

    async def work(desk: Any) -> dict[str, Any]:
        goes_to = version or await desk.book.find_version_before(model)
        return {"affected": 0} if goes_to is None else await _count(desk, model, goes_to)

    found = _run(data, work)
    told = f"{found['affected']} changes of tier and {found.get('activated', 0)} activations will be told"
    if not yes and not typer.confirm(f"{told}; go on?", err=True):
        raise typer.Exit(1)
    return {"tells_past": True, "expected": found["affected"]}


def _agree_to_tell_nobody(model: str, lang: Lang, *, yes: bool, data: Path | None) -> dict[str, Any]:
    """Say what going back does, and ask where others go on believing what they were told."""

    async def work(desk: Any) -> tuple[dict[str, Any], bool]:
        life = await desk.book.find_life(model)
        return _shown(life), life.leaves_others_told

    shown, leaves_told = _run(data, work)
    print(shown["rollback"][lang.value], file=sys.stderr)
    if leaves_told and not yes and not typer.confirm(_GO_ON[lang], err=True):
        raise typer.Exit(1)
    return {}


async def _count(desk: Any, model: str, version: int) -> dict[str, Any]:
    await desk.previews.begin(model, version)
    with progress("counting") as tell:
        while True:
            found: dict[str, Any] = (await desk.find_preview(model, version)).model_dump()
            if found["done"]:
                return found
            tell(f"counting: {found['leads']} leads looked at, {found['affected']} would change")
            await desk.previews.step()


def _tell_preview(found: dict[str, Any]) -> None:
    print(
        f"{found['leads']} leads: {found['affected']} would change, {found['up']} up, {found['down']} down;"
        f" {found['activated']} would be told to be ready for sales if the past were told"
    )
    if found["moves"]:
        moves: list[tuple[str, int]] = sorted(found["moves"].items(), key=lambda one: -one[1])
        print_rows(("change", "leads"), moves)
        owners = sorted(found["owners"].items())
        print_rows(
            ("owner", "up", "down"), [[rep or "nobody", one["up"], one["down"]] for rep, one in owners]
        )


def _take(
    kind: str, model: str, by: str, why: str, *, data: Path | None, as_json: bool, **details: object
) -> None:
    async def work(desk: Any) -> dict[str, Any]:
        from leadmill.platform.roster import MODEL_COMMANDS

        command = MODEL_COMMANDS[kind](model=model, by=by, why=why, **details)
        done: dict[str, Any] = await desk.run(command, received=now())
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
    if "tiers" in tried:
        tiers = ", ".join(f"{tier} {count}" for tier, count in sorted(tried["tiers"].items()))
        print(f"tried on {tried['leads']} leads with {tried['facts']} facts: {tiers or 'there are none'}")
    elif "up" in tried:
        print(f"counted beforehand: {tried['up']} up, {tried['down']} down of {tried['leads']} leads")


def _shown(life: Any) -> dict[str, Any]:
    from leadmill.platform.roster import SHOW_MODEL

    shown: dict[str, Any] = SHOW_MODEL(life).model_dump()
    return shown


def _run(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    async def at_the_desk(deployment: Deployment) -> T:
        from leadmill.platform.roster import MODELS, MODELS_OWNER

        owner = deployment.service(MODELS_OWNER)
        return await work(MODELS(deployment.resources, database=owner.database))

    return run_on_deployment(read_settings(data_dir=data), at_the_desk)
