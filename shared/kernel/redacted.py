"""A value that shows itself to nobody by accident."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Redacted(Generic[T]):
    """Wraps personal data or a secret: printing, logging or formatting it shows ``[redacted]``."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value; call it only where the value must really go out."""
        return self._value

    def __repr__(self) -> str:
        return "[redacted]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redacted) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)
