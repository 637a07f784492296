"""The hand-over list (R8): checked before a lead may become an opportunity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from services.routing.domain.lead import Lead
from services.routing.domain.pipeline.document import PipelineDocument
from shared.kernel.errors import Rejected

_LONGEST: Final = 2_000


class HandoverFault(Rejected):
    """A field of the hand-over list does not fit."""

    code: ClassVar[str] = "routing.handover_fault"


def fill(document: PipelineDocument, lead: Lead, given: Mapping[str, str]) -> dict[str, str]:
    """Return the hand-over list with these fields filled in; an empty text clears one.

    :raises HandoverFault: if a field is unknown, no choice, or too long.
    """
    fields = {one.field: one.choices for one in document.handover}
    filled = dict(lead.handover)
    for name, value in given.items():
        if name not in fields:
            raise HandoverFault(f"there are these fields: {', '.join(fields)}", field="fields")
        text = value.strip()
        if text and fields[name] and text not in fields[name]:
            raise HandoverFault(f"choose one of {', '.join(fields[name])}", field=name)
        if len(text) > _LONGEST or "\0" in text:
            raise HandoverFault(f"at most {_LONGEST} plain characters", field=name)
        if text:
            filled[name] = text
        else:
            filled.pop(name, None)
    return filled


def missing(document: PipelineDocument, handover: Mapping[str, str]) -> list[str]:
    """Return the fields that are still empty, in the document's order."""
    return [one.field for one in document.handover if one.field not in handover]


def choices_of(document: PipelineDocument, handover: Mapping[str, str]) -> dict[str, str]:
    """Return the list without its free texts: they may name people, and stay in routing's own tables.

    It is in the document's order: that of a stored list may be another once it has been read back.
    """
    return {
        one.field: handover[one.field] for one in document.handover if one.choices and one.field in handover
    }
