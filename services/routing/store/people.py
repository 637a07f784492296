"""Teams and reps: the document's base is applied once per version, commands change it from there."""

from __future__ import annotations

from typing import Final

import msgspec

from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.people import PeopleDocument, Rep, renew
from shared.postgres.database import Transaction

_encode: Final = msgspec.json.Encoder().encode

_KNOW: Final = "INSERT INTO people (name, version) VALUES ($1, 0) ON CONFLICT DO NOTHING"
_LOCK: Final = "SELECT version FROM people WHERE name = $1 FOR UPDATE"
_SAVE_TEAMS: Final = """
INSERT INTO team (id, state) SELECT id, state::jsonb FROM unnest($1::text[], $2::text[]) AS s(id, state)
ON CONFLICT (id) DO UPDATE SET state = excluded.state
"""
_SAVE_REPS: Final = """
INSERT INTO rep (id, state) SELECT id, state::jsonb FROM unnest($1::text[], $2::text[]) AS s(id, state)
ON CONFLICT (id) DO UPDATE SET state = excluded.state
"""


async def apply_people(transaction: Transaction, document: PeopleDocument) -> bool:
    """Apply a version of the document that is newer than the one applied last.

    Returns whether it had been applied before this transaction. Teams are locked before reps.
    """
    version = await transaction.fetch_value("SELECT version FROM people WHERE name = $1", document.name)
    if version is not None and version >= document.version:
        return True
    await transaction.execute(_KNOW, document.name)
    version = await transaction.fetch_value(_LOCK, document.name)
    if version >= document.version:
        return True
    teams = await transaction.fetch("SELECT id, state FROM team ORDER BY id FOR UPDATE")
    turns = {row["id"]: msgspec.json.decode(row["state"], type=TeamTurns) for row in teams}
    for team in document.teams:
        before = turns.get(team.team, TeamTurns(team=team.team))
        turns[team.team] = msgspec.structs.replace(before, members=team.members)
    rows = await transaction.fetch("SELECT id, state FROM rep ORDER BY id FOR UPDATE")
    reps = {row["id"]: msgspec.json.decode(row["state"], type=Rep) for row in rows}
    reps = {one: msgspec.structs.replace(rep, is_active=False) for one, rep in reps.items()}
    for rep in document.reps:
        reps[rep.rep] = renew(reps.get(rep.rep), rep)
    await save_teams(transaction, turns)
    await save_reps(transaction, reps)
    await transaction.execute(
        "UPDATE people SET version = $2 WHERE name = $1", document.name, document.version
    )
    return False


async def save_teams(transaction: Transaction, teams: dict[str, TeamTurns]) -> None:
    """Write teams."""
    if teams:
        ids = sorted(teams)
        await transaction.execute(_SAVE_TEAMS, ids, [_encode(teams[one]).decode() for one in ids])


async def save_reps(transaction: Transaction, reps: dict[str, Rep]) -> None:
    """Write reps."""
    if reps:
        ids = sorted(reps)
        await transaction.execute(_SAVE_REPS, ids, [_encode(reps[one]).decode() for one in ids])
