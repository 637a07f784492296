"""Reading anew what was said before: the kept free text of a lead, by the spellings there are now (I3).

The result is what a first reading today would give: a newer word about the attribute stays, and what a text
does not say any more goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.choices.answers import read_yes_no
from services.ingest.domain.choices.standardising import Choices
from services.ingest.domain.directory import Lead, Told, is_there
from services.ingest.domain.scrubbing import Scalar
from shared.kernel.instants import Instant

TITLE: Final = "title"
_FROM_TITLES: Final = frozenset({"title_level", "student_title"})
_STUDENT: Final = {"student_title": "student"}


class Lens(NamedTuple):
    """How texts were read so far, how they are read now, and the attributes for which that may differ."""

    before: Choices
    now: Choices
    attributes: Collection[str]


class ReadAgain(NamedTuple):
    """A lead after it was read anew, and by instant what is different: an attribute is None if it went."""

    lead: Lead
    changed: Mapping[Instant, Mapping[str, Scalar]]


def texts_of(attributes: Collection[str]) -> list[str]:
    """Return the names of the free texts in which these attributes may be said."""
    titles = {TITLE} if _FROM_TITLES.intersection(attributes) else set()
    return sorted({*attributes} | titles)


def differs(lens: Lens, texts: Mapping[str, str]) -> bool:
    """Return whether one of these texts, by name, is read otherwise now."""
    return any(
        lens.before.standardise(attribute, texts[name]) != lens.now.standardise(attribute, texts[name])
        for attribute in lens.attributes
        for name in _names_for(attribute)
        if name in texts
    )


def read_anew(lead: Lead, lens: Lens) -> ReadAgain:
    """Return the lead as its texts are read now; the same object if nothing changes."""
    attributes = dict(lead.attributes)
    changed: dict[Instant, dict[str, Scalar]] = {}
    for attribute in sorted(lens.attributes):
        for text in _names_for(attribute):
            told = lead.contact.free_text.get(text)
            if told is None or not is_there(told):
                continue
            for name, value in _differences(attribute, told, lens):
                if _counts(attributes.get(name), told, value, is_title=text != attribute):
                    attributes[name] = Told(value[1], told.at, told.source)
                    changed.setdefault(told.at, {})[name] = value[1]
    if not changed:
        return ReadAgain(lead, {})
    lead = msgspec.structs.replace(lead, attributes=attributes, version=lead.version + 1)
    return ReadAgain(lead, changed)


def _names_for(attribute: str) -> tuple[str, ...]:
    return (attribute, TITLE) if attribute in _FROM_TITLES else (attribute,)


def _differences(attribute: str, told: Told, lens: Lens) -> Iterator[tuple[str, tuple[Scalar, Scalar]]]:
    """Yield each attribute that a text says otherwise now, with what it said and what it says."""
    old = lens.before.standardise(attribute, told.value).attributes
    new = lens.now.standardise(attribute, told.value).attributes
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            pair = (old.get(name), new.get(name))
            if name in _STUDENT:
                pair = (read_yes_no(pair[0]), read_yes_no(pair[1]))
            yield _STUDENT.get(name, name), pair


def _counts(current: Told | None, told: Told, value: tuple[Scalar, Scalar], *, is_title: bool) -> bool:
    """Return whether what a text says now counts against what is known.

    A title says nothing where the level itself was said with it.
    """
    old, new = value
    if current is None:
        return new is not None
    if current.at > told.at or current.value == new:
        return False
    if current.at < told.at:
        return new is not None
    return current.value == old or (old is None and not is_title)
