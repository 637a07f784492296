"""The verdict on a run of the chain: ingest and scoring as ever, the other three and the mail besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.failure.on_chain.oracle.credits import AnalyticsReplay, compare_credits
from tests.failure.on_chain.oracle.locked import CommandTaken
from tests.failure.on_chain.oracle.mail import check_mail
from tests.failure.on_chain.oracle.nurture import (
    NurtureReplay,
    compare_nurture,
    load_recorded,
    load_taken,
)
from tests.failure.on_chain.oracle.promises import check_conversions, check_held, check_ownership
from tests.failure.on_chain.oracle.routing import compare_routing, replay_routing
from tests.failure.on_chain.surroundings.forgetters import FORGET
from tests.failure.on_services.oracle.inputs import Expected, load_ordered
from tests.failure.on_services.oracle.saying import compare_said
from tests.failure.on_services.oracle.tables import compare_letters
from tests.failure.on_services.oracle.verdict import judge
from tests.failure.on_services.surroundings.topics import SAID
from tests.failure.oracle.answers import compare_answers
from tests.failure.oracle.replay import Buried
from tests.failure.surroundings.callers import Asked
from tests.failure.surroundings.ground import Outcome

if TYPE_CHECKING:
    from tests.failure.on_chain.surroundings.field import ChainField
    from tests.failure.on_services.surroundings.field import Front

Log = Mapping[TopicPartition, Sequence[Record]]


async def judge_chain(field: ChainField) -> Outcome:
    """Compare everything that a run left behind; the platform's audit of all five services included."""
    outcome = await judge(field)
    log = await field.read()
    wishes = field.ingest.callers.asked if field.ingest.callers else ()
    forgotten = {one.lead for one in wishes if one.name.endswith(f":{FORGET}") and not one.is_refused}
    outcome.said = {**outcome.said, "people forgotten": len(forgotten)}
    await _judge_routing(field, log, outcome)
    await _judge_nurture(field, log, outcome)
    await _judge_analytics(field, log, outcome)
    return outcome


async def _judge_routing(field: ChainField, log: Log, outcome: Outcome) -> None:
    database, differences = field.routing.database, outcome.differences
    callers = field.routing.callers
    asked = callers.asked if callers else ()
    ordered = await load_ordered(database)
    expected = replay_routing(log, await _taken(database, asked)).run(ordered.entries)
    differences.lines += ordered.faults
    await compare_routing(database, expected, differences)
    await _compare_rest(field.routing, log, expected, outcome)
    outcome.said = {**outcome.said, **await check_ownership(log, database, differences)}
    check_conversions(log, differences)
    outcome.said = {**outcome.said, **check_held(log, differences)}
    compare_answers(expected.replies, asked, differences)
    refused = sum(one.is_refused for one in asked)
    outcome.said = {**outcome.said, "commands refused": refused}
    outcome.transactions += len(ordered.entries)
    outcome.commands += len(expected.replies)
    outcome.timers += expected.rung


async def _judge_nurture(field: ChainField, log: Log, outcome: Outcome) -> None:
    database, differences = field.nurture.database, outcome.differences
    ordered = await load_ordered(database, beside=await load_taken(database))
    expected = NurtureReplay(log, await load_recorded(database)).run(ordered.entries)
    differences.lines += ordered.faults
    await compare_nurture(database, expected, differences)
    await _compare_rest(field.nurture, log, expected, outcome)
    mailed = await check_mail(log, database, field.post.received, differences)
    outcome.said = {**outcome.said, **mailed}
    outcome.transactions += len(ordered.entries)
    outcome.timers += expected.rung


async def _judge_analytics(field: ChainField, log: Log, outcome: Outcome) -> None:
    database, differences = field.analytics.database, outcome.differences
    ordered = await load_ordered(database)
    replay = AnalyticsReplay(log)
    oracle = replay.run(ordered.entries)
    differences.lines += ordered.faults
    credited = await compare_credits(database, oracle, differences)
    await _compare_rest(field.analytics, log, replay.expected, outcome)
    outcome.said = {**outcome.said, **credited}
    outcome.transactions += len(ordered.entries)


async def _compare_rest(front: Front, log: Log, expected: Expected, outcome: Outcome) -> None:
    """Compare what a service said and what it buried."""
    differences = outcome.differences
    differences.lines += expected.faults
    outcome.repeats_said += compare_said(
        expected.said, log, service=front.service, topics=SAID[front.service], differences=differences
    )
    async with front.database.connection() as connection:
        rows = await connection.fetch(
            'SELECT topic, partition, "offset", code, attempts, record_key, record_value FROM dead_letter'
        )
    compare_letters([Buried(*row) for row in rows], expected.buried, differences)
    outcome.events += expected.events
    outcome.repeats_read += expected.repeats
    outcome.dead_letters += len(expected.buried)


async def _taken(database: Database, asked: Sequence[Asked]) -> dict[str, CommandTaken]:
    """Return the commands that took effect, by their keys, with the time at which they were received."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT idempotency_key, received FROM command")
    received = {row["idempotency_key"]: row["received"] for row in rows}
    return {
        one.name: CommandTaken(one.lead, one.meaning, received[one.name])
        for one in asked
        if one.name in received
    }
