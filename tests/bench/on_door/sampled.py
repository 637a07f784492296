"""The product's command, its processor time sampled: ``python -m tests.bench.on_door.sampled …``.

Prints, when it ends, where the time went; see :mod:`tests.bench.profile`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from leadmill.cli import main
from tests.bench.profile import Sampler

_MOST_FUNCTIONS: Final = 45


def print_shares(title: str, counted: Mapping[str, int]) -> None:
    """Print the largest shares of all samples."""
    total = sum(counted.values()) or 1
    print(title)
    for name, count in sorted(counted.items(), key=lambda item: -item[1])[:_MOST_FUNCTIONS]:
        print(f"  {count / total:6.1%}  {name}")


if __name__ == "__main__":
    sampler = Sampler()
    with sampler.sampling():
        code = main()
    print_shares(f"by package ({sum(sampler.packages.values())} samples)", sampler.packages)
    print_shares("by function, C called by it included", sampler.functions)
    sys.exit(code)
