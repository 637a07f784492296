"""Marks on leads, verdicts about profiles, and the acts of late of which several may be a burst."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from services.ingest.domain.directory import Directory
from services.ingest.domain.evidence.bursts import RecentAct
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

CREATE: Final = """
ALTER TABLE lead ADD COLUMN marks jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN lead.marks IS 'what was found out about its validity, and what people said of it';
ALTER TABLE profile ADD COLUMN verdict int NOT NULL DEFAULT 0;
COMMENT ON COLUMN profile.verdict IS 'counts what was said of its validity; odd: its lead is invalid';
CREATE INDEX profile_invalid ON profile (lead) WHERE verdict % 2 = 1;
CREATE TABLE recent_act (
    event text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    verdict int NOT NULL
);
CREATE INDEX recent_act_profile ON recent_act (profile, at);
CREATE INDEX recent_act_at ON recent_act (at);
COMMENT ON TABLE recent_act IS 'acts of the last minutes of which several at once are a machine''s';
"""

_LOAD: Final = """
SELECT r.profile, r.event, r.at, r.verdict
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS w(profile, first, last)
JOIN recent_act r ON r.profile = w.profile AND r.at BETWEEN w.first AND w.last
"""
_SAVE: Final = """
INSERT INTO recent_act (event, profile, at, verdict)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[])
ON CONFLICT (event) DO UPDATE SET verdict = excluded.verdict
"""


async def load_recent_acts(
    transaction: Transaction, directory: Directory, spans: Sequence[tuple[str, Instant, Instant]]
) -> frozenset[RecentAct]:
    """Put the acts of late of these profiles onto the directory, each within its span; return them."""
    rows = await transaction.fetch(
        _LOAD,
        [profile for profile, _, _ in spans],
        [first for _, first, _ in spans],
        [last for _, _, last in spans],
    )
    found: dict[str, dict[str, RecentAct]] = {}
    for row in rows:
        act = RecentAct(row["profile"], row["event"], row["at"], row["verdict"])
        found.setdefault(act.profile, {})[act.event] = act
    directory.recent_acts = {profile: list(acts.values()) for profile, acts in found.items()}
    return frozenset(act for acts in found.values() for act in acts.values())


async def save_recent_acts(transaction: Transaction, acts: Collection[RecentAct]) -> None:
    """Keep acts for a while, with the number of the verdict about each."""
    ordered = sorted(acts, key=lambda act: act.event)
    if ordered:
        await transaction.execute(
            _SAVE,
            [act.event for act in ordered],
            [act.profile for act in ordered],
            [act.at for act in ordered],
            [act.verdict for act in ordered],
        )


async def forget_recent_acts(transaction: Transaction, *, before: Instant, limit: int) -> int:
    """Delete acts from before an instant, ``limit`` rows at most; returns how many went."""
    return await transaction.execute(
        "DELETE FROM recent_act WHERE event = ANY (ARRAY("
        "SELECT event FROM recent_act WHERE at < $1 LIMIT $2))",
        *(before, limit),
    )
