"""The table of checkpoints: what a lead's facts came to at earlier places, a cache of the facts.

Only leads with many facts have any. They are written in the transaction of what made or undid them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from services.scoring.domain.checkpoints.checkpoint import EVERY, Checkpoint, Replaced, Stretch
from services.scoring.domain.facts import Fact, Place
from services.scoring.domain.scored_lead import Working, is_enough
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.store.facts import FIRST_PLACE, LAST_PLACE, find_known, load_facts_between
from shared.postgres.database import Transaction

CREATE = """
CREATE TABLE checkpoint (
    lead text COLLATE "C" NOT NULL,
    recounts bigint NOT NULL,
    occurred bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (lead, recounts, occurred, id)
);
COMMENT ON TABLE checkpoint IS 'scores of leads with many facts as they stood at earlier facts: a cache';
COMMENT ON COLUMN checkpoint.recounts IS 'how often its lead had been folded anew; only its latest hold';
"""

_LENGTHS: Final = (1, 8)
"""How many checkpoints on a stretch reaches that is tried first, and next; then everything is loaded."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Checkpoint).decode


async def load_stretch(
    transaction: Transaction, models: ModelSet, lead: Working, coming: Sequence[object], *, every: int = EVERY
) -> Stretch:
    """Return as much of a lead's history as what is coming needs; ``lead`` is it without.

    Whether a stretch is enough is found out by trying, on shorter ones first.
    """
    facts = [fact for fact in coming if isinstance(fact, Fact)]
    stretch = Stretch(await find_known(transaction, lead.lead, [fact.id for fact in facts]))
    new = stretch.unknown(facts)
    if not new:
        return stretch
    first = min(Place(fact.occurred, fact.id) for fact in new)
    base = await load_checkpoint(transaction, lead.lead, recounts=lead.kept.recounts, before=first)
    begin = FIRST_PLACE if base is None else base.place
    for length in _LENGTHS:
        ends = await _load_following(
            transaction, lead.lead, recounts=lead.kept.recounts, after=first, limit=length
        )
        if len(ends) < length:
            break
        between = await load_facts_between(transaction, lead.lead, after=begin, until=ends[-1].place)
        stretch = Stretch(stretch.known, base, between, ends)
        if is_enough(models, msgspec.structs.replace(lead, history=stretch), facts, every=every):
            return stretch
    rest = await load_facts_between(transaction, lead.lead, after=begin)
    return Stretch(stretch.known, base, rest)


async def load_checkpoint(
    transaction: Transaction, lead: str, *, recounts: int, before: Place
) -> Checkpoint | None:
    """Return a lead's last checkpoint before a place."""
    row = await transaction.fetch_row(
        "SELECT payload FROM checkpoint WHERE lead = $1 AND recounts = $2"
        " AND (occurred, id) < ($3::bigint, $4::text) ORDER BY occurred DESC, id DESC LIMIT 1",
        lead,
        recounts,
        *before,
    )
    return None if row is None else _decode(row["payload"])


async def _load_following(
    transaction: Transaction, lead: str, *, recounts: int, after: Place, limit: int
) -> tuple[Checkpoint, ...]:
    rows = await transaction.fetch(
        "SELECT payload FROM checkpoint WHERE lead = $1 AND recounts = $2"
        " AND (occurred, id) > ($3::bigint, $4::text) ORDER BY occurred, id LIMIT $5",
        lead,
        recounts,
        *after,
        limit,
    )
    return tuple(_decode(row["payload"]) for row in rows)


async def save_checkpoints(transaction: Transaction, replaced: Sequence[Replaced]) -> None:
    """Put checkpoints in the place of those that no longer hold, in the order in which it was asked for."""
    latest = {row.lead: row.recounts for row in replaced}
    await transaction.execute(
        "DELETE FROM checkpoint c USING unnest($1::text[], $2::bigint[]) AS l(lead, recounts)"
        " WHERE c.lead = l.lead AND c.recounts < l.recounts",
        list(latest),
        list(latest.values()),
    )
    undone = [row for row in replaced if row.is_of_the_past]
    if undone:
        await transaction.execute(
            "DELETE FROM checkpoint c USING unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[],"
            " $5::text[]) AS u(lead, after, after_id, until, until_id) WHERE c.lead = u.lead"
            " AND (c.occurred, c.id) > (u.after, u.after_id) AND (c.occurred, c.id) < (u.until, u.until_id)",
            [row.lead for row in undone],
            [row.after.occurred for row in undone],
            [row.after.id for row in undone],
            [(row.until or LAST_PLACE).occurred for row in undone],
            [(row.until or LAST_PLACE).id for row in undone],
        )
    left = list(_left(replaced))
    await transaction.execute(
        "INSERT INTO checkpoint (lead, recounts, occurred, id, payload)"
        " SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[])"
        " ON CONFLICT (lead, recounts, occurred, id) DO UPDATE SET payload = excluded.payload",
        [row.lead for row, _ in left],
        [row.recounts for row, _ in left],
        [checkpoint.place.occurred for _, checkpoint in left],
        [checkpoint.place.id for _, checkpoint in left],
        [_encode(checkpoint) for _, checkpoint in left],
    )


def _left(replaced: Iterable[Replaced]) -> Iterable[tuple[Replaced, Checkpoint]]:
    """Return the checkpoints that are left once all have been put in their places, one after the other."""
    found: dict[tuple[str, Place], tuple[Replaced, Checkpoint]] = {}
    for row in replaced:
        until = row.until or LAST_PLACE
        found = {
            key: held
            for key, held in found.items()
            if key[0] != row.lead or (held[0].recounts == row.recounts and not row.after < key[1] < until)
        }
        found |= {(row.lead, checkpoint.place): (row, checkpoint) for checkpoint in row.checkpoints}
    return found.values()


async def drop_checkpoints(transaction: Transaction, leads: Collection[str]) -> None:
    """Forget what earlier facts of these leads came to."""
    await transaction.execute("DELETE FROM checkpoint WHERE lead = ANY($1::text[])", list(leads))
