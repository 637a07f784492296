"""Spellings that people add and take back, and what was said before read anew by them (I3).

What people say is an ordered list of words; its length is its version. The newest word about a text counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingest.domain.choices.folding import fold_spelling, key_of
from services.ingest.domain.choices.rules import SPELT, Added
from services.ingest.domain.choices.standardising import Choices
from services.ingest.domain.scrubbing import identifies
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

LONGEST: Final = 60
"""The most characters that a spelling which a person adds may have."""


class Spelling(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a person: from ``version`` on ``text`` stands for ``value``; None takes it back.

    ``text`` is folded, ``spelling`` as it was typed; ``at`` and ``by`` say when and by whom.
    """

    version: int
    attribute: str
    text: str
    spelling: str
    value: str | None
    at: Instant
    by: str


class AddSpelling(msgspec.Struct, frozen=True, kw_only=True):
    """The command: let this spelling stand for this value."""

    attribute: str
    spelling: str
    value: str
    by: str


class TakeBackSpelling(msgspec.Struct, frozen=True, kw_only=True):
    """The command: let a spelling that a person added stand for nothing more than the documents say."""

    attribute: str
    spelling: str
    by: str


class ReadAnew(msgspec.Struct, frozen=True):
    """The command: read the next portion of what was said before by the spellings there are now."""


class AttributeUnknown(Rejected):
    """This attribute has no spellings; GET /v1/choices or `leadmill choices show` lists those that have."""

    code: ClassVar[str] = "choices.attribute_unknown"


class ChoiceUnknown(Rejected):
    """This is none of the attribute's values."""

    code: ClassVar[str] = "choices.value_unknown"


class SpellingRefused(Rejected):
    """A spelling has 1 to 60 characters that can be compared, and names nobody."""

    code: ClassVar[str] = "choices.spelling_refused"


class SpellingUnknown(Rejected):
    """Nobody added this spelling; those of the documents are changed in config/ingest/choices."""

    code: ClassVar[str] = "choices.spelling_unknown"


def standing(words: Iterable[Spelling], *, until: int | None = None) -> list[Spelling]:
    """Return the additions that stand, in order of their versions; up to and with version ``until``."""
    latest: dict[tuple[str, str], Spelling] = {}
    for word in sorted(words, key=lambda one: one.version):
        if until is None or word.version <= until:
            latest.pop((word.attribute, word.text), None)
            latest[word.attribute, word.text] = word
    return [word for word in latest.values() if word.value is not None]


def as_added(words: Iterable[Spelling]) -> list[Added]:
    """Return what the additions that stand mean for reading."""
    return [Added(word.attribute, word.text, word.value) for word in words if word.value is not None]


def add(words: Sequence[Spelling], choices: Choices, command: AddSpelling, *, at: Instant) -> Spelling | None:
    """Return the word that a command comes to, None if the spelling stands for the value already.

    ``choices`` are read by the documents and everything that stands.

    :raises AttributeUnknown: if the attribute has no spellings.
    :raises ChoiceUnknown: if the value is none of its.
    :raises SpellingRefused: if the text is no spelling.
    """
    rule = choices.rule_of(command.attribute)
    if rule is None or rule.kind not in SPELT:
        raise AttributeUnknown
    if command.value not in rule.choices:
        raise ChoiceUnknown(f"is one of {', '.join(rule.choices)}", field="value")
    text = fold_spelling(command.spelling)
    if not key_of(text) or len(command.spelling) > LONGEST or identifies(command.spelling):
        raise SpellingRefused(field="spelling")
    known = next(
        (one for one in standing(words) if (one.attribute, one.text) == (command.attribute, text)), None
    )
    if known is not None and known.value == command.value:
        return None
    return Spelling(
        version=len(words) + 1,
        attribute=command.attribute,
        text=text,
        spelling=command.spelling.strip(),
        value=command.value,
        at=at,
        by=command.by,
    )


def take_back(words: Sequence[Spelling], command: TakeBackSpelling, *, at: Instant) -> Spelling:
    """Return the word that takes a spelling back.

    :raises SpellingUnknown: if nobody added it, or it was taken back before.
    """
    text = fold_spelling(command.spelling)
    for word in standing(words):
        if (word.attribute, word.text) == (command.attribute, text):
            return msgspec.structs.replace(word, version=len(words) + 1, value=None, at=at, by=command.by)
    raise SpellingUnknown
