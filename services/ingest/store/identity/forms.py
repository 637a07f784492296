"""Forms that came twice: when each took effect last, for as long as that counts (I4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.identity.repeats import FormWindow
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

_CLAIM: Final = """
INSERT INTO seen_form (form, received) SELECT * FROM unnest($1::bytea[], $2::bigint[])
ON CONFLICT DO NOTHING RETURNING form
"""
_LOCK: Final = "SELECT form, received FROM seen_form WHERE form = ANY($1::bytea[]) ORDER BY form FOR UPDATE"
_SAVE: Final = """
UPDATE seen_form f SET received = n.received FROM unnest($1::bytea[], $2::bigint[]) AS n(form, received)
WHERE f.form = n.form
"""


async def load_forms(
    transaction: Transaction, forms: Mapping[str, Instant], *, seconds: int
) -> tuple[FormWindow, frozenset[str]]:
    """Lock these forms until commit; whoever asks for the same one waits.

    Returns when each took effect last, and those that nobody had filled in before. ``forms`` says when
    each came, ``seconds`` for how long the same is the same.
    """
    if not forms:
        return FormWindow({}, seconds=seconds), frozenset()
    names = sorted(forms)
    keys = [bytes.fromhex(form) for form in names]
    rows = await transaction.fetch(_CLAIM, keys, [forms[form] for form in names])
    fresh = frozenset(row["form"].hex() for row in rows)
    known = [key for form, key in zip(names, keys, strict=True) if form not in fresh]
    found = await transaction.fetch(_LOCK, known) if known else ()
    return FormWindow({row["form"].hex(): row["received"] for row in found}, seconds=seconds), fresh


async def save_forms(transaction: Transaction, window: FormWindow, *, fresh: frozenset[str]) -> None:
    """Note when forms took effect; one that was claimed and took none is let go."""
    took_effect = window.took_effect
    if took_effect:
        forms = sorted(took_effect)
        await transaction.execute(
            _SAVE, [bytes.fromhex(form) for form in forms], [took_effect[form] for form in forms]
        )
    if unused := sorted(fresh - took_effect.keys()):
        await transaction.execute(
            "DELETE FROM seen_form WHERE form = ANY($1::bytea[])", [bytes.fromhex(form) for form in unused]
        )


async def forget_forms(transaction: Transaction, *, received_before: Instant, limit: int) -> int:
    """Delete what took effect before an instant, ``limit`` rows at most; returns how many went."""
    return await transaction.execute(
        "DELETE FROM seen_form WHERE form = ANY (ARRAY("
        "SELECT form FROM seen_form WHERE received < $1 LIMIT $2))",
        *(received_before, limit),
    )
