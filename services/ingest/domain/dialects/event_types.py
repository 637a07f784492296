"""What an event's name stands for: a lead told, a page viewed, an act, an outcome, a cost.

Producers name events ``com.example.lead.captured``, ``lead-captured/v2`` or ``Demo Requested``. Words
that stand before what we know (a domain written backwards, a team) and a version behind it do not
count; the longest end that a document knows decides. A name of which nothing is known is an act, under
that name without the domain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.traits import fold_name

_JOINTS: Final = re.compile(r"[./:#]+")
_VERSION: Final = re.compile(r"[vV]?\d+")
_LONGEST: Final = 300

SUBJECT_FIELDS: Final = ("external_id", "user_id", "anonymous_id", "opportunity", "campaign")
"""Our fields whose value may stand in a subject."""


class EventKind(StrEnum):
    """What kind of thing an event tells."""

    ACT = "act"
    COST = "cost"
    LEAD = "lead"
    NOT_FOR_OTHERS = "not_for_others"
    OUTCOME = "outcome"
    PAGE = "page"


class Meaning(NamedTuple):
    """What a name stands for; ``name`` is that of an act, or the kind of an outcome.

    ``is_own`` events are declared by us, and carry the fields of their declaration.
    """

    kind: EventKind
    name: str = ""
    is_own: bool = False


class EventNames(msgspec.Struct, frozen=True, kw_only=True):
    """What producers call their events, and what they put into a subject, as the document gives it.

    ``domains`` are the first words of names that begin with a domain written backwards. ``subjects`` maps
    our field (``user_id``) to the words that stand before its value in a subject: ``user/42``.
    """

    leads: list[str] = []
    pages: list[str] = []
    outcomes: dict[str, list[str]] = {}
    costs: list[str] = []
    domains: list[str] = []
    subjects: dict[str, list[str]] = {}


class TypeReader:
    """Finds the meaning of names. ``find_act`` knows acts; ``own`` are types that we declare ourselves."""

    def __init__(
        self,
        names: EventNames,
        *,
        find_act: Callable[[str], str | None],
        own: Mapping[str, Meaning],
    ) -> None:
        self._own = dict(own)
        self._find_act = find_act
        self._domains = frozenset(word.lower() for word in names.domains)
        self._known = {
            **_meanings(names.costs, Meaning(EventKind.COST)),
            **_meanings(names.pages, Meaning(EventKind.PAGE)),
            **_meanings(names.leads, Meaning(EventKind.LEAD)),
        }
        for kind, spellings in names.outcomes.items():
            self._known |= _meanings((kind, *spellings), Meaning(EventKind.OUTCOME, kind))
        self._find = lru_cache(maxsize=4096)(self._read)

    def read(self, name: str) -> Meaning:
        """Return what a name stands for; 300 characters of it count."""
        return self._find(name[:_LONGEST])

    def _read(self, name: str) -> Meaning:
        own = self._own.get(name)
        if own is not None:
            return own
        words = [word for word in _JOINTS.split(name) if word]
        while len(words) > 1 and _VERSION.fullmatch(words[-1]):
            words.pop()
        for start in range(len(words)):
            end = ".".join(words[start:])
            known = self._known.get(fold_name(end))
            if known is not None:
                return known
            act = self._find_act(end)
            if act is not None:
                return Meaning(EventKind.ACT, act)
        if len(words) > 2 and words[0].lower() in self._domains:
            words = words[2:]
        return Meaning(EventKind.ACT, ".".join(words) or name)


def _meanings(spellings: Sequence[str], meaning: Meaning) -> dict[str, Meaning]:
    return {fold_name(spelling): meaning for spelling in spellings}
