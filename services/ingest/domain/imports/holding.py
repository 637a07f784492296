"""Holding back: a lead that came with an import of history starts nothing until it is released (I11).

What is held is the profile that the import brought, so that a merge and its undoing take it along. Whoever
is known already is not held again, and a held person who turns out to be known is held no more. What they
do themselves releases them, too: a form, a visit, a download, an event attended; not what a system reports
about them, nor that they ask for no more mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

ReleaseReason: TypeAlias = Literal["released", "own_act", "imported_as_new", "merged"]


class Imported(NamedTuple):
    """What an import says of a row besides its content.

    ``is_history`` holds whoever is new; ``owner`` and ``status`` are theirs by the table.
    """

    import_id: str
    is_history: bool = False
    owner: str = ""
    status: str = ""


class Standing(NamedTuple):
    """How one of the leads that a message brings together stood before it."""

    is_captured: bool
    is_held: bool


def why_released(
    *,
    imported: Imported | None,
    release: str,
    is_own_act: bool,
    before: Iterable[Standing],
) -> ReleaseReason | None:
    """Return why a held lead is held no more, None if it still is.

    ``release`` names the import whose leads are being released; ``before`` are the leads as they were.
    """
    if any(one.is_captured and not one.is_held for one in before):
        return "merged"
    if release:
        return "released"
    if imported is not None:
        return None if imported.is_history else "imported_as_new"
    return "own_act" if is_own_act else None
