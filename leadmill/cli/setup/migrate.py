"""``leadmill migrate``: schemas."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import print_json, progress, read_settings, run_on_ground

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadmill.platform.ground import Ground


class PhaseChoice(StrEnum):
    """Which migrations to run."""

    ALL = "all"
    PRE = "pre"


def migrate(
    phase: Annotated[
        PhaseChoice,
        typer.Option(
            help="pre: only what the old release bears too, to run before a roll-out; all: everything,"
            " when nothing of the old release runs any more."
        ),
    ] = PhaseChoice.ALL,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring every schema to what this release needs.

    May be run again at any time, also by several at once: what is done stays done. Waits at most five
    seconds for each lock.
    """
    from leadmill.platform.composition import build_blueprints
    from leadmill.platform.schemas import migrate_schemas
    from shared.runtime.clock import SystemClock

    settings = read_settings(data_dir=data)

    async def work(ground: Ground) -> Mapping[str, Sequence[str]]:
        blueprints = build_blueprints(ground.resources(clock=SystemClock()))
        return await migrate_schemas(ground.url, blueprints, phase=phase.value)

    with progress("migrating"):
        ran = run_on_ground(settings, work)
    if as_json:
        print_json({"migrated": {schema: list(scripts) for schema, scripts in ran.items()}})
        return
    for schema, scripts in ran.items():
        print(f"{schema}: {', '.join(scripts) if scripts else 'up to date'}")
