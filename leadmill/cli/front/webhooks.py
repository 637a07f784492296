"""``leadmill webhooks``: other systems that are told of tier changes, at an address of theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

T = TypeVar("T")

app = typer.Typer(
    help="Webhooks: other systems that are told of tier changes and activations, at an address of theirs.",
    no_args_is_help=True,
)


class Begin(StrEnum):
    """Where a webhook begins."""

    FIRST = "first"
    NOW = "now"


class Kind(StrEnum):
    """What can be told."""

    TIER_CHANGED = "tier_changed"
    LEAD_ACTIVATED = "lead_activated"


class Direction(StrEnum):
    """Which way a tier changes."""

    UP = "up"
    DOWN = "down"


class State(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


Webhook = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, from `leadmill webhooks list`.")]
Kinds = Annotated[
    list[Kind] | None, typer.Option("--kind", help="Only this; may be given twice.", show_default=False)
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Only of this model; may be given several times.", show_default=False),
]
Directions = Annotated[
    list[Direction] | None,
    typer.Option("--direction", help="Of tier changes, only this way.", show_default=False),
]
Tiers = Annotated[
    list[str] | None,
    typer.Option(
        "--tier", help="Of tier changes, only to this tier; may be given several times.", show_default=False
    ),
]
Name = Annotated[str | None, typer.Option(help="What people call it.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at the most.")]


@app.command()
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to post: https, on the public internet.")],
    name: Name = None,
    model: Models = None,
    direction: Directions = None,
    tier: Tiers = None,
    kind: Kinds = None,
    begin: Annotated[
        Begin, typer.Option(help="With the first change that was ever told, or from now on.")
    ] = Begin.NOW,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Let another system be told. Prints its id and its secret; the secret can be read this once."""
    wanted = _wanted(model, direction, tier, kind)

    async def work(webhooks: Any) -> Any:
        return await webhooks.create(
            url, name=name or "", wanted=wanted, from_the_first=begin == Begin.FIRST, by=_who()
        )

    _tell_secret(_run(data, work), as_json=as_json)


@app.command(name="list")
def list_webhooks(data: Data = None, as_json: Json = False) -> None:
    """List webhooks, and how each stands."""

    async def work(webhooks: Any) -> list[dict[str, Any]]:
        return [webhooks.show(one) for one in await webhooks.queries.find_webhooks()]

    rows = _run(data, work)
    if as_json:
        print_json({"webhooks": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("webhook", "name", "url", "told of", "state", "waiting", "dead", "failing since"):
        table.add_column(column, overflow="fold")
    for row in rows:
        told = [*row["kinds"], *row["models"], *row["directions"], *row["tiers"]]
        state = f"{row['state']}: {row['reason']}" if row["reason"] else row["state"]
        table.add_row(
            *(row["id"], row["name"], row["url"], " ".join(told) or "everything", state),
            *(str(row["waiting"]), str(row["dead"]), row["failing_since"] or ""),
        )
    if rows:
        console().print(table)
    else:
        print("no webhooks; `leadmill webhooks create` sets one up")


@app.command()
def change(
    webhook: Webhook,
    url: Annotated[str | None, typer.Option(help="Another address.", show_default=False)] = None,
    name: Name = None,
    model: Models = None,
    direction: Directions = None,
    tier: Tiers = None,
    kind: Kinds = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give a webhook another address, name or filter; what is not named stays."""
    wanted = {part: values for part, values in _wanted(model, direction, tier, kind).items() if values}

    async def work(webhooks: Any) -> dict[str, Any]:
        await webhooks.desk.change(webhook, url=url, name=name, wanted=wanted, by=_who())
        return await _shown(webhooks, webhook)

    _tell_state(_run(data, work), as_json=as_json)


@app.command()
def rotate(webhook: Webhook, data: Data = None, as_json: Json = False) -> None:
    """Give a webhook a new secret; the one before signs beside it for a day. Prints it, this once."""

    async def work(webhooks: Any) -> Any:
        return await webhooks.desk.rotate(webhook)

    _tell_secret(_run(data, work), as_json=as_json)


@app.command()
def disable(
    webhook: Webhook,
    reason: Annotated[str, typer.Option(help="Why; stays on record.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Switch a webhook off; it keeps its place and its deliveries."""

    async def work(webhooks: Any) -> dict[str, Any]:
        await webhooks.desk.disable(webhook, reason=reason, by=_who())
        return await _shown(webhooks, webhook)

    _tell_state(_run(data, work), as_json=as_json)


@app.command()
def enable(webhook: Webhook, data: Data = None, as_json: Json = False) -> None:
    """Switch a webhook on: it goes on where it was, and what waits is sent at once."""

    async def work(webhooks: Any) -> dict[str, Any]:
        await webhooks.desk.enable(webhook, by=_who())
        return await _shown(webhooks, webhook)

    _tell_state(_run(data, work), as_json=as_json)


@app.command()
def delete(webhook: Webhook, data: Data = None, as_json: Json = False) -> None:
    """Forget a webhook, its secrets, deliveries and attempts."""

    async def work(webhooks: Any) -> None:
        await webhooks.desk.delete(webhook)

    _run(data, work)
    if as_json:
        print_json({"deleted": webhook})
    else:
        print(f"{webhook} is deleted")


@app.command()
def deliveries(
    webhook: Webhook,
    state: Annotated[State | None, typer.Option(help="Only these.", show_default=False)] = None,
    limit: Limit = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what was told, newest first, and what became of it."""

    async def work(webhooks: Any) -> list[dict[str, Any]]:
        wanted = None if state is None else state.value
        found = await webhooks.queries.find_deliveries(webhook, state=wanted, limit=limit)
        return [webhooks.show_delivery(one) for one in found]

    columns = ("delivery", "event", "kind", "lead", "state", "attempts", "status", "code", "next_attempt")
    _tell_rows("deliveries", columns, _run(data, work), as_json=as_json)


@app.command()
def attempts(
    webhook: Webhook,
    delivery: Annotated[int | None, typer.Option(help="Only of this delivery.", show_default=False)] = None,
    limit: Limit = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List attempts, newest first, with what was answered."""

    async def work(webhooks: Any) -> list[dict[str, Any]]:
        found = await webhooks.queries.find_attempts(webhook, number=delivery, limit=limit)
        return [webhooks.show_attempt(one) for one in found]

    columns = ("at", "delivery", "attempt", "status", "code")
    _tell_rows("attempts", columns, _run(data, work), as_json=as_json)


@app.command()
def retry(
    webhook: Webhook,
    delivery: Annotated[
        int | None,
        typer.Option(help="Only this one, even if it was delivered; else all others.", show_default=False),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send again at once what waits or is dead, each under its old id; `leadmill up` does the rest."""

    async def work(webhooks: Any) -> int:
        count: int = await webhooks.desk.retry(webhook, number=delivery)
        return count

    count = _run(data, work)
    if as_json:
        print_json({"retried": count})
    else:
        print(f"{count} will be sent again at once")


def _wanted(
    model: list[str] | None,
    direction: list[Direction] | None,
    tier: list[str] | None,
    kind: list[Kind] | None,
) -> dict[str, list[str]]:
    return {
        "kinds": [one.value for one in kind or ()],
        "models": list(model or ()),
        "directions": [one.value for one in direction or ()],
        "tiers": list(tier or ()),
    }


async def _shown(webhooks: Any, webhook: str) -> dict[str, Any]:
    row: dict[str, Any] = webhooks.show(await webhooks.queries.find_webhook(webhook))
    return row


def _tell_secret(made: Any, *, as_json: bool) -> None:
    if as_json:
        print_json({"webhook": made.webhook, "secret": made.secret.reveal()})
    else:
        print(f"{made.webhook}\n{made.secret.reveal()}")


def _tell_state(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        print(f"{row['id']} is {row['state']}" + (f": {row['reason']}" if row["reason"] else ""))


def _tell_rows(what: str, columns: tuple[str, ...], rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({what: rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    if rows:
        console().print(table)
    else:
        print(f"no {what}")


def _who() -> str:
    from leadmill.platform.access import who_runs_this

    return who_runs_this()


def _run(data: Path | None, work: Callable[[Any], Awaitable[T]]) -> T:
    async def with_webhooks(deployment: Deployment) -> T:
        from leadmill.platform.roster import WEBHOOKS, WEBHOOKS_OWNER

        owner = deployment.service(WEBHOOKS_OWNER)
        return await work(WEBHOOKS(deployment.resources, database=owner.database))

    return run_on_deployment(read_settings(data_dir=data), with_webhooks)
