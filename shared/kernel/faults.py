"""What is wrong with something that a person wrote into a document, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from shared.kernel.errors import Rejected


class Fault(NamedTuple):
    """One fault: ``path`` leads to it (``groups[0].rules[2].points``), ``text`` says what is allowed."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class Faults(Rejected):
    """A document has faults; all of them are listed, each with its path."""

    code = "faults"

    def __init__(self, faults: Sequence[Fault], *, about: str = "") -> None:
        self.faults = tuple(faults)
        heading = f"{about}: " if about else ""
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{heading}{count}", *(f"  {fault}" for fault in self.faults)]))


def show(value: object) -> str:
    """Return a value from a document as a person would recognise it, shortened to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def allowed(choices: Iterable[str], *, instead_of: object = None) -> str:
    """Return "allowed: a, b, c", led by a guess where ``instead_of`` looks like a slip of the pen."""
    names = sorted(choices)
    guess = get_close_matches(instead_of, names, n=1) if isinstance(instead_of, str) else []
    listed = f"allowed: {', '.join(names) if names else 'nothing'}"
    return f"did you mean {guess[0]}? {listed}" if guess else listed
