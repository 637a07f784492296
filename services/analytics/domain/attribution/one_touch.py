"""The models that give everything to one touch (A1)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class FirstTouch(msgspec.Struct, frozen=True, tag_field="type", tag="first", forbid_unknown_fields=True):
    """Everything to the first touch."""

    def weights(self, touches: int) -> Sequence[int]:
        """Return 1 for the first."""
        return [1, *[0] * (touches - 1)]


class LastTouch(msgspec.Struct, frozen=True, tag_field="type", tag="last", forbid_unknown_fields=True):
    """Everything to the last touch."""

    def weights(self, touches: int) -> Sequence[int]:
        """Return 1 for the last."""
        return [*[0] * (touches - 1), 1]
