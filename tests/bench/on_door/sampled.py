"""The product's command, its processor time sampled: ``python -m tests.bench.on_door.sampled …``.

Prints, when it ends, where the time went since the last SIGUSR2; see :mod:`tests.bench.profile`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from typing import Final

from leadmill.cli import main
from tests.bench.profile import Sampler

_MOST_FUNCTIONS: Final = 30


def _print_shares(title: str, counted: Mapping[str, int]) -> None:
    total = sum(counted.values()) or 1
    print(title)
    for name, count in sorted(counted.items(), key=lambda item: -item[1])[:_MOST_FUNCTIONS]:
        print(f"  {count / total:6.1%}  {name}")


if __name__ == "__main__":
    sampler = Sampler()

    def begin_anew(*_: object) -> None:
        """Forget what was sampled so far: the start of a process imports for seconds."""
        sampler.functions.clear()
        sampler.packages.clear()

    signal.signal(signal.SIGUSR2, begin_anew)
    with sampler.sampling():
        code = main()
    _print_shares(f"by package ({sum(sampler.packages.values())} samples)", sampler.packages)
    _print_shares("by function, C called by it included", sampler.functions)
    sys.exit(code)
