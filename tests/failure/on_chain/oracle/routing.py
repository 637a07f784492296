"""Routing's oracle: its people, teams and leads on one desk, and its tables compared with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from services.routing.bootstrap import build_stage
from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.desk import Desk
from services.routing.domain.lead import Lead
from services.routing.domain.people import Rep, renew
from services.routing.domain.profiles import Profile
from services.routing.domain.rows import Said as SaidRow
from services.routing.domain.shelf import Shelf
from services.routing.handlers.routing import RoutingHandlers, leads_of
from services.routing.store.documents import read_rulebook
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.engine.tally import PARTITIONS
from tests.failure.on_chain.oracle.locked import CommandTaken, LockedExpected, LockedReplay, compare_timers
from tests.failure.on_services.oracle.tables import compare_maps
from tests.failure.on_services.worker import CONFIG
from tests.failure.oracle.comparison import Differences

_TABLES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "lead": Lead,
    "profile": Profile,
    "rep": Rep,
    "team": TeamTurns,
}

RoutingExpected = LockedExpected[Desk]


def replay_routing(
    log: Mapping[TopicPartition, Sequence[Record]], commands: Mapping[str, CommandTaken]
) -> LockedReplay[Desk]:
    """Return what replays routing's journal, with the shipped people at their desks."""
    rulebook = read_rulebook(CONFIG)
    people = rulebook.people
    return LockedReplay(
        log,
        stage=build_stage(rulebook, partitions=PARTITIONS),
        handle=RoutingHandlers(rulebook).handle,
        leads_of=leads_of,
        desk=Desk(
            reps=Shelf({one.rep: renew(None, one) for one in people.reps}),
            teams=Shelf({one.team: TeamTurns(team=one.team, members=one.members) for one in people.teams}),
        ),
        commands=commands,
    )


async def compare_routing(database: Database, expected: RoutingExpected, differences: Differences) -> None:
    """Compare routing's tables, row by row, with what its handlers say."""
    desk = expected.desk
    shelves: Mapping[str, Mapping[str, object]] = {
        "lead": desk.leads,
        "profile": desk.profiles,
        "rep": desk.reps,
        "team": desk.teams,
    }
    async with database.connection() as connection:
        for table, shape in _TABLES.items():
            rows = await connection.fetch(f"SELECT id, state FROM {table} WHERE state IS NOT NULL")
            found = {row["id"]: msgspec.json.decode(row["state"], type=shape) for row in rows}
            compare_maps(table, found, dict(shelves[table]), differences)
        said = await connection.fetch("SELECT lead, number, event, kind, at, cause, assignment, by FROM said")
    await compare_timers(database, expected.timers, differences)
    compare_maps(
        "said",
        {f"{row['lead']} {row['number']}": tuple(row)[2:] for row in said},
        {
            f"{row.lead} {row.number}": (
                *(row.event, row.kind, row.at, row.cause, row.assignment or None, row.by or None),
            )
            for row in desk.rows
            if isinstance(row, SaidRow)
        },
        differences,
    )
