"""``till``, the smallest service whose rows are shared: customers of all partitions pay into one till.

Each payment goes into the customer's row and into the till's, so a sum that does not agree shows a
lost or doubled write. A payment of thirteen is refused, 666 meets a bug; a credit is called in by a
timer a second later; closing is a command that has one winner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.contracts.envelope import Envelope, decode_event
from shared.kernel.changes import Emission, Fact, Ruling, TimerFired, TimerKey
from shared.kernel.errors import Rejected
from shared.kernel.instants import SECOND
from shared.postgres.database import Transaction
from shared.processor.locked import LockedStage
from tests.engine.tally import COUNTED, DEAD, PARTITIONS, TOTALS, Counted, Totalled

DDL: Final = """
CREATE TABLE customer (key text COLLATE "C" PRIMARY KEY, payments int NOT NULL, paid bigint NOT NULL);
CREATE TABLE till (id int PRIMARY KEY, paid bigint NOT NULL, closed_by text);
INSERT INTO till VALUES (1, 0, NULL);
"""


class Close(msgspec.Struct, frozen=True):
    """The command: close the till; the first one does."""

    who: str


@dataclass
class TillDesk:
    """The customers of a batch, and the till."""

    customers: dict[str, tuple[int, int]]
    paid: int
    closed_by: str | None
    _before: tuple[dict[str, tuple[int, int]], int, str | None] | None = field(default=None)

    @property
    def leads(self) -> Collection[str]:
        return self.customers

    def begin_fact(self) -> None:
        self._before = (dict(self.customers), self.paid, self.closed_by)

    def undo_fact(self) -> None:
        assert self._before is not None
        self.customers, self.paid, self.closed_by = self._before


def handle(desk: TillDesk, fact: Fact) -> Ruling:
    """Take one payment, call in one credit, or close the till."""
    match fact.event:
        case Close(who=who):
            if desk.closed_by is not None:
                raise Rejected(f"{desk.closed_by} has closed it already", code="till.closed")
            desk.closed_by = who
            return Ruling(reply="closed")
        case Counted(amount=amount):
            pass
        case TimerFired():
            amount = 1_000
        case _:
            raise AssertionError(fact.event)
    payments, paid = desk.customers[fact.key]
    desk.customers[fact.key] = (payments + 1, paid + amount)
    desk.paid += amount
    if amount == 13:
        raise Rejected("thirteen is not taken", code="till.thirteen")
    if amount == 666:
        raise ZeroDivisionError("a bug")
    said = Totalled(key=fact.key, count=payments + 1, total=paid + amount, chain="")
    timers = {TimerKey(fact.key, "credit"): fact.received + SECOND} if amount == 500 else {}
    return Ruling([Emission(said, fact.key, fact.key, fact.received)], timers)


def interpret(envelope: Envelope) -> Fact:
    """Read one payment."""
    event = decode_event(envelope)
    assert isinstance(event, Counted)
    return Fact(envelope.id, event.key, envelope.received, event, envelope.correlationid)


async def open_desk(transaction: Transaction, facts: Sequence[Fact]) -> TillDesk:
    """Lock customers, then the till."""
    keys = sorted({fact.key for fact in facts})
    await transaction.execute(
        "INSERT INTO customer SELECT key, 0, 0 FROM unnest($1::text[]) AS k(key) ON CONFLICT DO NOTHING", keys
    )
    rows = await transaction.fetch(
        "SELECT * FROM customer WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE", keys
    )
    till = await transaction.fetch_row("SELECT paid, closed_by FROM till WHERE id = 1 FOR UPDATE")
    assert till is not None
    customers = {row["key"]: (row["payments"], row["paid"]) for row in rows}
    return TillDesk(customers, till["paid"], till["closed_by"])


def customers_of(desk: TillDesk, fact: Fact) -> Iterable[str]:
    """Return whose timers ring before a fact."""
    return (fact.key,)


async def save_desk(transaction: Transaction, desk: TillDesk) -> None:
    """Write everything back."""
    await transaction.execute(
        "UPDATE customer c SET payments = s.payments, paid = s.paid"
        " FROM unnest($1::text[], $2::int[], $3::bigint[]) AS s(key, payments, paid) WHERE c.key = s.key",
        list(desk.customers),
        [payments for payments, _ in desk.customers.values()],
        [paid for _, paid in desk.customers.values()],
    )
    await transaction.execute("UPDATE till SET paid = $1, closed_by = $2", desk.paid, desk.closed_by)


def till_stage() -> LockedStage[TillDesk]:
    """Return the stage; it reads and writes tally's topics."""
    return LockedStage(
        name="tally",
        group="tally",
        topics=(COUNTED.name,),
        outputs=(TOTALS.name,),
        dead_letters=DEAD.name,
        partitions=PARTITIONS,
        interpret=interpret,
        open_desk=open_desk,
        leads_of=customers_of,
        handler=handle,
        save_desk=save_desk,
        keeps_receipts=True,
    )
