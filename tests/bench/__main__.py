"""``python -m tests.bench``: ratios, rates and latencies of this machine, in one run.

Every ratio is the median over interleaved rounds, and every run is checked: counts, totals and
digests must equal those of a plain fold, or of the other contenders. Servers are real, settings are
durable, and everything is stopped at the end. On a machine that is busy with other things read the
ratios by own processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence

import uvloop

from leadmill.platform.serving import settle_garbage
from shared.testing.kafka_jars import NoKafka
from tests.bench.on_door.measurement import profile_door
from tests.bench.parts import (
    Extent,
    compare_scoring,
    compare_with_bare_loops,
    compare_with_peer,
    measure_latencies,
    measure_the_door,
    measure_the_mill,
    measure_the_resolver,
    profile_resolver,
    profile_scoring,
    profile_tally,
)
from tests.bench.report import Line, print_json, print_table, tell
from tests.bench.scoring_parts import (
    APPENDED_EVERY,
    measure_a_long_lead,
    measure_changes,
    measure_evaluation,
    measure_settling,
)
from tests.bench.surroundings import start_servers

_BUSY = 0.5
_PARTS = "abcdefghijk"


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--part", choices=_PARTS, action="append", help="only this part; may be repeated")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument("--events", type=int, default=200_000, help="events a run of tally (default: 200000)")
    parser.add_argument("--rate", type=float, default=1000, help="events per second in c (default: 1000)")
    parser.add_argument("--seconds", type=float, default=20, help="seconds of load in c (default: 20)")
    parser.add_argument("--profile", choices="aefg", help="print where the time goes instead of comparing")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


async def measure(options: argparse.Namespace) -> list[Line]:
    """Run what was asked for and return all figures."""
    extent = Extent(rounds=options.rounds, events=options.events, rate=options.rate, seconds=options.seconds)
    parts = options.part or list(_PARTS)
    lines: list[Line] = []
    if options.profile == "e":
        with start_servers() as servers:
            await profile_door(servers, seconds=options.seconds)
        return []
    if options.profile in {"f", "g"}:
        with start_servers() as servers:
            settle_garbage()
            await (profile_resolver if options.profile == "f" else profile_scoring)(servers, extent)
        return []
    if options.profile or "a" in parts or "b" in parts:
        with start_servers() as servers:
            settle_garbage()
            if options.profile:
                await profile_tally(servers, extent)
                return []
            if "a" in parts:
                lines += await compare_with_bare_loops(servers, extent)
            if "b" in parts:
                lines += await compare_with_peer(servers, extent)
    if "c" in parts:
        lines += await measure_latencies(extent)
    if "d" in parts:
        with start_servers() as servers:
            lines += await measure_the_mill(servers, extent)
    if "e" in parts:
        with start_servers() as servers:
            lines += await measure_the_door(servers, extent)
    if "f" in parts:
        with start_servers() as servers:
            settle_garbage()
            lines += await measure_the_resolver(servers, extent)
    return lines + await measure_scoring(parts, extent)


async def measure_scoring(parts: Sequence[str], extent: Extent) -> list[Line]:
    """Run those parts that are scoring's."""
    lines: list[Line] = []
    if "g" in parts:
        with start_servers() as servers:
            settle_garbage()
            lines += await compare_scoring(servers, extent)
    if "h" in parts:
        for every in APPENDED_EVERY:
            with start_servers() as servers:
                lines += await measure_changes(servers, seconds=extent.seconds, every=every)
    if "i" in parts:
        settle_garbage()
        lines += measure_evaluation()
    if "j" in parts:
        with start_servers() as servers:
            settle_garbage()
            lines += await measure_a_long_lead(servers)
    if "k" in parts:
        for workers in (1, 2):
            with start_servers() as servers:
                lines.append(await measure_settling(servers, workers=workers))
    return lines


def main() -> int:
    """Measure, print, and return the exit code."""
    options = read_options()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > _BUSY * cores:
        tell(f"This machine is busy (load {load:.1f} on {cores} cores): ratios by wall clock will be rough.")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the product runs
            lines = runner.run(measure(options))
    except NoKafka as error:
        tell(str(error))
        return 3
    except KeyboardInterrupt:
        return 130
    if options.json:
        print_json(lines, cores=cores, load=load, rounds=options.rounds, events=options.events)
    elif lines:
        print_table(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
