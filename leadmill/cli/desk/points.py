"""``leadmill leads why`` and ``take``: why a lead has its points, and what it would take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadmill.cli.options import Data, Json, Lang
from leadmill.cli.running import print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from pathlib import Path

    from leadmill.platform.deployed import Deployment

Lead = Annotated[str, typer.Argument(metavar="LEAD", help="The lead's id, from `leadmill leads find`.")]
Language = Annotated[Lang, typer.Option("--lang", help="The language of the answer.")]


def why(
    lead: Lead,
    model: Annotated[
        str | None,
        typer.Option(help="One model's name; without it all that rule the lead.", show_default=False),
    ] = None,
    language: Language = Lang.EN,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell why a lead has its points: every line of its score, largest first, in words."""
    found = _run(data, lambda questions: questions.why(lead, model=model))
    if as_json:
        print_json(found)
        return
    for score in found["scores"]:
        print(f"{score['model']} {score['version']}: {score['words'][language.value]}")
        for line in score["lines"]:
            print(f"  {line['words'][language.value]}")


def take(
    lead: Lead,
    model: Annotated[str, typer.Option(help="The model's name.")],
    tier: Annotated[
        str | None, typer.Option(help="The tier to reach; without it the next one.", show_default=False)
    ] = None,
    activation: Annotated[
        bool, typer.Option("--activation", help="To be ready for sales instead of reaching a tier.")
    ] = False,
    language: Language = Lang.EN,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell what it would take to reach the next tier: which acts or attributes, and until when it would last.

    Exit code 1 if nothing that was tried would do.
    """
    found = _run(
        data,
        lambda questions: questions.what_would_it_take(lead, model=model, tier=tier, activation=activation),
    )
    if as_json:
        print_json(found)
    else:
        print(found["words"][language.value])
        for plan in found["plans"][1:]:
            print(f"  {plan['words'][language.value]}")
    if not (found["reached"] or found["plans"] or found["by_itself"]):
        raise typer.Exit(1)


def _run(data: Path | None, ask: Callable[[Any], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def work(deployment: Deployment) -> dict[str, Any]:
        from leadmill.platform.roster import LEAD_QUESTIONS, MODELS_OWNER

        database = deployment.service(MODELS_OWNER).database
        return await ask(LEAD_QUESTIONS(deployment.resources, database=database))

    return run_on_deployment(read_settings(data_dir=data), work)
