"""The verdict on a document that cannot be used as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from shared.kernel.faults import Fault, Faults

__all__ = ["DocumentFaults", "Fault", "raise_if_any"]


class DocumentFaults(Faults):
    """A business document has faults; all of them are listed, each with its path."""

    code: ClassVar[str] = "document.faults"


def raise_if_any(faults: Sequence[Fault], *, about: str) -> None:
    """Do nothing for no faults.

    :raises DocumentFaults: if there is at least one.
    """
    if faults:
        raise DocumentFaults(faults, about=about)
