"""The models that share between all touches (A1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[int, Meta(ge=0, le=100)]
"""Hundredths of an outcome."""


class Linear(msgspec.Struct, frozen=True, tag_field="type", tag="linear", forbid_unknown_fields=True):
    """The same to every touch."""

    def weights(self, touches: int) -> Sequence[int]:
        """Return 1 for each."""
        return [1] * touches


class Positions(msgspec.Struct, frozen=True, tag_field="type", tag="positions", forbid_unknown_fields=True):
    """``first`` and ``last`` hundredths to the two ends; those between share the rest evenly.

    One touch takes everything. Two share as ``first`` is to ``last``, and evenly if both are 0.
    """

    first: Share
    last: Share

    def __post_init__(self) -> None:
        """Refuse more than the whole.

        :raises ValueError: if the two ends take more than 100.
        """
        if self.first + self.last > 100:
            raise ValueError("first and last take more than 100 together")

    def weights(self, touches: int) -> Sequence[int]:
        """Return the weights; the middle share is multiplied out, so that all are whole."""
        if touches == 1:
            return [1]
        if touches == 2:
            return [self.first, self.last] if self.first + self.last else [1, 1]
        between = touches - 2
        rest = 100 - self.first - self.last
        return [self.first * between, *[rest] * between, self.last * between]
