"""Many webhooks served beside each other: none waits for another, and processes share them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from services.scoring.jobs.webhooks.serving import Serving
from shared.kernel.instants import DAY, MINUTE
from tests.services.scoring.webhooks.ground import Ground, by_lead, events, without_repeats
from tests.unit.delivery.outbound.receivers import Receiver, answering, receiving
from tests.unit.scoring.stories import START

SOON = timedelta(milliseconds=20)


@asynccontextmanager
async def serving(ground: Ground, *, holder: str = "one") -> AsyncIterator[asyncio.Event]:
    """Serve as a process does, until the end or until what is given is set."""
    stopping = asyncio.Event()
    job = Serving(replace(ground.tools, holder=holder), idle=SOON)
    task = asyncio.create_task(job.run(stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        await task


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that comes about by itself; the deadline only ends a test that has failed."""
    async with asyncio.timeout(90):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_one_that_does_not_answer_delays_no_other(
    ground: Ground, receiver: Receiver, other: Receiver
) -> None:
    """The slow one is asked first and answers only after the other has got everything."""
    other.may_answer = asyncio.Event()
    await ground.subscribe(other)
    await ground.subscribe(receiver)
    async with serving(ground):
        await ground.tell("ada")
        await other.asked.wait()
        for number in range(20):
            await ground.tell(f"lead {number % 3}")

        async def has_everything() -> bool:
            return len(receiver.posted) >= len(ground.told)

        await until(has_everything)
        assert len(other.posted) == 1
        other.may_answer.set()

        async def has_it_too() -> bool:
            return len(set(events(other.posted))) == len(ground.told)

        await until(has_it_too)
    assert by_lead(without_repeats(receiver.posted)) == by_lead(ground.told)
    assert by_lead(without_repeats(other.posted)) == by_lead(ground.told)


async def test_simulated_time_waits_for_what_is_to_be_told_now_and_for_nothing_later(
    ground: Ground, receiver: Receiver
) -> None:
    """Mails and webhooks go only once all else is at rest; the demo's clock stands still until they have."""
    may_go = False
    receiver.behave = answering("500 No")
    await ground.subscribe(receiver)
    job = Serving(replace(ground.tools, may_send=lambda: may_go), idle=SOON)
    assert await job.is_at_rest()  # it serves nobody yet
    stopping = asyncio.Event()
    task = asyncio.create_task(job.run(stopping))

    async def is_served() -> bool:
        return bool(job._bells)

    await until(is_served)
    assert await job.is_at_rest()
    await ground.tell("ada")
    assert not await job.is_at_rest()
    may_go = True
    await until(job.is_at_rest)  # it failed, and is tried again five seconds later
    assert len(receiver.posted) == 1
    receiver.behave = answering("204 Yes")
    ground.clock.advance_to(START + MINUTE)
    assert not await job.is_at_rest()
    await until(job.is_at_rest)
    assert len(receiver.posted) == 2
    stopping.set()
    await task


async def test_processes_share_webhooks_and_one_that_stops_hands_its_own_on(ground: Ground) -> None:
    async with receiving() as first, receiving() as second:
        await ground.subscribe(first)
        await ground.subscribe(second)
        async with serving(ground, holder="one") as stopping, serving(ground, holder="two"):
            await ground.tell("ada")

            async def have_it() -> bool:
                return bool(first.posted and second.posted)

            await until(have_it)
            stopping.set()
            event = await ground.tell("ada")

            async def have_the_next() -> bool:
                return event in events(first.posted) and event in events(second.posted)

            await until(have_the_next)
            holders = await _holders(ground)
            assert "one" not in holders
        assert await _holders(ground) == {""}
        assert without_repeats(first.posted) == without_repeats(second.posted) == ground.told


async def test_one_that_is_switched_off_while_it_is_served_is_told_nothing_more(
    ground: Ground, receiver: Receiver, other: Receiver
) -> None:
    made = await ground.subscribe(receiver)
    await ground.subscribe(other)
    async with serving(ground):
        await ground.tell("ada")

        async def have_it() -> bool:
            return bool(receiver.posted and other.posted)

        await until(have_it)
        await ground.desk.disable(made.webhook, reason="we move", by="a test")
        event = await ground.tell("ada")

        async def has_the_next() -> bool:
            return event in events(other.posted)

        await until(has_the_next)
    assert len(receiver.posted) == 1
    shown = (await ground.find(made.webhook)).webhook
    assert (shown.state, shown.reason) == ("disabled", "we move")


async def test_what_ended_long_ago_is_forgotten_and_what_waits_is_not(
    ground: Ground, receiver: Receiver, other: Receiver
) -> None:
    made, failing = await ground.subscribe(receiver), await ground.subscribe(other)
    other.behave = answering("500 No")
    await ground.tell("ada")
    await ground.work_off(made.webhook)
    await ground.work_off(failing.webhook)
    job = Serving(ground.tools)
    ground.clock.advance_to(START + 7 * DAY)
    await job.forget()
    assert await ground.states(made.webhook) == ["delivered"]
    ground.clock.advance_to(START + 8 * DAY)
    await job.forget()
    assert await ground.states(made.webhook) == []
    assert await ground.states(failing.webhook) == ["waiting"]
    await job.measure()
    assert ground.registry.get_sample_value("leads_scoring_webhook_waiting") == 1
    assert ground.registry.get_sample_value("leads_scoring_webhook_oldest_seconds") == 8 * 86_400


async def _holders(ground: Ground) -> set[str]:
    async with ground.tools.database.connection() as connection:
        rows = await connection.fetch("SELECT lease_holder FROM webhook")
    return {row["lease_holder"] for row in rows}
