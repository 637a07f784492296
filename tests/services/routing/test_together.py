"""Two workers, merges across partitions and people who act, all at once: nothing is lost, it adds up."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from services.routing.domain.commands import ClaimLead, RecordFollowUp, SetCapacity, TransferLead
from shared.contracts.topics import DEAD_LETTERS
from shared.kernel.errors import Rejected
from shared.kernel.instants import MINUTE
from tests.services.routing.conftest import START
from tests.services.routing.stand import Stand
from tests.services.routing.words import Words
from tests.unit.routing.floor import local

PEOPLE = [f"person {number}" for number in range(40)]


async def test_everything_at_once_adds_up(small_stand: Stand, words: Words) -> None:
    stand, draw = small_stand, random.Random(7)
    await stand.start_worker("one")
    await stand.start_worker("two")
    await stand.learn(*(words.captured(who, START) for who in PEOPLE))
    reps = [f"rep-{number}" for number in range(1, 7)]
    refused: list[str] = []

    async def act() -> None:
        who, rep = draw.choice(PEOPLE), draw.choice(reps)
        boss: dict[str, Any] = {"by": "boss", "is_manager": True}
        command = draw.choice(
            [
                ClaimLead(by=rep, rep=rep),
                RecordFollowUp(**boss, rep=rep, way="phone", result="reached"),
                TransferLead(**boss, to_rep=rep),
                SetCapacity(**boss, rep=rep, capacity=draw.randint(3, 9)),
            ]
        )
        try:
            await stand.ask(rep if isinstance(command, SetCapacity) else who, command)
        except Rejected as error:
            refused.append(error.reason)

    async def people_act() -> None:
        for _ in range(15):
            await asyncio.gather(*(act() for _ in range(6)))

    async def facts_arrive() -> None:
        versions = dict.fromkeys(PEOPLE, 0)
        for number in range(0, 30, 2):
            who, into = PEOPLE[number], PEOPLE[number + 1]
            await stand.feed(*(words.tier(one, "A", START + MINUTE) for one in (who, into)))
            versions[who] += 1
            await stand.feed(words.moved(who, into, START + MINUTE, version=versions[who]))
            if number % 3 == 0:
                versions[who] += 1
                back = words.moved(who, who, START + MINUTE, version=versions[who], out_of=into)
                await stand.feed(back, words.won(into, START + MINUTE))

    await asyncio.gather(people_act(), facts_arrive())
    await stand.settle()
    assert await stand.breaches() == []
    await stand.pass_to(local("2026-05-11 18:00"))  # every first clock has rung by then
    assert await stand.breaches() == []
    assert await stand.records(DEAD_LETTERS["routing"].name) == []
    assert "internal.bug" not in refused
    assert (
        await stand.value("SELECT count(*) FROM lead WHERE place = 'owned' AND due < $1", stand.clock.now())
        == 0
    )
