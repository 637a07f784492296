"""What choices there are, how they are spelt, and what stood for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.ingest.domain.choices import SPELT, ChoiceRule, Choices
from services.ingest.domain.respelling.adding import AttributeUnknown, as_added, standing
from services.ingest.store.choices.unmatched import Missed, load_missed
from services.ingest.store.respelling.anew import load_pass
from services.ingest.store.respelling.spellings import load_words
from shared.kernel.instants import Instant
from shared.postgres.database import Database

_MOST: Final = 1_000


class ShownSpelling(msgspec.Struct, frozen=True):
    """A spelling that a person added, and when; the instant is in microseconds since 1970."""

    spelling: str
    value: str
    at: Instant
    by: str


class ShownChoice(msgspec.Struct, frozen=True):
    """An attribute: its values, the spellings of the documents by value, and what people added."""

    attribute: str
    kind: str
    values: Sequence[str]
    spellings: dict[str, list[str]]
    added: Sequence[ShownSpelling]


class Progress(msgspec.Struct, frozen=True):
    """How far what was said before has been read anew: contacts looked through, and leads that changed."""

    version: int
    is_done: bool
    seen: int
    changed: int


class ChoiceReport:
    """Answers questions about choices; reads the documents it was made with."""

    def __init__(self, database: Database, rules: Sequence[ChoiceRule], *, currency: str) -> None:
        self._database = database
        self._rules = [rule for rule in rules if rule.kind in SPELT]
        self._currency = currency

    async def find_choices(self, attribute: str | None = None) -> list[ShownChoice]:
        """Return every attribute that is spelt, or one. :raises AttributeUnknown: if it is none."""
        rules = [rule for rule in self._rules if attribute in {None, rule.attribute}]
        if not rules:
            raise AttributeUnknown
        async with self._database.connection() as connection:
            words = standing(await load_words(connection))
        return [
            ShownChoice(
                rule.attribute,
                rule.kind,
                rule.choices,
                rule.values,
                [
                    ShownSpelling(word.spelling, word.value, word.at, word.by)
                    for word in words
                    if word.attribute == rule.attribute and word.value is not None
                ],
            )
            for rule in rules
        ]

    async def find_unmatched(self, *, attribute: str | None = None, limit: int = _MOST) -> list[Missed]:
        """Return texts that stand for nothing, most frequent first; what means something now is left out.

        :raises AttributeUnknown: if the attribute has no spellings.
        """
        if attribute is not None and all(rule.attribute != attribute for rule in self._rules):
            raise AttributeUnknown
        async with self._database.connection() as connection:
            missed = await load_missed(connection, attribute=attribute)
            words = standing(await load_words(connection))
        choices = Choices(self._rules, as_added(words), currency=self._currency)
        still = [one for one in missed if not choices.standardise(one.attribute, one.text).is_known]
        return still[:limit]

    async def find_progress(self) -> Progress:
        """Return how far what was said before has been read anew."""
        async with self._database.connection() as connection:
            state = await load_pass(connection)
        return Progress(state.version, state.is_idle, state.seen, state.changed)
