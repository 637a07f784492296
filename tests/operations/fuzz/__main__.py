"""``make fuzz``, or ``python -m tests.operations.fuzz``: hostile requests at the whole platform.

Bounded by count and time; exit code 1 if anything was answered 5xx but a deliberate 503, a request stayed
unanswered, the server ended, took more than 300 MB, or what it acknowledged is not accounted for.
``--only N`` fires one shot by its number and prints it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.operations.fuzz.besieging import Siege, besiege, document_of, open_fort
from tests.operations.fuzz.drafting import Drafts, draft

_FAULTS_SHOWN = 30


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of all shots (default: 1)")
    parser.add_argument("--begin", type=int, default=0, help="number of the first shot (default: 0)")
    parser.add_argument("--count", type=int, default=100_000, help="how many shots (default: 100000)")
    parser.add_argument("--seconds", type=float, default=420, help="for how long at most (default: 420)")
    parser.add_argument(
        "--drafts",
        type=int,
        default=20,
        help="requests from the OpenAPI document per operation (default: 20)",
    )
    parser.add_argument("--only", type=int, help="fire this shot alone and print it")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> tuple[Siege, Drafts]:
    """Fire what was asked for."""
    async with open_fort() as fort:
        if options.only is not None:
            shot = fort.shot(options.only, seed=options.seed)
            print(shot.target, len(shot.wire), shot.wire[:2_000])
            siege = await besiege(fort, seed=options.seed, begin=options.only, count=1, seconds=60)
            print(fort.running.said()[-4_000:])
            return siege, Drafts()
        drafts = Drafts()
        if options.drafts:
            document = await document_of(fort)
            drafts = await asyncio.to_thread(
                draft,
                document,
                address=fort.running.address,
                key=fort.key,
                examples=options.drafts,
                seed=options.seed,
            )
        siege = await besiege(
            fort, seed=options.seed, begin=options.begin, count=options.count, seconds=options.seconds
        )
        return siege, drafts


def tell_drafts(drafts: Drafts) -> None:
    """Print what came of the requests from the document."""
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(drafts.answers.items()))
    print(f"from the OpenAPI document, {drafts.operations} operations: {answers or 'nothing'}")
    for fault in drafts.faults[:_FAULTS_SHOWN]:
        print(f"FAULT {fault}")


def tell(siege: Siege, options: argparse.Namespace) -> None:
    """Print what came of it."""
    score = siege.score
    last = options.begin + score.fired - 1
    print(
        f"seed {options.seed}, shots {options.begin} to {last}: {score.fired:,} in {siege.seconds:.0f} s"
        f" ({score.fired / max(siege.seconds, 0.001):,.0f}/s)"
    )
    answers = {status: count for status, count in sorted(score.answers.items()) if status}
    print(f"answers: {', '.join(f'{count:,} × {status}' for status, count in answers.items())}")
    print(
        f"deliberate 503: {dict(score.unavailable) or 'none'};"
        f" connections that the server ended: {score.hung_up:,}"
    )
    print(f"slow and half-open connections held beside: {score.answers[0]:,}")
    print(f"memory of the server: {siege.at_rest / 1e6:.0f} MB at rest, {siege.largest / 1e6:.0f} MB at most")
    print(
        f"accepted {siege.accepted:,} messages, dealt with {siege.read:,},"
        f" of them {siege.quarantined:,} in quarantine and {siege.dead:,} dead letters"
    )
    for fault in siege.faults[:_FAULTS_SHOWN]:
        print(f"FAULT {fault}")
    print(f"{len(siege.faults)} faults")


def main() -> int:
    """Fire, print, and return the exit code."""
    options = read_options()
    siege, drafts = asyncio.run(run(options))
    tell_drafts(drafts)
    tell(siege, options)
    return 1 if siege.faults or drafts.faults else 0


if __name__ == "__main__":
    sys.exit(main())
