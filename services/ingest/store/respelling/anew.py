"""How far what was said before has been read anew, a portion at a time; each in a command of its own.

A pass begins with the version there is then, and waits until every transaction has ended that had begun by
then: from there on nobody reads by an older version any more, so that what the pass goes by is all there is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from services.ingest.domain.choices import ChoiceRule, Choices
from services.ingest.domain.directory import Directory, Told
from services.ingest.domain.respelling.adding import Spelling, as_added, standing
from services.ingest.domain.respelling.anew import Lens, differs, texts_of
from services.ingest.domain.story import StoryRow
from services.ingest.store.directory_rows import load_directory, save_directory
from services.ingest.store.erasure import load_members
from services.ingest.store.respelling.spellings import load_words
from services.ingest.store.story import save_story
from shared.kernel.changes import Emission, Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction
from shared.processor.stage import Decision, Outcome

CREATE: Final = """
CREATE TABLE choice_pass (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    done bigint NOT NULL,
    target bigint NOT NULL,
    barrier text NOT NULL,
    after text COLLATE "C" NOT NULL,
    seen bigint NOT NULL,
    changed bigint NOT NULL
);
INSERT INTO choice_pass (done, target, barrier, after, seen, changed) VALUES (0, 0, '0', '', 0, 0);
COMMENT ON TABLE choice_pass IS 'up to which version of the spellings everything said before is read anew';
"""

PORTION: Final = 2_000
"""How many contacts one portion looks through."""

_READY: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8"
_BEGIN: Final = """
UPDATE choice_pass SET target = $1, barrier = pg_snapshot_xmax(pg_current_snapshot())::text, after = '',
    seen = 0, changed = 0
"""
_PORTION: Final = """
SELECT lead, (SELECT jsonb_object_agg(name, said) FROM jsonb_each(free_text) AS e(name, said)
              WHERE name = ANY($3::text[])) AS said
FROM (SELECT lead, free_text FROM contact WHERE lead > $1 ORDER BY lead LIMIT $2) AS portion ORDER BY lead
"""
_PENDING: Final = """
SELECT done, target, barrier, after, seen, changed, (SELECT max(version) FROM choice_spelling) AS version
FROM choice_pass
"""

_read_texts: Final = msgspec.json.Decoder(dict[str, Told]).decode


class OnReadAnew(Protocol):
    """Reads leads anew; pure."""

    def __call__(
        self,
        directory: Directory,
        homes: Collection[str],
        lens: Lens,
        *,
        version: int,
        by: str,
        at: Instant,
        cause: str,
    ) -> tuple[Sequence[Emission], Sequence[StoryRow]]:
        """Return what is said about it, and the lines of the story."""
        ...


class Pass(NamedTuple):
    """How far a pass is: what is done, what it is about, whom it has seen, and what the newest version is."""

    done: int
    target: int
    barrier: str
    after: str
    seen: int
    changed: int
    version: int

    @property
    def is_open(self) -> bool:
        """True while something said before is still read as it was."""
        return self.done < self.target

    @property
    def is_idle(self) -> bool:
        """True if there is nothing to be done."""
        return self.done == self.version


async def load_pass(transaction: Transaction, *, lock: bool = False) -> Pass:
    """Return how far it is."""
    row = await transaction.fetch_row(_PENDING + (" FOR UPDATE OF choice_pass" if lock else ""))
    assert row is not None
    return _pass(row)


async def is_ready(transaction: Transaction, barrier: str) -> bool:
    """Return whether every transaction has ended that had begun when the pass began."""
    return bool(await transaction.fetch_value(_READY, barrier))


class ReadingAnew:
    """Carries out :class:`~services.ingest.domain.respelling.adding.ReadAnew`."""

    def __init__(self, rules: Sequence[ChoiceRule], decide: OnReadAnew, *, currency: str) -> None:
        self._rules = rules
        self._decide = decide
        self._currency = currency
        self._lenses: dict[tuple[int, int], tuple[Lens, str]] = {}

    async def carry_out(self, transaction: Transaction, fact: Fact) -> Decision:
        """Begin a pass, or read the next portion anew; the reply says whether there is more to do.

        :raises WriteConflict: if a profile moved meanwhile; it is tried again.
        """
        state = await load_pass(transaction, lock=True)
        if not state.is_open:
            if not state.is_idle:
                await transaction.execute(_BEGIN, state.version)
            return _reply(more=not state.is_idle)
        if not await is_ready(transaction, state.barrier):
            return _reply(more=True)
        lens, by = await self._lens(transaction, state)
        rows = await transaction.fetch(_PORTION, state.after, PORTION, texts_of(lens.attributes))
        found = [row["lead"] for row in rows if row["said"] is not None and differs(lens, _texts(row))]
        emissions, story = await self._read_anew(transaction, fact, found, lens, state.target, by)
        await save_story(transaction, story)
        is_last = len(rows) < PORTION
        await transaction.execute(
            "UPDATE choice_pass SET after = $1, seen = seen + $2, changed = changed + $3, done = $4",
            *("" if is_last else rows[-1]["lead"], len(rows), len({one.subject for one in emissions})),
            state.target if is_last else state.done,
        )
        return _reply(more=not is_last, emissions=emissions)

    async def _read_anew(
        self,
        transaction: Transaction,
        fact: Fact,
        found: Sequence[str],
        lens: Lens,
        version: int,
        by: str,
    ) -> tuple[Sequence[Emission], Sequence[StoryRow]]:
        if not found:
            return (), ()
        rows = await transaction.fetch("SELECT DISTINCT lead FROM profile WHERE id = ANY($1::text[])", found)
        homes = sorted(row["lead"] for row in rows)
        directory, fresh = await load_directory(transaction, [], leads=homes)
        for home in homes:
            await load_members(transaction, directory, home)
        emissions, story = self._decide(
            directory, homes, lens, version=version, by=by, at=fact.received, cause=fact.id
        )
        await save_directory(transaction, directory, fresh=fresh)
        return emissions, story

    async def _lens(self, transaction: Transaction, state: Pass) -> tuple[Lens, str]:
        key = (state.done, state.target)
        if key not in self._lenses:
            words = await load_words(transaction)
            self._lenses = {
                key: (_lens_of(self._rules, words, *key, currency=self._currency), _by(words, *key))
            }
        return self._lenses[key]


def _lens_of(
    rules: Sequence[ChoiceRule], words: Sequence[Spelling], done: int, target: int, *, currency: str
) -> Lens:
    before, now = (
        Choices(rules, as_added(standing(words, until=until)), currency=currency) for until in (done, target)
    )
    return Lens(before, now, frozenset(word.attribute for word in words if done < word.version <= target))


def _by(words: Sequence[Spelling], done: int, target: int) -> str:
    return ", ".join(dict.fromkeys(word.by for word in words if done < word.version <= target))


def _texts(row: Row) -> Mapping[str, str]:
    said = _read_texts(row["said"])
    return {name: str(told.value) for name, told in said.items() if told.value is not None}


def _pass(row: Row) -> Pass:
    return Pass(
        *(row["done"], row["target"], row["barrier"], row["after"], row["seen"], row["changed"]),
        row["version"] or 0,
    )


def _reply(*, more: bool, emissions: Sequence[Emission] = ()) -> Decision:
    return Decision(Outcome.PROCESSED, emissions, reply={"more": more})
