"""Telling one webhook: in order per lead, at least once under one id, whatever the receiver does."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from services.scoring.domain.webhooks.webhook import Wanted
from services.scoring.jobs.webhooks.telling import NotOurs, Telling
from services.scoring.store.webhooks import deliveries
from shared.kernel.instants import DAY, HOUR, MINUTE
from tests.services.scoring.webhooks.ground import (
    Ground,
    by_lead,
    events,
    open_ground,
    verify,
    without_repeats,
)
from tests.unit.delivery.outbound.receivers import OK, Names, Posted, Receiver, answering, receiving
from tests.unit.scoring.stories import START
from tests.unit.scoring.webhooks.examples import RULES

DOWN = answering("503 Away")
HOURS_OF_REST = msgspec.structs.replace(
    RULES, pause=msgspec.structs.replace(RULES.pause, first_seconds=7_200, longest_seconds=14_400)
)
"""What ships, but for longer rests: days pass in fewer steps."""


async def test_what_is_told_arrives_signed_with_the_sources_own_ids(
    ground: Ground, receiver: Receiver
) -> None:
    await ground.tell("before")
    made = await ground.subscribe(receiver)
    event = await ground.tell("ada")
    await ground.work_off(made.webhook)
    (posted,) = receiver.posted
    assert posted.headers["webhook-id"] == event
    assert posted.headers["webhook-timestamp"] == str(START // 1_000_000)
    assert posted.headers["content-type"] == "application/cloudevents+json"
    assert verify(posted, made.secret.reveal())
    body = json.loads(posted.body)
    assert (body["id"], body["subject"], body["type"]) == (event, "ada", "leadmill.tier_changed")
    assert body["data"]["external_ids"] == [{"source": "crm", "id": "LD-ada"}]
    (attempt,) = await ground.queries.find_attempts(made.webhook)
    assert (attempt.status, attempt.code, attempt.attempt) == (200, "", 1)


async def test_a_webhook_may_begin_with_the_first_change_and_is_told_what_it_wants(
    ground: Ground, receiver: Receiver
) -> None:
    early = await ground.tell("ada", model="mql")
    await ground.tell("ada")
    await ground.tell("ben", model="mql", direction="down")
    made = await ground.desk.create(
        receiver.url,
        name="",
        wanted=Wanted(models=("mql",), directions=("up",)),
        from_the_first=True,
        by="a test",
    )
    late = await ground.tell("cem", model="mql")
    await ground.work_off(made.webhook)
    assert events(receiver.posted) == [early, late]


async def test_down_for_a_day_everything_arrives_once_it_is_back_in_order_and_others_notice_nothing(
    ground: Ground, receiver: Receiver, other: Receiver
) -> None:
    """A simulated day; told all the while, and what the other webhook got was never late."""
    ground.with_rules(HOURS_OF_REST)
    down, up = await ground.subscribe(receiver), await ground.subscribe(other)
    receiver.behave = DOWN
    for hour in range(24):
        for lead in ("ada", "ben", "cem"):
            await ground.tell(lead)
        await ground.pass_to(down.webhook, START + (hour + 1) * HOUR)
        await ground.work_off(up.webhook)
        assert without_repeats(other.posted) == ground.told
    assert (await ground.find(down.webhook)).webhook.health.failing_since == START
    assert set(await ground.states(down.webhook)) == {"waiting"}
    while_down = len(receiver.posted)
    assert len({one.headers["webhook-id"] for one in receiver.posted}) == 3  # the first of each lead

    receiver.behave = lambda _: OK
    await ground.pass_to(down.webhook, START + DAY + 5 * HOUR)
    arrived = receiver.posted[while_down:]
    assert len(arrived) == len(ground.told) == 72
    assert by_lead(without_repeats(arrived)) == by_lead(ground.told)
    assert events(other.posted) == [event for _, event in ground.told]
    shown = await ground.find(down.webhook)
    assert (shown.counts.waiting, shown.webhook.health.failures) == (0, 0)


async def test_while_it_is_down_a_webhook_is_tried_at_most_once_in_ten_minutes(
    ground: Ground, receiver: Receiver
) -> None:
    made = await ground.subscribe(receiver)
    receiver.behave = DOWN
    for number in range(50):
        await ground.tell(f"lead {number}")
    await ground.pass_to(made.webhook, START + HOUR)
    soon = len(receiver.posted)
    assert soon <= 8 + 5 + 7  # a first round of eight, then one at a time: 1, 2, 4, 8, 10, 10 … minutes
    await ground.pass_to(made.webhook, START + 3 * HOUR)
    assert 5 <= len(receiver.posted) - soon <= 2 * 6


async def test_what_waited_for_hours_goes_out_as_soon_as_the_receiver_is_back(
    ground: Ground, receiver: Receiver
) -> None:
    ground.with_rules(HOURS_OF_REST)
    made = await ground.subscribe(receiver)
    receiver.behave = DOWN
    await ground.tell("ada")
    await ground.pass_to(made.webhook, START + 10 * HOUR)
    (waiting,) = await ground.queries.find_deliveries(made.webhook)
    assert waiting.next_attempt > START + 15 * HOUR
    receiver.behave = lambda _: OK
    await ground.tell("ben")
    await ground.pass_to(made.webhook, START + 15 * HOUR)
    assert by_lead(without_repeats(receiver.posted)) == by_lead(ground.told)
    assert await ground.states(made.webhook) == ["delivered", "delivered"]


async def test_one_lead_that_is_refused_holds_up_its_own_changes_and_nobody_elses(
    ground: Ground, receiver: Receiver
) -> None:
    made = await ground.subscribe(receiver)

    def refuse_ada(posted: Posted) -> bytes:
        is_ada = json.loads(posted.body)["subject"] == "ada"
        return answering("422 No")(posted) if is_ada else OK

    receiver.behave = refuse_ada
    first = await ground.tell("ada")
    for _ in range(3):
        await ground.tell("ada")
        await ground.tell("ben")
        await ground.pass_to(made.webhook, ground.clock.now() + MINUTE)
    of_ada = [one for one in without_repeats(receiver.posted) if one[0] == "ada"]
    assert of_ada == [("ada", first)]
    assert len([one for one in without_repeats(receiver.posted) if one[0] == "ben"]) == 3


async def test_after_the_last_attempt_a_delivery_is_dead_listed_and_can_be_sent_again(
    ground: Ground, receiver: Receiver
) -> None:
    ground.with_rules(HOURS_OF_REST)
    made = await ground.subscribe(receiver)
    receiver.behave = answering("422 No")
    first, second = await ground.tell("ada"), await ground.tell("ada")
    await ground.pass_to(made.webhook, START + 4 * DAY)
    (dead,) = await ground.queries.find_deliveries(made.webhook, state="dead")
    assert (dead.event, dead.tries, dead.status, dead.code) == (first, 10, 422, "webhook.refused")
    assert ground.clock.now() - START > 3 * DAY
    tried = await ground.queries.find_attempts(made.webhook, number=dead.number, limit=1_000)
    assert len(tried) == dead.attempts
    assert {one.status for one in tried} == {422}
    assert ground.registry.get_sample_value("leads_scoring_webhook_dead_total") == 1

    receiver.behave = lambda _: OK
    assert await ground.desk.retry(made.webhook, number=dead.number) == 1
    await ground.pass_to(made.webhook, START + 4 * DAY + 5 * HOUR)
    assert events(receiver.posted)[-2:] == [first, second]
    assert await ground.states(made.webhook) == ["delivered", "delivered"]


async def test_a_delivery_is_sent_again_by_hand_under_the_id_that_it_had(
    ground: Ground, receiver: Receiver
) -> None:
    made = await ground.subscribe(receiver)
    await ground.tell("ada")
    await ground.work_off(made.webhook)
    (delivered,) = await ground.queries.find_deliveries(made.webhook, state="delivered")
    await ground.desk.retry(made.webhook, number=delivered.number)
    await ground.work_off(made.webhook)
    assert events(receiver.posted) == [delivered.event] * 2
    assert receiver.posted[0].body == receiver.posted[1].body
    assert await ground.desk.retry(made.webhook) == 0  # all that are not delivered


async def test_410_switches_a_webhook_off_and_switched_on_it_goes_on_where_it_was(
    ground: Ground, receiver: Receiver
) -> None:
    made = await ground.subscribe(receiver)
    receiver.behave = answering("410 Gone")
    await ground.tell("ada")
    with pytest.raises(NotOurs):
        await ground.work_off(made.webhook)
    shown = await ground.find(made.webhook)
    assert (shown.webhook.state, shown.webhook.reason) == ("disabled", "webhook.gone")
    await ground.tell("ada")
    with pytest.raises(NotOurs):
        await ground.work_off(made.webhook)
    assert len(receiver.posted) == 1

    receiver.behave = lambda _: OK
    await ground.desk.enable(made.webhook, by="a test")
    await ground.work_off(made.webhook)
    assert without_repeats(receiver.posted) == ground.told


async def test_after_five_days_of_nothing_but_failures_a_webhook_is_given_up(
    ground: Ground, receiver: Receiver
) -> None:
    ground.with_rules(HOURS_OF_REST)
    made = await ground.subscribe(receiver)
    receiver.behave = DOWN
    for hour in range(0, 6 * 24, 6):
        await ground.tell(f"lead {hour}")
        try:
            await ground.pass_to(made.webhook, START + (hour + 6) * HOUR)
        except NotOurs:
            break
    shown = await ground.find(made.webhook)
    assert (shown.webhook.state, shown.webhook.reason) == ("disabled", "webhook.failing")
    assert ground.clock.now() >= START + 5 * DAY
    name = "leads_scoring_webhook_disabled_total"
    assert ground.registry.get_sample_value(name, {"reason": "webhook.failing"}) == 1


async def test_a_redirect_is_a_failure_and_where_it_points_is_never_reached(
    ground: Ground, receiver: Receiver, other: Receiver
) -> None:
    made = await ground.subscribe(receiver)
    receiver.behave = answering("307 Elsewhere", f"location: {other.url}")
    await ground.tell("ada")
    await ground.work_off(made.webhook)
    (attempt,) = await ground.queries.find_attempts(made.webhook)
    assert (attempt.status, attempt.code) == (307, "webhook.redirected")
    assert other.connections == 0
    assert await ground.states(made.webhook) == ["waiting"]


async def test_an_address_that_turns_private_after_its_check_is_not_reached(
    database_url: str, receiver: Receiver
) -> None:
    names = Names(("93.184.216.34",), ("127.0.0.1",))
    async with open_ground(database_url, names=names, loopback=False) as ground:
        made = await ground.subscribe(f"https://crm.example.com:{receiver.port}/hook")
        await ground.tell("ada")
        await ground.work_off(made.webhook)
        (attempt,) = await ground.queries.find_attempts(made.webhook)
        assert (attempt.status, attempt.code) == (None, "outbound.address_refused")
        assert receiver.connections == 0


async def test_a_receiver_that_asks_for_a_rest_gets_it(ground: Ground, receiver: Receiver) -> None:
    made = await ground.subscribe(receiver)
    receiver.behave = answering("429 Slow down", "retry-after: 600")
    await ground.tell("ada")
    await ground.work_off(made.webhook)
    receiver.behave = lambda _: OK
    await ground.tell("ben")
    await ground.pass_to(made.webhook, START + 10 * MINUTE - 1)
    assert len(receiver.posted) == 1
    await ground.pass_to(made.webhook, START + 10 * MINUTE)
    assert by_lead(without_repeats(receiver.posted)) == by_lead(ground.told)


async def test_both_secrets_sign_for_a_day_and_then_the_new_one_alone(
    ground: Ground, receiver: Receiver
) -> None:
    old = await ground.subscribe(receiver)
    new = await ground.desk.rotate(old.webhook)
    assert len((await ground.find(old.webhook)).secrets) == 2
    await ground.tell("ada")
    await ground.work_off(old.webhook)
    ground.clock.advance_to(START + DAY)
    await ground.tell("ada")
    await ground.work_off(old.webhook)
    first, second = receiver.posted
    assert [verify(first, one.secret.reveal()) for one in (old, new)] == [True, True]
    assert [verify(second, one.secret.reveal()) for one in (old, new)] == [False, True]
    third = await ground.desk.rotate(old.webhook)
    await ground.desk.rotate(old.webhook)
    assert len((await ground.find(old.webhook)).secrets) == 2
    assert third.secret.reveal() != new.secret.reveal()


async def test_no_more_is_written_down_than_may_wait_and_nothing_is_left_out(
    ground: Ground, receiver: Receiver
) -> None:
    ground.with_rules(msgspec.structs.replace(RULES, waiting_at_most=5))
    made = await ground.subscribe(receiver)
    receiver.behave = DOWN
    for lead in range(3):
        await ground.tell(f"lead {lead}")
        await ground.tell(f"lead {lead}")
    await ground.work_off(made.webhook)
    written = (await ground.find(made.webhook)).counts.waiting
    for _ in range(20):
        await ground.tell("late")
    await ground.pass_to(made.webhook, START + HOUR)
    assert (await ground.find(made.webhook)).counts.waiting == written
    receiver.behave = lambda _: OK
    await ground.pass_to(made.webhook, START + DAY)
    assert by_lead(without_repeats(receiver.posted)) == by_lead(ground.told)


async def test_whoever_lost_its_lease_in_the_middle_of_an_attempt_changes_nothing(
    ground: Ground, receiver: Receiver
) -> None:
    """The first holder waits for its answer; meanwhile another one delivers this and the next."""
    made = await ground.subscribe(receiver)
    first = await ground.tell("ada")
    answer, asked = asyncio.Event(), asyncio.Event()
    async with receiving() as slow:
        await ground.desk.change(made.webhook, url=slow.url, by="a test")
        slow.asked, slow.may_answer = asked, answer
        stale = Telling(await ground.lease(made.webhook), ground.tools)
        under_way = asyncio.create_task(stale.turn())
        await asked.wait()
        await ground.desk.change(made.webhook, url=receiver.url, by="a test")
        second = await ground.tell("ada")
        await ground.work_off(made.webhook)
        assert events(receiver.posted) == [first, second]
        answer.set()
        with pytest.raises(NotOurs):
            await under_way
        await stale.close()
    assert await ground.states(made.webhook) == ["delivered", "delivered"]
    assert [one.attempts for one in await ground.queries.find_deliveries(made.webhook)] == [1, 1]


async def test_a_webhook_is_forgotten_with_all_that_belongs_to_it(ground: Ground, receiver: Receiver) -> None:
    made = await ground.subscribe(receiver)
    await ground.tell("ada")
    await ground.work_off(made.webhook)
    async with ground.telling(made.webhook) as telling:
        await ground.desk.delete(made.webhook)
        with pytest.raises(NotOurs):
            await telling.turn()
    async with ground.tools.database.connection() as connection:
        for table in ("webhook", "webhook_secret", "webhook_delivery", "webhook_attempt"):
            assert await connection.fetch_value(f"SELECT count(*) FROM {table}") == 0


async def test_what_waits_is_read_once_to_find_what_is_due_whatever_the_server_believes_of_the_table(
    ground: Ground, receiver: Receiver
) -> None:
    """With a thousand that waited it read half a million rows for every eight messages: 20 a second."""
    made = await ground.subscribe(receiver)
    for number in range(30):
        await ground.tell(f"lead {number % 3}")
    statement = vars(deliveries)["_DUE"]
    async with ground.telling(made.webhook) as telling, ground.tools.database.connection() as connection:
        await telling.turn()
        rows = await connection.fetch(f"EXPLAIN {statement}", made.webhook, ground.clock.now(), 8)
    plan = "\n".join(row[0] for row in rows)
    assert plan.count(" on webhook_delivery") == 1, plan
