"""The table of told activations: append-only, kept beside the ledger, in one stream with the tier changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from services.scoring.domain.activation.told import Activation, ActivationRow, SaidActivation
from shared.postgres.database import Row, Transaction

CREATE = """
CREATE TABLE activation (
    number bigint PRIMARY KEY DEFAULT nextval('tier_change_number_seq'),
    written xid8 NOT NULL DEFAULT pg_current_xact_id(),
    lead text COLLATE "C" NOT NULL,
    model text NOT NULL,
    model_version int NOT NULL,
    cycle int NOT NULL,
    cause text NOT NULL,
    told_at bigint NOT NULL,
    at bigint NOT NULL,
    points bigint NOT NULL,
    details bytea NOT NULL,
    UNIQUE (lead, model, cycle)
);
CREATE INDEX activation_written ON activation (written, number);
COMMENT ON TABLE activation IS 'every activation that was told: once per lead, model and sales cycle';
COMMENT ON COLUMN activation.number IS 'from the sequence of tier_change: both are one stream';
COMMENT ON COLUMN activation.details IS 'MessagePack: events of the acts that count, external ids';
"""


class _Details(msgspec.Struct, array_like=True):
    acts: tuple[str, ...]
    external_ids: dict[str, str]
    event: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Details).decode


async def save_activations(transaction: Transaction, rows: Sequence[ActivationRow]) -> None:
    """Append told activations; a sales cycle of a lead is activated once in each model."""
    told = [row.activation for row in rows]
    await transaction.execute(
        "INSERT INTO activation (lead, model, model_version, cycle, cause, told_at, at, points, details)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::text[], $6::bigint[],"
        " $7::bigint[], $8::bigint[], $9::bytea[])",
        [row.lead for row in rows],
        [one.model for one in told],
        [one.version for one in told],
        [one.cycle for one in told],
        [row.cause for row in rows],
        [row.told_at for row in rows],
        [one.at for one in told],
        [one.points for one in told],
        [_encode(_Details(row.activation.acts, row.external_ids, row.event)) for row in rows],
    )


async def load_told_activations(transaction: Transaction, *, after: str, limit: int) -> list[SaidActivation]:
    """Return activations told after a cursor, oldest first; see ``load_told_changes``."""
    written, _, number = after.partition(".")
    rows = await transaction.fetch(
        "SELECT * FROM activation WHERE written < pg_snapshot_xmin(pg_current_snapshot())"
        " AND (written, number) > ($1::text::xid8, $2::bigint) ORDER BY written, number LIMIT $3",
        written,
        int(number),
        limit,
    )
    return [_said(row) for row in rows]


async def load_activations_of(
    transaction: Transaction, leads: Collection[str]
) -> Mapping[str, list[SaidActivation]]:
    """Return everything that was told of these leads' activations, in order of telling."""
    found: dict[str, list[SaidActivation]] = {lead: [] for lead in leads}
    rows = await transaction.fetch(
        "SELECT * FROM activation WHERE lead = ANY($1::text[]) ORDER BY number", list(leads)
    )
    for row in rows:
        found[row["lead"]].append(_said(row))
    return found


async def load_numbered_activations(
    transaction: Transaction, numbers: Sequence[int]
) -> dict[int, SaidActivation]:
    """Return told activations by the numbers of their rows; numbers of other tables are not there."""
    rows = await transaction.fetch("SELECT * FROM activation WHERE number = ANY($1::bigint[])", list(numbers))
    return {row["number"]: _said(row) for row in rows}


def _said(row: Row) -> SaidActivation:
    details = _decode(row["details"])
    activation = Activation(
        row["model"], row["model_version"], row["cycle"], row["at"], row["points"], details.acts
    )
    cursor = f"{row['written']}.{row['number']}"
    return SaidActivation(
        *(cursor, row["lead"], row["told_at"], activation),
        *(details.external_ids, row["cause"], details.event),
    )
