"""Repeats: the same form with the same values within minutes is one submission (I4)."""

from __future__ import annotations

from collections.abc import Mapping

from shared.kernel.instants import SECOND, Instant


class FormWindow:
    """Knows when forms took effect last; ``forms`` are keyed hashes of all that was filled in."""

    def __init__(self, took_effect: Mapping[str, Instant], *, seconds: int) -> None:
        self._last = dict(took_effect)
        self._window = seconds * SECOND
        self.took_effect: dict[str, Instant] = {}

    def is_repeat(self, form: str, received: Instant) -> bool:
        """Return whether the same took effect within the window, before or after."""
        last = self._last.get(form)
        return last is not None and abs(received - last) <= self._window

    def note(self, form: str, received: Instant) -> None:
        """Note that a form takes effect."""
        self._last[form] = self.took_effect[form] = max(received, self._last.get(form, received))
