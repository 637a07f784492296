"""The audit of a whole deployment, on live data.

It notes how far every producer has come and every topic reaches, waits until the consumers have passed
that, within bounds, and then compares; so what is merely under way is no breach. A service's own check
looks at rows that go on changing while it reads: what it complains about is looked at again, and only
what it says both times counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from leadmill.audit.reading import read_kept_topics
from shared.log.port import Log, TopicPartition
from shared.processor.checks import (
    Finding,
    check_dead_letters,
    check_outbox,
    check_receipts,
    compare_sequences,
    load_all_marks,
    load_sequences,
)
from shared.runtime.blueprint import Blueprint

PATIENCE: Final = timedelta(seconds=20)

_LOOK_SECONDS: Final = 0.1
_SECOND_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Noted:
    """How far everybody had come when the audit began."""

    sequences: Mapping[str, Mapping[TopicPartition, int]]
    ends: Mapping[TopicPartition, int]


async def audit_deployment(
    blueprints: Sequence[Blueprint],
    log: Log,
    *,
    full: bool = False,
    patience: timedelta = PATIENCE,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Finding]:
    """Run every check and return what each found, in the order in which a lead meets the services.

    With ``full`` nothing is sampled, and the kept topics are read from their beginning. ``tell`` is told
    what is being done. The blueprints are started; nothing is changed.

    :raises Unavailable: if the database or the log does not answer.
    """
    tell("noting how far everybody is")
    noted = await _note(blueprints, log)
    tell("waiting for the consumers")
    await _wait(blueprints, noted, patience)
    tell("comparing what was said with what was heard")
    findings = await _compare(blueprints, noted)
    for blueprint in blueprints:
        tell(f"checking {blueprint.name}")
        findings += await _check(blueprint, full=full)
    if full:
        findings += await read_kept_topics(blueprints, log, tell=tell)
    return findings


async def _note(blueprints: Sequence[Blueprint], log: Log) -> _Noted:
    sequences = {blueprint.name: await load_sequences(blueprint.database) for blueprint in blueprints}
    admin = await log.admin()
    try:
        bounds = await admin.bounds({topic for blueprint in blueprints for topic in blueprint.topics})
    finally:
        await admin.stop()
    return _Noted(sequences, {target: end for target, (_, end) in bounds.items()})


async def _wait(blueprints: Sequence[Blueprint], noted: _Noted, patience: timedelta) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    while loop.time() < deadline:
        if all(finding.holds for finding in await _compare(blueprints, noted)):
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _compare(blueprints: Sequence[Blueprint], noted: _Noted) -> list[Finding]:
    """Compare what each producer had drawn with what each consumer has seen, and positions with ends."""
    findings: list[Finding] = []
    for consumer in blueprints:
        marks = await load_all_marks(consumer.database, group=consumer.group)
        findings += [
            compare_sequences(
                producer=producer.name,
                noted=noted.sequences[producer.name],
                consumer=consumer.name,
                marks=marks,
                topics=consumer.topics,
            )
            for producer in blueprints
            if set(producer.outputs) & set(consumer.topics)
        ]
    return findings


async def _check(blueprint: Blueprint, *, full: bool) -> list[Finding]:
    database = blueprint.database

    async def look() -> Sequence[Finding]:
        own = await blueprint.check(full)
        engine = [
            await check_outbox(database, service=blueprint.name),
            await check_dead_letters(database, service=blueprint.name),
        ]
        receipts = await check_receipts(database, service=blueprint.name, group=blueprint.group)
        if receipts.looked_at:  # not every service keeps them
            engine.append(receipts)
        named = {finding.check for finding in own}
        return [*own, *(finding for finding in engine if finding.check not in named)]

    return await _look_twice(look)


async def _look_twice(look: Callable[[], Awaitable[Sequence[Finding]]]) -> list[Finding]:
    first = list(await look())
    if all(finding.holds for finding in first):
        return first
    await asyncio.sleep(_SECOND_LOOK_SECONDS)
    second = {finding.check: finding for finding in await look()}
    settled = []
    for finding in first:
        again = second.get(finding.check, finding)
        lasting = [breach for breach in again.breaches if breach in set(finding.breaches)]
        settled.append(replace(again, breaches=lasting))
    return settled
