"""``python -m tests.bench``: prints ratios, rates and latencies on this machine, one line each."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from leadmill.platform.serving import settle_garbage
from tests.bench.on_tally.contenders import BARE, PROCESSOR, WITH_TIMERS, tally_contenders
from tests.bench.on_tally.workload import prepare_tally
from tests.bench.report import Line, print_json, print_table, tell
from tests.bench.rounds import interleave
from tests.bench.surroundings import Servers, start_servers


async def main(servers: Servers, options: argparse.Namespace) -> Sequence[Line]:
    settle_garbage()
    workload = await prepare_tally(servers, events=options.events)
    contenders = tally_contenders(workload)
    rounds = await interleave([contenders[n] for n in (PROCESSOR, BARE, WITH_TIMERS)], rounds=options.rounds)
    lines = [
        Line(
            part="a",
            what="tally against the bare loop",
            figure=rounds.ratio(PROCESSOR, BARE),
            target=0.8,
            remark=f"by own processor time {rounds.own_ratio(PROCESSOR, BARE):.2f}",
        ),
        Line(
            part="a",
            what="tally with a clock per ten events",
            figure=rounds.ratio(WITH_TIMERS, BARE),
            target=0.65,
            remark=f"by own processor time {rounds.own_ratio(WITH_TIMERS, BARE):.2f}",
        ),
    ]
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=200_000)
    o = parser.parse_args()
    with start_servers() as servers:
        print_table(asyncio.run(main(servers, o)))
