"""Follow-ups: which count, and why an empty one does not stop a clock (R4)."""

from __future__ import annotations

from typing import ClassVar, Final

from services.routing.domain.pipeline.document import FollowUpsDocument
from shared.kernel.errors import Rejected

_LONGEST_NOTE: Final = 2_000


class FollowUpFault(Rejected):
    """A follow-up's way or result is none of those that are listed."""

    code: ClassVar[str] = "routing.follow_up_fault"


def counts(document: FollowUpsDocument, *, way: str, result: str, note: str) -> bool:
    """Return whether a follow-up counts: it says what came of it, or what was talked about.

    :raises FollowUpFault: if way or result are not listed, or the note is too long.
    """
    if len(note) > _LONGEST_NOTE or "\0" in note:
        raise FollowUpFault(f"at most {_LONGEST_NOTE} plain characters", field="note")
    if way not in document.ways:
        raise FollowUpFault(f"choose one of {', '.join(document.ways)}", field="way")
    listed = (*document.counting_results, *document.other_results)
    if result and result not in listed:
        raise FollowUpFault(f"choose one of {', '.join(listed)}, or none", field="result")
    return result in document.counting_results or len("".join(note.split())) >= document.shortest_note
