"""Spellings that people add: an append-only list, read whole by whoever reads messages.

A batch looks at its version in its own transaction. Versions are given under a lock, so that they become
visible in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from services.ingest.domain.choices import ChoiceRule, Choices
from services.ingest.domain.respelling.adding import (
    AddSpelling,
    Spelling,
    TakeBackSpelling,
    as_added,
    standing,
)
from shared.kernel.changes import Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction
from shared.processor.stage import Decision, Outcome

CREATE: Final = """
CREATE TABLE choice_spelling (
    version bigint PRIMARY KEY,
    attribute text COLLATE "C" NOT NULL,
    text text COLLATE "C" NOT NULL,
    spelling text NOT NULL,
    value text COLLATE "C",
    at bigint NOT NULL,
    by text NOT NULL
);
COMMENT ON TABLE choice_spelling IS 'what people said that spellings stand for, for good; the last counts';
COMMENT ON COLUMN choice_spelling.text IS 'folded, as it is compared; spelling is as it was typed';
COMMENT ON COLUMN choice_spelling.value IS 'null takes the spelling back';
"""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('choice_spelling'))"
_SAVE: Final = """
INSERT INTO choice_spelling (version, attribute, text, spelling, value, at, by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


class OnSpellingCommand(Protocol):
    """Decides what spellings stand for from now on; pure."""

    def __call__(
        self,
        words: Sequence[Spelling],
        choices: Choices,
        command: AddSpelling | TakeBackSpelling,
        *,
        at: Instant,
    ) -> Spelling | None:
        """Return the next word, None if it is so already, or raise Rejected."""
        ...


async def carry_out(
    transaction: Transaction, fact: Fact, *, rules: Sequence[ChoiceRule], decide: OnSpellingCommand
) -> Decision:
    """Carry out one command about spellings. :raises Rejected: if it cannot be."""
    command = fact.event
    assert isinstance(command, AddSpelling | TakeBackSpelling)
    await transaction.execute(_LOCK)
    words = await load_words(transaction)
    choices = Choices(rules, as_added(standing(words)))
    word = decide(words, choices, command, at=fact.received)
    if word is not None:
        await transaction.execute(_SAVE, *msgspec.structs.astuple(word))
    meant = choices.standardise(command.attribute, command.spelling).attributes.get(command.attribute)
    reply = {
        "attribute": command.attribute,
        "spelling": command.spelling.strip(),
        "value": command.value if isinstance(command, AddSpelling) else None,
        "stood_for": meant if isinstance(meant, str | bool) else None,
        "version": len(words) if word is None else word.version,
    }
    return Decision(Outcome.PROCESSED, reply=reply)


async def load_version(transaction: Transaction) -> int:
    """Return the version of what people added: how many words there are."""
    version = await transaction.fetch_value("SELECT max(version) FROM choice_spelling")
    return int(version or 0)


async def load_words(transaction: Transaction) -> list[Spelling]:
    """Return every word, in order."""
    return [_read(row) for row in await transaction.fetch("SELECT * FROM choice_spelling ORDER BY version")]


def _read(row: Row) -> Spelling:
    return Spelling(**{name: row[name] for name in Spelling.__struct_fields__})
