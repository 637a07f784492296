"""``leadmill topics``: the topics of the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from leadmill.cli.options import Data, Json, LogChoice
from leadmill.cli.running import console, print_json, progress, read_settings, run_on_ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadmill.platform.ground import Ground
    from leadmill.platform.topics import PlannedTopic

app = typer.Typer(
    help="Topics of the event log: what is to be there, and making it so.", no_args_is_help=True
)


@app.command()
def plan(data: Data = None, log: LogChoice = None, as_json: Json = False) -> None:
    """Show what `topics apply` would do; changes nothing.

    Exit code 1 if a topic is there with another count of partitions: counts are frozen.
    """
    from leadmill.platform.topics import plan_topics

    settings = read_settings(data_dir=data, log=None if log is None else log.value)

    async def work(ground: Ground) -> Sequence[PlannedTopic]:
        return await plan_topics(ground.log, partitions=ground.settings.partitions)

    with progress("asking the log"):
        planned = run_on_ground(settings, work)
    _print(planned, as_json=as_json)
    if any(topic.action == "conflict" for topic in planned):
        raise typer.Exit(1)


@app.command()
def apply(data: Data = None, log: LogChoice = None, as_json: Json = False) -> None:
    """Create the topics that are missing; those that are there stay as they are. May be run again."""
    from leadmill.platform.topics import apply_topics

    settings = read_settings(data_dir=data, log=None if log is None else log.value)

    async def work(ground: Ground) -> Sequence[PlannedTopic]:
        return await apply_topics(ground.log, partitions=ground.settings.partitions)

    with progress("creating topics"):
        applied = run_on_ground(settings, work)
    _print(applied, as_json=as_json)


def _print(topics: Sequence[PlannedTopic], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "topics": [
                    {
                        "topic": topic.wanted.name,
                        "action": topic.action,
                        "partitions": topic.wanted.partitions,
                        "present_partitions": topic.present.partitions if topic.present else None,
                        "compacted": topic.wanted.compacted,
                        "retention_ms": topic.wanted.retention_ms,
                        "differs": topic.differs,
                    }
                    for topic in topics
                ]
            }
        )
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("topic", "", "partitions", "kept"):
        table.add_column(column)
    for topic in topics:
        present = "" if topic.present is None else f" (there: {topic.present.partitions})"
        note = " (is kept otherwise now)" if topic.differs else ""
        table.add_row(
            topic.wanted.name,
            topic.action,
            f"{topic.wanted.partitions}{present if topic.action == 'conflict' else ''}",
            _kept(topic) + note,
        )
    console().print(table)


def _kept(topic: PlannedTopic) -> str:
    if topic.wanted.compacted:
        return "latest per key"
    retention = topic.wanted.retention_ms
    return "for good" if retention is None else f"{retention / 86_400_000:g} days"
