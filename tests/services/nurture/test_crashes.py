"""Senders that are killed at any moment, with a mail server that loses answers: nothing goes out twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress

import pytest

from leadmill.demo.mail_sink import Treatment
from services.nurture.bootstrap import build
from tests.services.nurture.stand import Stand
from tests.services.nurture.words import Words
from tests.unit.nurture.stories import START

pytestmark = pytest.mark.lasts(20)

PEOPLE = 60
TREATMENTS = (
    *(Treatment.TAKE, Treatment.TAKE, Treatment.DEFER_DATA),
    *(Treatment.LOSE_ANSWER, Treatment.NEVER_ANSWER),
)
LEASES_END = "UPDATE message SET lease_until = now() - interval '1 s' WHERE state = 'sending'"


async def test_whatever_dies_when_each_mail_goes_out_at_most_once(idle_stand: Stand, words: Words) -> None:
    stand = idle_stand
    chance = random.Random(20260302)
    stand.sink.treat = lambda _: chance.choice(TREATMENTS)
    people = [f"person{number}" for number in range(PEOPLE)]
    await stand.learn(*(word for who in people for word in words.becomes_b(who, START)), rests=False)

    for _ in range(25):
        blueprint = build(stand.resources, settings=stand.settings)
        await blueprint.start()
        tasks = [asyncio.create_task(one.run()) for one in blueprint.activities[:2]]
        await asyncio.sleep(chance.uniform(0.01, 0.6))
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await blueprint.stop()
        if chance.random() < 0.4:  # the lease of the dead is over
            await stand.execute(LEASES_END)
        await stand.execute("UPDATE message SET next_attempt = now() WHERE state = 'planned'")

    stand.sink.treat = lambda _: Treatment.TAKE
    await stand.execute(LEASES_END)
    for activity in stand.blueprint.activities[:2]:
        stand.start_activity(activity)
    await stand.settle()

    arrived = Counter(received.message_id for received in stand.sink.received)
    assert max(arrived.values()) == 1
    states = {row["id"]: row["state"] for row in await stand.rows("SELECT id, state FROM message")}
    assert len(states) == PEOPLE
    assert set(states.values()) <= {"sent", "unconfirmed"}
    sent = {one for one, state in states.items() if state == "sent"}
    assert sent <= set(arrived), "what is said to be sent has arrived"
    assert set(arrived) - sent <= {one for one, state in states.items() if state == "unconfirmed"}
    assert not await stand.breaches()
