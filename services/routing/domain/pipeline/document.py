"""The document of the pipeline: statuses, reasons, the hand-over list, which follow-ups count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, get_args

import msgspec
from msgspec import Meta

from services.routing.domain.lead import Status
from shared.kernel.faults import Fault

Word = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_]{0,62}$")]


class HandoverFieldDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of the hand-over list: one of ``choices``, or text where there are none."""

    field: Word
    choices: tuple[Word, ...] = ()


class FollowUpsDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which follow-ups count: those with a counting result, or a note of at least so many characters."""

    ways: Annotated[tuple[Word, ...], Meta(min_length=1)]
    counting_results: tuple[Word, ...]
    other_results: tuple[Word, ...] = ()
    shortest_note: Annotated[int, Meta(ge=1)]


class PipelineDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about statuses and opportunities.

    ``moves`` are those that people may make; activation is scoring's word, allowed from
    ``activated_from``. ``takeover_rests_days``: a lead that became a key account is not taken from an
    owner who has followed up so lately (R2).
    """

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    moves: Mapping[str, tuple[Status, ...]]
    activated_from: tuple[Status, ...]
    stages: Annotated[tuple[Word, ...], Meta(min_length=1)]
    return_reasons: Annotated[tuple[Word, ...], Meta(min_length=1)]
    invalid_reasons: Annotated[tuple[Word, ...], Meta(min_length=1)]
    handover: tuple[HandoverFieldDocument, ...]
    follow_up: FollowUpsDocument
    takeover_rests_days: Annotated[int, Meta(ge=0)]


def find_faults(document: PipelineDocument) -> list[Fault]:
    """Return what does not fit together."""
    faults = [
        Fault(f"moves.{status}", "is no status; allowed: " + ", ".join(get_args(Status)))
        for status in document.moves
        if status not in get_args(Status)
    ]
    faults += [
        Fault(f"moves.{status}", "activation is said by scoring, never by hand")
        for status, goals in document.moves.items()
        if "activated" in goals
    ]
    faults += _repeats("handover", (one.field for one in document.handover))
    return faults


def _repeats(path: str, names: Iterable[str]) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for place, name in enumerate(names):
        if name in seen:
            faults.append(Fault(f"{path}[{place}]", f"{name} is there already; names are unique"))
        seen.add(name)
    return faults
