"""``leadmill leads invalidate``, ``validate`` and ``reasons``: who is nobody, as people say (I5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

Lead = Annotated[str, typer.Argument(metavar="LEAD", help="The lead's id.")]
_BY = "command line"


def invalidate(
    lead: Lead,
    reason: Annotated[str, typer.Option(help="Why; `leadmill leads reasons` lists what may be given.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Call a lead invalid: kept, and never shown to sales. `leadmill leads validate` takes it back."""
    _say(lead, data, as_json=as_json, invalid=reason)


def validate(
    lead: Lead,
    pardons: Annotated[
        bool, typer.Option("--with-acts", help="Its acts count, too, that were dismissed as a machine's.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Call a lead valid, whatever the rules say; it is as it would be had nobody called it invalid."""
    _say(lead, data, as_json=as_json, pardons=pardons)


def reasons(data: Data = None, as_json: Json = False) -> None:
    """List the reasons for which a lead may be called invalid."""

    async def work(desk: Any) -> dict[str, Any]:
        return {"reasons": desk.reasons}

    found = _run(data, work)
    if as_json:
        print_json(found)
    else:
        print("\n".join(found["reasons"]))


def _run(data: Path | None, work: Callable[[Any], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def on_desk(deployment: Deployment) -> dict[str, Any]:
        from leadmill.platform.roster import KEYS_OWNER, VALIDITY

        database = deployment.service(KEYS_OWNER).database
        return await work(VALIDITY(deployment.resources, database=database))

    return run_on_deployment(read_settings(data_dir=data), on_desk)


def _say(lead: str, data: Path | None, *, as_json: bool, **what: Any) -> None:
    """Say of a lead what it is, and tell what became of it."""

    async def work(desk: Any) -> dict[str, Any]:
        import secrets

        from shared.runtime.clock import SystemClock

        done: dict[str, Any] = await desk.call(
            lead,
            by=_BY,
            received=SystemClock().now(),
            idempotency_key=secrets.token_hex(16),
            **what,
        )
        return done

    done = _run(data, work)
    if as_json:
        print_json(done)
        return
    standing = "invalid" if done["is_invalid"] else "valid"
    print(f"lead {done['lead']}: {standing}{'' if done['changed'] else ' (as before)'}")
