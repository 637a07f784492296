"""``leadmill up`` and ``leadmill run``: the services, until they are stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from leadmill.cli.options import Data, LogChoice
from leadmill.cli.running import read_settings, run_as_process

if TYPE_CHECKING:
    from leadmill.platform.serving import Addresses
    from shared.runtime.process import Lifeline

Port = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="The port of the public API (default: LEADMILL_PORT, else 8080).",
        show_default=False,
    ),
]
AdminPort = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="The port of /livez, /readyz, /metrics and /info (default: LEADMILL_ADMIN_PORT, else 9080).",
        show_default=False,
    ),
]


class RoleChoice(StrEnum):
    """What a process of one service does."""

    API = "api"
    WORKER = "worker"
    ALL = "all"


def up(port: Port = None, admin_port: AdminPort = None, log: LogChoice = None, data: Data = None) -> None:
    """Run all services on this machine, until stopped.

    Starts the database that comes along, unless LEADMILL_POSTGRES names one; brings schemas and topics
    to what this release needs; then serves. Ctrl-C or SIGTERM stops it with nothing half done.
    """
    from leadmill.platform.roster import ROSTER
    from leadmill.platform.serving import Assignment, run_platform

    settings = read_settings(
        port=port, admin_port=admin_port, log=None if log is None else log.value, data_dir=data
    )

    async def main(lifeline: Lifeline) -> None:
        await run_platform(
            settings, Assignment(prepares=True, announces=_announcing(ROSTER)), lifeline=lifeline
        )

    raise typer.Exit(run_as_process(main, level=settings.log_level))


def run(
    service: Annotated[str, typer.Argument(help="The service, for example ingest or scoring.")],
    role: Annotated[
        RoleChoice,
        typer.Option(help="api answers requests, worker processes events and does jobs, all does both."),
    ] = RoleChoice.ALL,
    port: Port = None,
    admin_port: AdminPort = None,
    log: LogChoice = None,
    data: Data = None,
) -> None:
    """Run one service in one role, for production.

    Expects `leadmill migrate` and `leadmill topics apply` to have run: with a schema that is too old, or
    topics that are missing or have another count, it waits and /readyz says for what.
    """
    from leadmill.platform.roster import entry_of
    from leadmill.platform.serving import Assignment, run_platform

    settings = read_settings(
        port=port, admin_port=admin_port, log=None if log is None else log.value, data_dir=data
    )

    async def main(lifeline: Lifeline) -> None:
        entry_of(service)
        assignment = Assignment(services=(service,), role=role.value, announces=_announcing((service,)))
        await run_platform(settings, assignment, lifeline=lifeline)

    raise typer.Exit(run_as_process(main, level=settings.log_level))


def _announcing(services: Collection[str]) -> Callable[[Addresses], None]:
    """Return what says where to go, on standard output; standard error has the log."""
    from leadmill.platform.roster import entry_of

    pages = ", ".join(f"{entry_of(service).path}/docs" for service in services)

    def announce(addresses: Addresses) -> None:
        if addresses.api:
            print(f"Leadmill answers on {addresses.api} (pages: {pages})")
        print(f"Admin (/livez /readyz /metrics /info) on {addresses.admin}; Ctrl-C stops it", flush=True)

    return announce
