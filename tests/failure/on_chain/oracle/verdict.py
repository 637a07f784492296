"""The verdict on a run of the chain: ingest and scoring as ever, routing and analytics besides."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from services.routing.bootstrap import NAME
from shared.postgres.database import Database
from tests.failure.on_chain.oracle.promises import (
    check_commands,
    check_conversions,
    check_facts,
    check_ownership,
)
from tests.failure.on_chain.oracle.routing import CommandTaken, RoutingReplay, compare_routing
from tests.failure.on_chain.surroundings.reps import Ordered
from tests.failure.on_services.oracle.ingest import compare_letters
from tests.failure.on_services.oracle.inputs import load_ordered
from tests.failure.on_services.oracle.saying import compare_said
from tests.failure.on_services.oracle.verdict import judge
from tests.failure.on_services.surroundings.topics import SAID
from tests.failure.oracle.replay import Buried
from tests.failure.surroundings.ground import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.failure.on_chain.surroundings.field import ChainField


async def judge_chain(field: ChainField) -> Outcome:
    """Compare everything that a run left behind; the platform's audit of all four services included."""
    outcome = await judge(field)
    differences = outcome.differences
    log = await field.read()
    routing, analytics = field.routing.database, field.analytics.database
    ordered = await load_ordered(routing)
    replay = RoutingReplay(log, await _taken(routing, field.reps.ordered))
    expected = replay.run(ordered.entries)
    differences.lines += [*ordered.faults, *expected.faults]
    await compare_routing(routing, expected, differences)
    repeats = compare_said(expected.said, log, service=NAME, topics=SAID[NAME], differences=differences)
    async with routing.connection() as connection:
        rows = await connection.fetch(
            'SELECT topic, partition, "offset", code, attempts, record_key, record_value FROM dead_letter'
        )
    compare_letters([Buried(*row) for row in rows], expected.buried, differences)
    said = await check_ownership(log, routing, differences)
    check_conversions(log, differences)
    journaled = Counter(entry.command for entry in ordered.entries if entry.command)
    check_commands(field.reps.ordered, journaled, differences)
    facts = await check_facts(log, analytics, differences)
    learned = await load_ordered(analytics)
    differences.lines += learned.faults
    refused = sum(one.took_effect is False for one in field.reps.ordered)
    outcome.said = {**said, "commands refused": refused, "facts of analytics": facts}
    outcome.events += expected.events
    outcome.transactions += len(ordered.entries) + len(learned.entries)
    outcome.commands = journaled.total()
    outcome.timers += expected.rung
    outcome.repeats_read += expected.repeats
    outcome.repeats_said += repeats
    outcome.dead_letters += len(expected.buried)
    return outcome


async def _taken(database: Database, ordered: Sequence[Ordered]) -> dict[str, CommandTaken]:
    """Return the commands that took effect, by their keys, with the time at which they were received."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT idempotency_key, received FROM command")
    received = {row["idempotency_key"]: row["received"] for row in rows}
    return {
        one.key: CommandTaken(one.lead, one.command, received[one.key])
        for one in ordered
        if one.key in received
    }
