"""What every attribution model can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class AttributionModel(Protocol):
    """Weighs the touches of a path by their place."""

    def weights(self, touches: int) -> Sequence[int]:
        """Return one weight for each of ``touches`` touches, oldest first; ``touches`` is at least 1.

        None is negative and one is positive; only their ratio counts. A weight of 0 means no credit row.
        """
        ...
