"""Sending when things go wrong: never twice, nothing stalls, and what nobody knows is listed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from leadmill.demo.mail_sink import Treatment
from services.nurture.bootstrap import build
from shared.kernel.instants import DAY, HOUR, MINUTE
from tests.services.nurture.stand import Stand
from tests.services.nurture.words import Words
from tests.unit.nurture.stories import START


async def unconfirmed(stand: Stand) -> list[dict[str, Any]]:
    answer = await stand.http.get("/nurture/v1/messages", params={"state": "unconfirmed"})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_lost_answer_is_unconfirmed_listed_and_never_repeated(stand: Stand, words: Words) -> None:
    stand.sink.treat = lambda _: Treatment.LOSE_ANSWER
    ada = words.lead("ada")
    await stand.learn(*words.becomes_b("ada", START))
    stand.sink.treat = lambda _: Treatment.TAKE
    (listed,) = await unconfirmed(stand)
    assert (listed["lead"], listed["step"], listed["reason"]) == (ada, "welcome", "mail.answer_lost")
    await stand.pass_to(START + 20 * DAY)

    assert (await stand.told(ada))[:3] == [
        "LeadEnrolled mql/B",
        "MessageUnconfirmed welcome",
        "MessageSent practice",
    ]
    assert len(stand.mails("ada")) == 4
    assert stand.sink.count(listed["id"]) == 1
    assert not await stand.breaches()


async def test_a_refusal_for_good_fails_and_the_sequence_goes_on(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    stand.sink.treat = lambda _: Treatment.REFUSE_RECIPIENT
    await stand.learn(*words.becomes_b("ada", START))
    stand.sink.treat = lambda _: Treatment.TAKE
    await stand.pass_to(START + 4 * DAY)
    assert await stand.told(words.lead("ada")) == [
        "LeadEnrolled mql/B",
        "MessageFailed welcome mail.550",
        "MessageSent practice",
    ]
    assert not await stand.breaches()


@pytest.mark.parametrize("treatment", [Treatment.DEFER_RECIPIENT, Treatment.HANG_UP_EARLY])
async def test_a_server_that_cannot_now_is_asked_again_later(
    small_stand: Stand, words: Words, treatment: Treatment
) -> None:
    stand = small_stand
    stand.sink.treat = lambda _: treatment
    await stand.learn(*words.becomes_b("ada", START), rests=False)
    await stand.until("SELECT last_fault IS NOT NULL AND state = 'planned' FROM message")
    assert await stand.told(words.lead("ada")) == ["LeadEnrolled mql/B"]
    assert await stand.value("SELECT count(*) FROM dead_letter") == 0
    assert not await stand.breaches()

    stand.sink.treat = lambda _: Treatment.TAKE
    assert await stand.execute("UPDATE message SET next_attempt = clock_timestamp()") == 1
    await stand.settle()
    assert (await stand.told(words.lead("ada")))[-1] == "MessageSent welcome"
    assert len(stand.mails("ada")) == 1


async def test_what_could_not_be_sent_for_days_is_dropped_and_the_next_goes_out(
    small_stand: Stand, words: Words
) -> None:
    stand = small_stand
    stand.sink.treat = lambda _: Treatment.DEFER_RECIPIENT
    await stand.learn(*words.becomes_b("ada", START), rests=False)
    await stand.until("SELECT last_fault IS NOT NULL AND state = 'planned' FROM message")
    stand.sink.treat = lambda _: Treatment.TAKE
    stand.clock.advance_to(START + 5 * DAY)
    await stand.settle()
    await stand.pass_to(START + 20 * DAY)
    assert await stand.told(words.lead("ada")) == [
        "LeadEnrolled mql/B",
        "MessageSuppressed welcome too_late",
        "MessageSent practice",
        "MessageSent guide",
        "MessageSent invitation",
        "SequenceExited completed",
    ]
    assert not await stand.breaches()


async def test_a_sender_that_dies_in_the_middle_leaves_it_unconfirmed(
    idle_stand: Stand, words: Words
) -> None:
    stand = idle_stand
    stand.sink.treat = lambda _: Treatment.NEVER_ANSWER
    await stand.learn(*words.becomes_b("ada", START), rests=False)
    first, second, *_ = stand.blueprint.activities
    stand.start_activity(first)
    async with asyncio.timeout(10):
        while not stand.sink.received:
            await asyncio.sleep(0.01)
    await stand.kill(first.name)
    assert await stand.value("SELECT state FROM message") == "sending"
    assert await stand.told(words.lead("ada")) == ["LeadEnrolled mql/B"]

    stand.sink.treat = lambda _: Treatment.TAKE
    stand.start_activity(second)
    await asyncio.sleep(0.3)
    assert await stand.value("SELECT state FROM message") == "sending", "its lease is not over"
    await stand.execute("UPDATE message SET lease_until = clock_timestamp() - interval '1 second'")
    await stand.settle()
    assert (await stand.told(words.lead("ada")))[-1] == "MessageUnconfirmed welcome"
    assert len(stand.sink.received) == 1
    assert len(await unconfirmed(stand)) == 1


async def test_many_senders_send_everything_once(idle_stand: Stand, words: Words) -> None:
    stand = idle_stand
    people = [f"person{number}" for number in range(60)]
    await stand.learn(*(word for who in people for word in words.becomes_b(who, START)), rests=False)
    assert await stand.value("SELECT count(*) FROM message WHERE state = 'planned'") == 60
    others = [build(stand.resources, settings=stand.settings) for _ in range(2)]
    for number, blueprint in enumerate(others):
        await blueprint.start()
        for activity in blueprint.activities[:2]:
            stand.start_activity(
                type(activity)(name=f"{number}-{activity.name}", run=activity.run, stop=activity.stop)
            )
    await stand.settle()
    for number, blueprint in enumerate(others):
        for activity in blueprint.activities[:2]:
            await stand.stop_one(f"{number}-{activity.name}")
        await blueprint.stop()
    ids = [received.message_id for received in stand.sink.received]
    assert len(ids) == len(set(ids)) == 60
    assert await stand.value("SELECT count(*) FROM message WHERE state = 'sent'") == 60
    assert await stand.value("SELECT max(attempts) FROM message") == 1
    assert not await stand.breaches()


async def test_an_exit_wins_over_a_mail_that_waits(idle_stand: Stand, words: Words) -> None:
    stand = idle_stand
    await stand.learn(*words.becomes_b("ada", START), rests=False)
    await stand.learn(words.tier("ada", "A", START + MINUTE), rests=False)
    stand.start_activity(stand.blueprint.activities[0])
    await stand.settle()
    assert not stand.sink.received
    assert (await stand.told(words.lead("ada")))[1:] == [
        "MessageSuppressed welcome promoted",
        "SequenceExited promoted",
    ]


async def test_who_is_erased_while_a_mail_is_on_its_way_gets_no_other_and_leaves_no_trace(
    stand: Stand, words: Words
) -> None:
    ada = words.lead("ada")
    going = asyncio.Event()

    def treat(_: str) -> Treatment:
        going.set()
        return Treatment.NEVER_ANSWER

    stand.sink.treat = treat
    await stand.learn(
        *words.becomes_b("ada", START, name="Ada Lovelace", company_name="Analytical"), rests=False
    )
    await going.wait()
    await stand.learn(words.erased("ada", START + MINUTE), rests=False)
    await stand.learn(words.contact_gone("ada", START + MINUTE))
    await stand.learn(words.contact("ada", START + HOUR, version=9), words.tier("ada", "B", START + HOUR))
    await stand.pass_to(START + 30 * DAY)

    told = await stand.told(ada)
    assert told[0] == "LeadEnrolled mql/B"
    assert sorted(told[1:]) == ["MessageUnconfirmed welcome", "SequenceExited erased"]
    assert len(stand.mails("ada")) == 1
    for table in (
        "lead",
        "profile",
        "contact",
        "enrolment",
        "message",
        "said",
        "engagement",
        "timer",
        "command",
    ):
        rows = [str(dict(row.items())) for row in await stand.rows(f"SELECT * FROM {table}")]
        assert not any("Lovelace" in row or "Analytical" in row or "@example" in row for row in rows)
    assert not await stand.breaches()


async def test_a_tombstone_takes_the_address_away(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    await stand.learn(*words.becomes_b("ada", START))
    await stand.learn(words.contact_gone("ada", START + MINUTE))
    assert (await stand.told(words.lead("ada")))[-1] == "SequenceExited no_address"
    assert await stand.value("SELECT state FROM contact") is None
    await stand.learn(words.contact("ada", START + HOUR, version=2))
    await stand.pass_to(START + 20 * DAY)
    assert [one.partition(" ")[2] for one in await stand.told(words.lead("ada"))][3:] == [
        "mql/B",
        "practice",
        "guide",
        "invitation",
        "completed",
    ]


async def test_a_merge_moves_a_refusal_and_sends_nothing_twice(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    await stand.learn(*words.becomes_b("ada", START), *words.becomes_b("ben", START))
    await stand.learn(words.merged("ben", "ada", START + MINUTE))
    await stand.learn(words.contact_gone("ben", START + MINUTE))
    assert (await stand.told(words.lead("ben")))[-1] == "SequenceExited merged"
    assert (await stand.lead(words.lead("ben")))["lead"] == words.lead("ada")
    await stand.learn(words.unsubscribed("ben", START + HOUR))
    assert (await stand.told(words.lead("ada")))[-1] == "SequenceExited unsubscribed"
    assert not await stand.breaches()


async def test_an_address_that_is_none_fails_that_message_only(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    await stand.learn(*words.becomes_b("ada", START, email="not an address"), *words.becomes_b("ben", START))
    assert (await stand.told(words.lead("ada")))[-1] == "MessageFailed welcome nurture.address_unusable"
    assert len(stand.mails("ben")) == 1
