"""A stage put together from a service's rooms: handlers decide, the store loads and saves.

Rooms do not know each other; ``bootstrap`` knows both and hands their functions to this class.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from shared.contracts.envelope import Envelope, decode_envelope
from shared.kernel.changes import Changes, Fact
from shared.log.port import Record
from shared.postgres.database import Transaction
from shared.processor.stage import Loaded, Write

S = TypeVar("S")


class Load(Protocol[S]):
    """Loads states, see :meth:`shared.processor.stage.Stage.load`."""

    def __call__(
        self, transaction: Transaction, facts: Mapping[str, Sequence[Fact]], *, lock: bool = False
    ) -> Awaitable[Mapping[str, Loaded[S]]]:
        """Return the states of these leads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembledStage(Generic[S]):
    """Implements :class:`shared.processor.stage.Stage` with the functions it was given.

    ``interpret`` turns an event into a fact; ``say_again`` is the event that a late record of a mirror
    becomes, for the key of that record.
    """

    name: str
    group: str
    topics: Sequence[str]
    outputs: Sequence[str]
    dead_letters: str
    interpret: Callable[[Envelope], Fact | None]
    beginning: Callable[[str], S]
    handler: Callable[[S, Fact], Changes[S]]
    loader: Load[S]
    saver: Callable[[Transaction, Sequence[Write[S]]], Awaitable[int]]
    mirrors: Sequence[str] = ()
    say_again: object = None
    sets_timers: bool = False
    keeps_receipts: bool = False

    def read(self, record: Record) -> Fact | None:
        """Decode a record's envelope and interpret it. :raises Rejected: if it keeps no contract."""
        return self.interpret(decode_envelope(record.value or b""))

    def heal(self, record: Record) -> Fact | None:
        """Return the fact that makes the handler say the latest of a record's key again."""
        key = (record.key or b"").decode()
        identity = f"again/{record.topic}/{record.partition}/{record.offset}"
        return Fact(identity, key, record.timestamp * 1000, self.say_again)

    def begin(self, key: str) -> S:
        """Return the state of a lead that nothing is known of."""
        return self.beginning(key)

    async def load(
        self, transaction: Transaction, facts: Mapping[str, Sequence[Fact]], *, lock: bool = False
    ) -> Mapping[str, Loaded[S]]:
        """Load states, and what else the facts need."""
        return await self.loader(transaction, facts, lock=lock)

    def handle(self, state: S, fact: Fact) -> Changes[S]:
        """Fold one fact."""
        return self.handler(state, fact)

    async def save(self, transaction: Transaction, writes: Sequence[Write[S]]) -> int:
        """Save states under their version check."""
        return await self.saver(transaction, writes)
