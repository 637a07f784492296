"""How each source is: what it sent, what became of it, what it was refused, and how far we are behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.kernel.instants import Instant
from shared.postgres.database import Database

TEST_LEAD: Final = "intake.test_lead"
"""The code under which a lead lies in quarantine that its sender marked as a test."""

_NAMES: Final = "SELECT id FROM source ORDER BY id"
_ACCEPTED: Final = "SELECT * FROM source_accepted"
_REFUSED: Final = "SELECT * FROM source_refused"
_RESOLVED: Final = """
SELECT source, outcome, code, sum(messages)::bigint AS messages, max(newest) AS newest
FROM source_resolved GROUP BY source, outcome, code
"""
_WAITING: Final = """
SELECT source, count(*) AS waiting FROM quarantine WHERE replayed IS NULL GROUP BY source
"""
_ERRANDS: Final = """
SELECT source, count(*) AS to_fetch, count(*) FILTER (WHERE state = 'stuck') AS stuck
FROM hook_errand GROUP BY source
"""


@dataclass(slots=True)
class SourceState:
    """One source; the nameless one is what nobody could be found for, or counted before there were names.

    ``accepted`` is what the edges wrote down, a few seconds behind, and short of what killed ones had not
    written; ``processed``, ``duplicate``, ``dead`` and ``quarantined`` (by code) are what the resolver made
    of it, and add up to the receipts. ``refused`` counts requests by code, ``waiting`` messages that lie in
    quarantine now, ``to_fetch`` are leads that a vendor told by their ids and that are still to be fetched,
    ``stuck`` those of them that wait for a person. ``seen`` is when the newest message was taken in, ``lag``
    how many microseconds the newest that was resolved is older than that.
    """

    source: str
    accepted: int = 0
    processed: int = 0
    duplicate: int = 0
    dead: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    to_fetch: int = 0
    stuck: int = 0
    seen: Instant | None = None
    resolved: Instant | None = None

    @property
    def test_leads(self) -> int:
        """How many leads came that their sender marked as a test."""
        return self.quarantined[TEST_LEAD]

    @property
    def lag(self) -> int:
        """Microseconds between the newest message and the newest that was resolved."""
        return 0 if self.seen is None else self.seen - min(self.seen, self.resolved or self.seen)


class SourceReport:
    """Asks how sources are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_sources(self) -> Sequence[SourceState]:
        """Return every source by name, the nameless one first if there is anything to say of it."""
        async with self._database.connection() as connection:
            states = {row["id"]: SourceState(row["id"]) for row in await connection.fetch(_NAMES)}

            def state_of(source: str) -> SourceState:
                return states.setdefault(source, SourceState(source))

            for row in await connection.fetch(_ACCEPTED):
                state = state_of(row["source"])
                state.accepted, state.seen = row["messages"], row["newest"]
            for row in await connection.fetch(_REFUSED):
                state_of(row["source"]).refused[row["code"]] += row["requests"]
            for row in await connection.fetch(_RESOLVED):
                state = state_of(row["source"])
                if row["outcome"] == "quarantined":
                    state.quarantined[row["code"]] += row["messages"]
                else:
                    setattr(state, row["outcome"], getattr(state, row["outcome"]) + row["messages"])
                if row["newest"]:
                    state.resolved = max(state.resolved or 0, row["newest"])
            for row in await connection.fetch(_WAITING):
                state_of(row["source"]).waiting = row["waiting"]
            for row in await connection.fetch(_ERRANDS):
                state = state_of(row["source"])
                state.to_fetch, state.stuck = row["to_fetch"], row["stuck"]
        for state in states.values():
            if state.resolved is not None:
                state.seen = max(state.seen or 0, state.resolved)
        return [states[name] for name in sorted(states)]
