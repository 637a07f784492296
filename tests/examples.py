"""How many examples a property is tried with."""

from __future__ import annotations

import os


def tried(times: int) -> int:
    """Return ``times``, or what ``LEADMILL_EXAMPLES`` says instead: `make explore EXAMPLES=1000`."""
    return int(os.environ.get("LEADMILL_EXAMPLES") or times)
