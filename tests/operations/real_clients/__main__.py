"""``python -m tests.operations.real_clients``: real SDKs, an outage, and a count of what arrived.

Installs the SDKs from their registries outside of the repository, starts a platform (``--log kafka``
or ``embedded``) with a spill, lets every client send for ``--seconds``, takes the broker (or the
database) away for ``--outage`` seconds in the middle, and then compares what each client says it sent
with the topics, by message id. Exit code 1 and the ids if anything is missing, doubled or unknown, or
if the audit finds a breach.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.operations.real_clients.clients import CLIENTS, Client, Report, run_client
from tests.operations.real_clients.comparing import Line, compare, read_what_was_said
from tests.operations.real_clients.ground import Ground, run_platform
from tests.operations.real_clients.packages import Missing, Workshop

_SETTLING = 90.0
_SHOWN = 5
_SAID = 5_000


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.real_clients", description=__doc__)
    parser.add_argument("--log", choices=["kafka", "embedded"], action="append", help="default: both in turn")
    parser.add_argument("--client", action="append", choices=[one.name for one in CLIENTS], help="only this")
    parser.add_argument("--count", type=int, default=150, help="acts that each client sends (default: 150)")
    parser.add_argument("--seconds", type=float, default=40, help="for how long it sends (default: 40)")
    parser.add_argument(
        "--outage", type=float, default=15, help="seconds without a log (default: 15; 0: none)"
    )
    parser.add_argument("--json", action="store_true", help="print the lines as JSON")
    return parser.parse_args()


def tell(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


async def send_everything(
    ground: Ground, clients: Sequence[Client], keys: Mapping[str, str], options: argparse.Namespace
) -> Mapping[str, Report]:
    """Let all clients send side by side, with the outage in the middle."""
    workshop = Workshop()
    async with asyncio.TaskGroup() as tasks:
        sending = {
            client.name: tasks.create_task(
                run_client(
                    client,
                    workshop,
                    address=ground.platform.address,
                    key=keys[client.name],
                    count=options.count,
                    seconds=options.seconds,
                )
            )
            for client in clients
        }
        if options.outage:
            middle = max(options.seconds - options.outage, 0) / 2
            tasks.create_task(ground.outage(after=middle, seconds=options.outage))
    return {name: task.result() for name, task in sending.items()}


async def count(
    ground: Ground, clients: Sequence[Client], reports: Mapping[str, Report], *, patience: float = 0
) -> list[Line]:
    """Read the topics, again until they hold everything that was sent or patience (seconds) ends."""
    deadline = time.monotonic() + patience
    async with ground.open_log() as log:
        while True:
            said = await read_what_was_said(log)
            lines = [compare(one, reports[one.name], said.get(one.name)) for one in clients]
            if not any(line.missing for line in lines) or time.monotonic() > deadline:
                break
            await asyncio.sleep(2)
    return lines


def run(kind: str, clients: Sequence[Client], options: argparse.Namespace) -> tuple[list[Line], bool]:
    """Run everything on one log; return the lines and whether the audit is content."""
    with run_platform("kafka" if kind == "kafka" else "embedded") as ground:
        tell(f"{kind}: the platform is up; making {len(clients)} keys")
        keys = {one.name: ground.command("key", "add", one.name, "--json").document["key"] for one in clients}
        tell(f"{kind}: sending for {options.seconds:g} s, without a log for {options.outage:g} s of them")
        reports = asyncio.run(send_everything(ground, clients, keys, options))
        given = ", ".join(f"{times} × {status}" for status, times in ground.answers().items())
        tell(f"{kind}: everything is sent, and was answered {given}; working it off, then the audit")
        asyncio.run(count(ground, clients, reports, patience=_SETTLING))
        audit = ground.command("audit")
        lines = asyncio.run(count(ground, clients, reports))
        if audit.code:
            tell(audit.out + audit.err)
        if not all(line.is_right for line in lines):
            tell(ground.platform.said()[-_SAID:])
        return lines, audit.code == 0


def show(kind: str, lines: Sequence[Line]) -> None:
    """Print a table, and what is wrong."""
    table = Table(title=f"{kind}: what clients sent, and what was said of it", title_justify="left")
    table.add_column("client")
    table.add_column("package")
    for name in ("sent", "once", "missing", "doubled", "unknown", "resent"):
        table.add_column(name, justify="right")
    for line in lines:
        faults = (len(line.missing), len(line.doubled), len(line.unknown), line.resent)
        table.add_row(line.client.name, line.client.shown, *map(str, (line.sent, line.once, *faults)))
    Console(width=110).print(table)
    for line in lines:
        for what in ("missing", "doubled", "unknown", "failed"):
            for text in getattr(line, what)[:_SHOWN]:
                print(f"{line.client.name}: {what}: {text}")


def main() -> int:
    """Run it all."""
    options = read_options()
    clients = [one for one in CLIENTS if not options.client or one.name in options.client]
    try:
        Workshop().install()
    except Missing as missing:
        tell(str(missing))
        return 3
    is_right = True
    for kind in options.log or ["kafka", "embedded"]:
        lines, is_content = run(kind, clients, options)
        is_right = is_right and is_content and all(line.is_right for line in lines)
        if options.json:
            rows = [
                {
                    "log": kind,
                    "client": one.client.name,
                    "sent": one.sent,
                    "once": one.once,
                    "resent": one.resent,
                }
                for one in lines
            ]
            print(json.dumps(rows))
        else:
            show(kind, lines)
        print(f"{kind}: the audit {'holds' if is_content else 'found breaches'}")
    print("every event arrived exactly once" if is_right else "there are differences")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
