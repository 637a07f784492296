"""``leadmill dlq``: records that could not be used, and partitions that wait for a person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, progress, read_settings, run_on_deployment

if TYPE_CHECKING:
    from leadmill.platform.dead_letters import Choice, HaltedPartition, ListedLetter
    from leadmill.platform.deployed import Deployment
    from shared.processor.replay import ReplayResult
    from shared.processor.tables.dead_letters import DeadLetter

app = typer.Typer(help="Dead letters: records that could not be used, as they came.", no_args_is_help=True)

Service = Annotated[str | None, typer.Option(metavar="NAME", help="Only this service's.", show_default=False)]
Code = Annotated[str | None, typer.Option(help="Only those put aside for this reason.", show_default=False)]
Topic = Annotated[str | None, typer.Option(help="Only those from this topic.", show_default=False)]
Since = Annotated[
    datetime | None,
    typer.Option(help="Only those put aside since then (UTC).", show_default=False),
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many per service, oldest first.")]


@app.command(name="list")
def list_letters(
    service: Service = None,
    code: Code = None,
    topic: Topic = None,
    since: Since = None,
    limit: Limit = 100,
    replayed: Annotated[bool, typer.Option("--replayed", help="Those that were replayed, too.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List dead letters, oldest first, and the partitions that are halted. Shows nothing personal."""
    from leadmill.platform.dead_letters import find_halts, find_letters

    choice = _choice(service=service, code=code, topic=topic, since=since, limit=limit)

    async def work(deployment: Deployment) -> tuple[list[ListedLetter], list[HaltedPartition]]:
        return (
            await find_letters(deployment, choice, with_replayed=replayed),
            await find_halts(deployment, choice.service),
        )

    letters, halts = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json(
            {"dead_letters": [_as_row(one) for one in letters], "halted": [one._asdict() for one in halts]}
        )
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("id", "service", "code", "type", "at", "since", "replayed"):
        table.add_column(column, overflow="fold")
    for service_name, letter in letters:
        table.add_row(
            letter.id, service_name, letter.code, letter.error_type,
            f"{letter.topic}/{letter.partition}@{letter.offset}",
            f"{letter.failed:%Y-%m-%d %H:%M}",
            f"{letter.replayed:%Y-%m-%d %H:%M}" if letter.replayed else "",
        )  # fmt: skip
    if letters:
        console().print(table)
    else:
        print("no dead letters")
    for halt in halts:
        print(f"halted: {halt.topic}/{halt.partition} of {halt.service} at {halt.offset}: {halt.code}")


@app.command()
def show(
    letter_id: Annotated[
        str, typer.Argument(metavar="ID", help="The dead letter's id, from `leadmill dlq list`.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one dead letter with its untouched bytes. They may hold personal data."""
    from leadmill.platform.dead_letters import find_letter

    async def work(deployment: Deployment) -> tuple[str, DeadLetter]:
        return await find_letter(deployment, letter_id)

    service, letter = run_on_deployment(read_settings(data_dir=data), work)
    document: dict[str, Any] = {
        "id": letter.id,
        "service": service,
        "code": letter.code,
        "error_type": letter.error_type,
        "attempts": letter.attempts,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "timestamp": letter.timestamp,
        "key": _text(letter.key),
        "headers": {name: _text(value) for name, value in letter.headers},
        "value": _text(letter.value),
    }
    if as_json:
        print_json(document)
        return
    for name, value in document.items():
        print(f"{name}: {value}")


@app.command()
def replay(
    letter_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="These dead letters.")
    ] = None,
    service: Service = None,
    code: Code = None,
    topic: Topic = None,
    since: Since = None,
    limit: Limit = 1000,
    everything: Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell which ones it would be.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send dead letters through the service's normal path again, after whatever was wrong is put right.

    Each takes effect once, however often it is replayed and whatever runs beside it. One that is refused
    again stays. Exit code 1 if any is.
    """
    from leadmill.platform.dead_letters import find_letters, replay_letters

    has_filter = bool(letter_ids or service or code or topic or since)
    if not (has_filter or everything):
        raise typer.BadParameter("say which: name ids, give a filter, or --all")
    choice = _choice(service=service, code=code, topic=topic, since=since, limit=limit, ids=letter_ids)
    settings = read_settings(data_dir=data)
    if dry_run:

        async def look(deployment: Deployment) -> list[ListedLetter]:
            return await find_letters(deployment, choice)

        letters = run_on_deployment(settings, look)
        if as_json:
            print_json({"would_replay": [_as_row(one) for one in letters]})
        else:
            for name, letter in letters:
                print(f"{letter.id} {name} {letter.code} {letter.topic}/{letter.partition}@{letter.offset}")
            print(f"{len(letters)} would be replayed")
        return
    with progress("replaying"):

        async def work(deployment: Deployment) -> list[ReplayResult]:
            return await replay_letters(deployment, choice)

        results = run_on_deployment(settings, work)
    _print_results(results, as_json=as_json)


@app.command()
def resume(
    service: Service = None,
    topic: Topic = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this one.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are halted.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let halted partitions go on; the service notices within a second. Put right what was wrong first."""
    from leadmill.platform.dead_letters import resume_partitions

    if not (service or topic or partition is not None or everything):
        raise typer.BadParameter("say which: --service, --topic, --partition, or --all")

    async def work(deployment: Deployment) -> int:
        return await resume_partitions(deployment, service=service, topic=topic, partition=partition)

    count = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"resumed": count})
    else:
        print(f"{count} resumed")


def _choice(
    *,
    service: str | None,
    code: str | None,
    topic: str | None,
    since: datetime | None,
    limit: int,
    ids: list[str] | None = None,
) -> Choice:
    from datetime import UTC

    from leadmill.platform.dead_letters import Choice

    at = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    return Choice(service=service, code=code, topic=topic, since=at, limit=limit, ids=frozenset(ids or ()))


def _print_results(results: list[ReplayResult], *, as_json: bool) -> None:
    from shared.processor.replay import Replayed

    refused = [result for result in results if result.result is Replayed.REFUSED]
    if as_json:
        print_json(
            {"replayed": [{"id": one.id, "result": one.result.value, "code": one.code} for one in results]}
        )
    else:
        for result in refused:
            print(f"{result.id}: {result.result.value} ({result.code})")
        applied = sum(result.result is Replayed.APPLIED for result in results)
        before = sum(result.result is Replayed.BEFORE for result in results)
        print(f"{applied} applied, {before} replayed before, {len(refused)} refused again")
    if refused:
        raise typer.Exit(1)


def _as_row(listed: ListedLetter) -> dict[str, Any]:
    service, letter = listed
    return {"service": service, **letter._asdict()}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")
