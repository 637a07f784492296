"""Routing's oracle agrees with what two workers and many people made of it, and notices damage."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry

from leadmill.embedded import EmbeddedPostgres
from services.routing.domain.commands import ClaimLead, RecordFollowUp, ReturnLead, SetCapacity, TransferLead
from shared.kernel.errors import Rejected
from shared.kernel.instants import MINUTE
from shared.log.port import Record, TopicPartition
from shared.processor.commands import Commands
from shared.processor.fold import Announcer
from shared.processor.loop import LoopSettings, Worker
from shared.processor.transaction import Bench
from shared.telemetry.metrics import ProcessorMetrics
from tests.failure.on_chain.oracle.locked import CommandTaken
from tests.failure.on_chain.oracle.promises import check_ownership
from tests.failure.on_chain.oracle.routing import compare_routing, replay_routing
from tests.failure.on_services.oracle.inputs import load_ordered
from tests.failure.on_services.oracle.saying import compare_said
from tests.failure.on_services.surroundings.topics import SAID
from tests.failure.oracle import journal
from tests.failure.oracle.comparison import Differences
from tests.services.routing.conftest import START, small_stand, words
from tests.services.routing.stand import Stand
from tests.services.routing.words import Word, Words, lead_id
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.routing.floor import local

__all__ = ["small_stand", "words"]

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

_PEOPLE: Final = tuple(f"person {number}" for number in range(20))
_REPS: Final = tuple(f"rep-{number}" for number in range(1, 7))


@pytest.fixture
def database_url() -> Iterator[str]:
    """A server that notes when each transaction committed."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-oracle-"))
    folder.chmod(0o755)  # as root the database runs under another account
    settings = {"fsync": "off", "full_page_writes": "off", "track_commit_timestamp": "on"}
    try:
        with EmbeddedPostgres(folder / "postgres", settings=settings) as server:
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Crowd:
    """Two workers and people who act on a stand, with a journal beside everything."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.given: dict[str, CommandTaken] = {}
        self._pick = random.Random(7)
        bench = Bench(
            announcer=Announcer(source="/leadmill/routing", partitions=PARTITIONS, max_record_bytes=900_000),
            database=stand.database,
            clock=stand.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service="routing", group="routing"),
            journal=journal.journal_of("boss"),
        )
        self._commands: Commands[Any] = Commands(stand.stage, bench)

    async def start(self) -> None:
        """Keep a journal, and let two workers join."""
        stand = self.stand
        async with stand.database.connection() as connection:
            await connection.execute(journal.DDL)
        for name in ("one", "two"):
            worker: Worker[Any] = Worker(
                stage=stand.stage,
                log=stand.log,
                database=stand.database,
                clock=stand.clock,
                metrics=ProcessorMetrics(CollectorRegistry(), service="routing", group="routing"),
                member=name,
                settings=LoopSettings(partitions=PARTITIONS),
                journal=journal.journal_of(name),
            )
            stand.workers[name] = worker, asyncio.create_task(worker.run())

    async def act(self) -> None:
        """Give some command, whether it may be refused or not."""
        pick = self._pick
        who, rep = lead_id(pick.choice(_PEOPLE)), pick.choice(_REPS)
        boss: dict[str, Any] = {"by": "boss", "is_manager": True}
        command = pick.choice(
            (
                ClaimLead(by=rep, rep=rep),
                RecordFollowUp(**boss, rep=rep, way="phone", result="reached"),
                ReturnLead(**boss, rep=rep, reason="not_ready"),
                TransferLead(**boss, to_rep=rep),
                SetCapacity(**boss, rep=rep, capacity=pick.randint(3, 9)),
            )
        )
        name, now = f"key-{len(self.given)}", self.stand.clock.now()
        target = rep if isinstance(command, SetCapacity) else who
        self.given[name] = CommandTaken(target, command, now)
        with suppress(Rejected):
            await self._commands.run(key=target, command=command, received=now, idempotency_key=name)

    async def compare(self) -> Differences:
        """Fold everything again and compare."""
        stand, differences = self.stand, Differences([])
        log: dict[TopicPartition, list[Record]] = {}
        for topic in (*stand.stage.topics, *stand.stage.outputs, stand.stage.dead_letters):
            for record in await stand.records(topic):
                log.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        ordered = await load_ordered(stand.database)
        expected = replay_routing(log, self.given).run(ordered.entries)
        differences.lines += [*ordered.faults, *expected.faults]
        await compare_routing(stand.database, expected, differences)
        compare_said(expected.said, log, service="routing", topics=SAID["routing"], differences=differences)
        await check_ownership(log, stand.database, differences)
        assert expected.rung > 0
        return differences


def _arrivals(words: Words) -> Iterator[Sequence[Word]]:
    """Yield tiers that call for sales, and merges across partitions, some taken back."""
    for number in range(0, len(_PEOPLE), 2):
        who, into = _PEOPLE[number], _PEOPLE[number + 1]
        yield [words.tier(one, "A", START + MINUTE) for one in (who, into)]
        if number % 4 == 0:
            yield [words.moved(who, into, START + MINUTE, version=1)]
        if number % 8 == 0:
            yield [words.moved(who, who, START + MINUTE, version=2, out_of=into)]


async def test_the_fold_in_commit_order_is_what_happened_and_damage_shows(
    small_stand: Stand, words: Words
) -> None:
    crowd = Crowd(small_stand)
    await crowd.start()
    await small_stand.learn(*(words.captured(who, START) for who in _PEOPLE))

    async def people_act() -> None:
        for _ in range(10):
            await asyncio.gather(*(crowd.act() for _ in range(5)))

    async def facts_arrive() -> None:
        for some in _arrivals(words):
            await small_stand.feed(*some)

    await asyncio.gather(people_act(), facts_arrive())
    await small_stand.settle()
    await small_stand.pass_to(local("2026-05-11 18:00"))
    assert (await crowd.compare()).lines == []

    await small_stand.execute(
        "UPDATE lead SET rep = 'rep-9' WHERE id = (SELECT min(id) FROM lead WHERE rep IS NOT NULL)"
    )
    await small_stand.execute("DELETE FROM said WHERE number = 1 AND lead = (SELECT min(lead) FROM said)")
    await small_stand.execute("UPDATE rep SET state = jsonb_set(state, '{load}', '77') WHERE id = 'rep-1'")
    assert {"owner", "said", "rep"} <= set((await crowd.compare()).kinds)
