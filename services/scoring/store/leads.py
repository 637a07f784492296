"""Leads as scoring keeps them: loaded with their facts where those are needed, saved with new rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from services.scoring.domain.activation.told import ActivationRow
from services.scoring.domain.checkpoints.checkpoint import EVERY, Replaced, Stretch
from services.scoring.domain.facts import Fact
from services.scoring.domain.scored_lead import (
    KeptFact,
    ScoredLead,
    Scrub,
    Working,
    can_resume,
    needs_history,
)
from services.scoring.domain.told_changes import TierChangeRow
from services.scoring.store.activations import save_activations
from services.scoring.store.checkpoints import drop_checkpoints, load_stretch, save_checkpoints
from services.scoring.store.facts import load_facts, save_facts, scrub_facts
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.scoring_models.shadows import mark_due
from services.scoring.store.tier_changes import save_tier_changes
from shared.contracts.topics import partition_of
from shared.kernel import changes
from shared.postgres.database import Transaction
from shared.processor.stage import Loaded, Write
from shared.processor.tables.states import StateTable, create_state_table

_decode = msgspec.msgpack.Decoder(ScoredLead).decode

CREATE = create_state_table("lead", comment="running scores: a cache of the facts, and what was told")


class LeadStore:
    """Loads leads with the models that rule them, and saves them if those still do.

    ``partitions`` is the deployment's count.
    """

    def __init__(self, rulings: Rulings, *, partitions: int, checkpoint_every: int = EVERY) -> None:
        self._rulings = rulings
        self._partitions = partitions
        self._every = checkpoint_every
        self._table = StateTable("lead", ScoredLead)

    async def load(
        self, transaction: Transaction, facts: Mapping[str, Sequence[changes.Fact]], *, lock: bool = False
    ) -> Mapping[str, Loaded[Working]]:
        """Return the leads, with their facts where what is coming is not simply newer.

        Of a lead that has many, with the stretch of them that late facts need.
        """
        if lock:
            homes = {key: partition_of(key, self._partitions) for key in facts}
            loaded = await self._table.lock(transaction, facts, partitions=homes)
        else:
            loaded = await self._table.load(transaction, facts)
        ruling = await self._rulings.current(transaction)
        histories: dict[str, tuple[Fact, ...] | Stretch] = {}
        wanting = []
        for key, found in loaded.items():
            models, coming = ruling.ruled(key).models, [fact.event for fact in facts[key]]
            if not needs_history(models, found.state, coming):
                continue
            if can_resume(models, found.state, coming, every=self._every):
                working = Working(key, found.state, None, ruling)
                histories[key] = await load_stretch(transaction, models, working, coming, every=self._every)
            else:
                wanting.append(key)
        if wanting:
            histories |= await load_facts(transaction, wanting)
        return {
            key: Loaded(found.version, Working(key, found.state, histories.get(key), ruling))
            for key, found in loaded.items()
        }

    async def save(self, transaction: Transaction, writes: Sequence[Write[Working]]) -> int:
        """Save leads under their version check, append their new facts and what was told, then scrub.

        None is saved if another ruling holds meanwhile than the one they were handled under.
        """
        numbers = {write.state.ruling.number for write in writes if write.state.ruling is not None}
        if numbers and not await self._rulings.holds(transaction, numbers):
            return 0
        saved = await self._table.save(
            transaction,
            [Write(w.key, w.partition, w.version, w.state.kept, ()) for w in writes],
        )
        if saved != len(writes):
            return saved
        await save_rows(transaction, [row for write in writes for row in write.rows])
        await mark_listed_due(transaction, [write.key for write in writes])
        rulings = (write.state.ruling for write in writes)
        if any(ruling is not None and ruling.shadows for ruling in rulings):
            await mark_due(transaction, [write.key for write in writes])
        return saved


async def mark_listed_due(transaction: Transaction, leads: Collection[str]) -> None:
    """Note that it is to be looked where these leads stand; a row is only appended, so nobody waits."""
    await transaction.execute("INSERT INTO tier_list_due (lead) SELECT unnest($1::text[])", list(leads))


async def save_rows(transaction: Transaction, rows: Sequence[object]) -> None:
    """Save the rows that handlers answer with; what is to be scrubbed, once it is there."""
    facts = [row for row in rows if isinstance(row, KeptFact)]
    if facts:
        await save_facts(transaction, facts)
    if len(facts) == len(rows):
        return
    for turn in _in_turns(rows):
        if turn.changes:
            await save_tier_changes(transaction, turn.changes)
        if turn.activations:
            await save_activations(transaction, turn.activations)
    replaced = [row for row in rows if isinstance(row, Replaced)]
    if replaced:
        await save_checkpoints(transaction, replaced)
    scrubs = [row for row in rows if isinstance(row, Scrub)]
    if scrubs:
        await scrub_facts(transaction, scrubs)
        await drop_checkpoints(transaction, [scrub.lead for scrub in scrubs])


class _Turn(NamedTuple):
    """What is written at once: changes of tiers, then activations."""

    changes: list[TierChangeRow]
    activations: list[ActivationRow]


def _in_turns(rows: Sequence[object]) -> Sequence[_Turn]:
    """Share out what is told so that, one turn after the other, each lead's is in the order it was told.

    Both tables draw from one sequence, and of one lead its numbers are the order of the stream. There are
    as many turns as some lead has changes that follow activations, seldom more than one.
    """
    turns: list[_Turn] = []
    halves: dict[str, int] = {}  # two for each turn of a lead, the second one's are activations
    for row in rows:
        if not isinstance(row, TierChangeRow | ActivationRow):
            continue
        half = halves.get(row.lead, 0)
        half += half % 2 != isinstance(row, ActivationRow)
        halves[row.lead] = half
        if half // 2 == len(turns):
            turns.append(_Turn([], []))
        turn = turns[half // 2]
        if isinstance(row, TierChangeRow):
            turn.changes.append(row)
        else:
            turn.activations.append(row)
    return turns


async def load_lead(transaction: Transaction, lead: str) -> ScoredLead | None:
    """Return one lead, for questions; None is one of which nothing is known."""
    found = (await StateTable("lead", ScoredLead).load(transaction, [lead])).get(lead)
    return found.state if found else None


async def load_leads(transaction: Transaction, leads: Collection[str]) -> dict[str, ScoredLead]:
    """Return those of these leads that can be read."""
    rows = await transaction.fetch(
        "SELECT key, payload FROM lead WHERE key = ANY($1::text[]) AND payload IS NOT NULL", list(leads)
    )
    kept = {row["key"]: _read_or_none(row["payload"]) for row in rows}
    return {lead: found for lead, found in kept.items() if found is not None}


async def find_forgotten(transaction: Transaction, leads: Collection[str]) -> set[str]:
    """Return those of these leads whose person was forgotten; one that cannot be read is none of them."""
    rows = await transaction.fetch(
        "SELECT key, payload FROM lead WHERE key = ANY($1::text[]) AND payload IS NOT NULL", list(leads)
    )
    kept = {row["key"]: _read_or_none(row["payload"]) for row in rows}
    return {lead for lead, found in kept.items() if found is not None and found.erased is not None}


async def load_leads_page(
    transaction: Transaction, *, after: str, limit: int
) -> list[tuple[str, ScoredLead | None]]:
    """Return the next leads by id, for checks; None stands for one whose row cannot be read."""
    rows = await transaction.fetch(
        "SELECT key, payload FROM lead WHERE key > $1 AND payload IS NOT NULL ORDER BY key LIMIT $2",
        after,
        limit,
    )
    return [(row["key"], _read_or_none(row["payload"])) for row in rows]


def _read_or_none(payload: bytes) -> ScoredLead | None:
    try:
        return _decode(payload)
    except msgspec.MsgspecError:
        return None
