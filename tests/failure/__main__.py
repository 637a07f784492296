"""``python -m tests.failure``: the long runs that kill things. Exit code 1 if anything differs.

Without options everything is run that is not done yet for this state of the code: stopped at any
time, it goes on where it was. ``--minutes`` begins no further run after so many, ``--share 2/3``
does the second third, ``--share quick`` what `make test` does, ``--kind zombies,gap`` these
kinds or single runs (again), as ``random-6`` or ``services-planted-1-corrected_twice``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from tests.failure.on_chain.runs import CHAIN, CHAIN_QUICK
from tests.failure.on_door.runs import DOOR
from tests.failure.on_models.runs import MODELS
from tests.failure.on_services.runs import SERVICES, SERVICES_QUICK
from tests.failure.plan import FULL, PLANTED, QUICK, Run, cut
from tests.failure.report import Report, carry_out
from tests.failure.surroundings.ground import Ground

_ROOT = Path(__file__).parents[2]
EVERYTHING: Final = (*FULL, *SERVICES, *MODELS, *CHAIN, *DOOR)


class Progress(msgspec.Struct):
    """Which runs are done, of which state of the code that they try."""

    code: str
    done: list[str] = []


def _progress_file() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leadmill"
    cache.mkdir(parents=True, exist_ok=True)
    return cache / f"failure-{hashlib.sha256(str(_ROOT).encode()).hexdigest()[:12]}.json"


def _load_progress(file: Path) -> Progress:
    code = "\n".join(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("shared", "services", "tests/failure")
        for path in sorted((_ROOT / folder).rglob("*.py"))
    )
    digest = hashlib.sha256(code.encode()).hexdigest()
    if file.exists():
        progress = msgspec.json.decode(file.read_bytes(), type=Progress)
        if progress.code == digest:
            return progress
    return Progress(digest)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.failure", description=__doc__)
    parser.add_argument("--minutes", type=float, help="begin no further run after so many minutes")
    parser.add_argument("--share", default="", help="quick, or i/n")
    kinds = [
        "services",
        "chain",
        "models",
        "services-quick",
        "chain-quick",
        *dict.fromkeys(run.kind for run in EVERYTHING),
    ]
    parser.add_argument("--kind", default="", help=", ".join(kinds))
    parser.add_argument(
        "--times", type=int, default=1, help="with --kind: how often, each time with other seeds"
    )
    return parser.parse_args(arguments)


def _choose(options: argparse.Namespace) -> tuple[Run, ...]:
    if options.share == "quick":
        return (*QUICK, *PLANTED[:2], *SERVICES_QUICK, *CHAIN_QUICK)
    runs = EVERYTHING
    if options.kind:
        runs = (*EVERYTHING, *SERVICES_QUICK, *CHAIN_QUICK)
        kinds = options.kind.split(",")
        chosen = tuple(
            run
            for run in runs
            if any(f"{run.kind}-{run.number}-{run.plant}-".startswith(f"{kind}-") for kind in kinds)
        )
        again = [
            replace(run, number=run.number + 100 * turn) for turn in range(options.times) for run in chosen
        ]
        return tuple(again)
    if options.share:
        share, _, shares = options.share.partition("/")
        return cut(runs, int(share), int(shares))
    return runs


async def _carry_out(
    runs: tuple[Run, ...], *, minutes: float | None, progress: Progress | None, file: Path
) -> int:
    report = Report()
    began = time.monotonic()
    left = [run for run in runs if progress is None or run.name not in progress.done]
    print(
        f"{len(left)} of {len(runs)} runs, about {sum(run.seconds for run in left) / 60:.0f} min", flush=True
    )
    with Ground() as ground:
        while left and (minutes is None or time.monotonic() - began < minutes * 60):
            run = left.pop(0)
            report.add(run, await carry_out(run, ground))
            if progress is not None and run.name not in report.failed:
                progress.done.append(run.name)
                file.write_bytes(msgspec.json.encode(progress))
    report.print_sum()
    if left:
        print(f"{len(left)} runs are left; the same command goes on with them")
    elif progress is not None and not report.failed:
        file.unlink(missing_ok=True)
    return 1 if report.failed else 0


def main(arguments: list[str] | None = None) -> int:
    """Run what the options ask for."""
    options = _parse(arguments)
    for noisy in ("aiokafka", "asyncpg", "asyncio", "shared"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    runs = _choose(options)
    if not runs:
        print("no such kind or share; see --help")
        return 2
    file = _progress_file()
    is_resumed = not options.share and not options.kind
    progress = _load_progress(file) if is_resumed else None
    try:
        return asyncio.run(_carry_out(runs, minutes=options.minutes, progress=progress, file=file))
    except KeyboardInterrupt:
        print("stopped; the same command goes on with what is left")
        return 130


if __name__ == "__main__":
    sys.exit(main())
