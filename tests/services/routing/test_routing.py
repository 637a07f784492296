"""From tier changes to owners and back, on both logs: each once, in time, and it all adds up."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from services.routing.domain.commands import AddLeave, ClaimLead, FillHandover, RecordFollowUp
from shared.contracts.events.assignments import LeadAssigned, LeadConverted, LeadPooled, LeadRecalled
from shared.contracts.topics import DEAD_LETTERS
from shared.kernel.errors import Rejected, Unavailable
from shared.kernel.instants import MICROSECOND, MINUTE, from_datetime
from tests.services.routing.conftest import START
from tests.services.routing.stand import Stand
from tests.services.routing.words import Words, lead_id
from tests.unit.routing.floor import local

pytestmark = pytest.mark.lasts(25)


def claim(rep: str) -> ClaimLead:
    return ClaimLead(by=rep, rep=rep)


def phone(rep: str) -> RecordFollowUp:
    return RecordFollowUp(by=rep, rep=rep, way="phone", result="reached")


async def test_a_weekend_with_a_make_up_day_is_counted_as_it_is_worked(stand: Stand, words: Words) -> None:
    await stand.start_worker()
    await stand.learn(*words.hot("ada", START + MINUTE))
    assert await stand.owner("ada") == "rep-1"
    assigned = [event for _, event in await stand.said() if isinstance(event, LeadAssigned)]
    due = local("2026-05-09 10:01")  # the Saturday is worked
    assert [from_datetime(event.due) for event in assigned] == [due]

    await stand.pass_to(due - MICROSECOND)
    assert await stand.owner("ada") == "rep-1"
    await stand.pass_to(due)
    assert await stand.owner("ada") is None
    assert await stand.events("ada") == [
        "LeadAssigned",
        "ResponseWarned",
        "ResponseWarned",
        "LeadRecalled",
        "LeadPooled",
    ]
    recalled = [envelope for envelope, event in await stand.said() if isinstance(event, LeadRecalled)]
    assert [envelope.occurred for envelope in recalled] == [due]

    await stand.ask("ada", claim("rep-2"))
    await stand.pass_to(local("2026-05-11 10:00"))  # the Sunday is not
    assert await stand.owner("ada") == "rep-2"
    await stand.ask("ada", phone("rep-2"))
    await stand.pass_to(local("2026-05-17 00:00"))
    assert await stand.owner("ada") == "rep-2"
    assert await stand.breaches() == []


@pytest.mark.every_run
async def test_of_200_parallel_claims_one_wins_and_199_are_told_so(stand: Stand, words: Words) -> None:
    await stand.start_worker()
    await stand.learn(words.captured("ada", START), words.tier("ada", "B", START))
    reps = [f"rep-{number % 6 + 1}" for number in range(200)]

    async def attempt(number: int, rep: str) -> str:
        while True:
            try:
                await stand.ask("ada", claim(rep), key=f"claim-{number}")
            except Rejected as error:
                return error.reason
            except Unavailable:  # a busy machine has no connection in time; who sends it again has the key
                await asyncio.sleep(0.1)
            else:
                return "won"

    outcomes = Counter(await asyncio.gather(*(attempt(number, rep) for number, rep in enumerate(reps))))
    await stand.settle()
    assert outcomes == {"won": 1, "routing.already_owned": 199}
    assert await stand.events("ada") == ["LeadPooled", "LeadClaimed"]
    assert (
        await stand.value("SELECT count(*) FROM stay WHERE lead = $1 AND rep IS NOT NULL", lead_id("ada"))
        == 1
    )
    assert await stand.breaches() == []


async def test_recall_and_contact_in_the_same_instant_have_one_winner_whoever_comes_first(
    stand: Stand, words: Words
) -> None:
    await stand.start_worker()
    await stand.learn(*words.hot("ada", START), *words.hot("bob", START))
    first, second = await stand.owner("ada"), await stand.owner("bob")
    await stand.stop_worker()

    due = local("2026-05-09 10:00")
    stand.clock.advance_to(due)
    await stand.ask("ada", phone(first))  # before anybody looks at clocks
    await stand.start_worker()
    await stand.settle()
    assert await stand.owner("ada") == first
    assert await stand.owner("bob") is None  # the clock came first
    with pytest.raises(Rejected) as refused:
        await stand.ask("bob", phone(second))
    assert refused.value.reason == "routing.recalled"
    assert "recalled at 2026-05-09T02:00:00Z" in refused.value.message
    assert "LeadRecalled" not in await stand.events("ada")
    assert (await stand.events("bob"))[-2:] == ["LeadRecalled", "LeadPooled"]
    assert await stand.breaches() == []


async def test_a_command_lets_the_clock_ring_that_was_due_before_it(stand: Stand, words: Words) -> None:
    await stand.start_worker()
    await stand.learn(*words.hot("ada", START))
    await stand.stop_worker()
    stand.clock.advance_to(local("2026-05-09 10:00") + MICROSECOND)
    with pytest.raises(Rejected) as refused:
        await stand.ask("ada", phone("rep-1"))
    assert refused.value.reason == "routing.recalled"
    await stand.ask("ada", claim("rep-3"))  # the recall rings in the claim's own transaction
    await stand.start_worker()
    await stand.settle()
    assert await stand.owner("ada") == "rep-3"
    assert (await stand.events("ada"))[-3:] == ["LeadRecalled", "LeadPooled", "LeadClaimed"]
    assert await stand.breaches() == []


async def test_of_two_owned_leads_that_are_merged_one_owner_stays(stand: Stand, words: Words) -> None:
    await stand.start_worker()
    await stand.learn(*words.hot("ada", START), *words.hot("bob", START))
    owner = await stand.owner("ada")
    await stand.learn(words.moved("bob", "ada", START + MINUTE, version=1))
    assert (await stand.owner("ada"), await stand.owner("bob")) == (owner, None)
    assert (await stand.events("bob"))[-1] == "OwnershipEnded"
    assert await stand.value("SELECT count(DISTINCT key) FROM timer") == 1
    await stand.learn(words.moved("bob", "bob", START + 2 * MINUTE, version=2, out_of="ada"))
    assert (await stand.owner("ada"), await stand.owner("bob")) == (owner, None)
    assert await stand.breaches() == []


async def test_where_nobody_can_be_found_the_lead_waits_in_the_pool_with_the_reason(
    stand: Stand, words: Words
) -> None:
    await stand.start_worker()
    for number in range(1, 5):
        command = AddLeave(
            by="boss", is_manager=True, rep=f"rep-{number}", first_day="2026-05-08", last_day="2026-05-08"
        )
        await stand.ask(f"rep-{number}", command)
    await stand.learn(*words.hot("ada", START))
    pooled = [event for _, event in await stand.said() if isinstance(event, LeadPooled)]
    assert [event.reason for event in pooled] == ["nobody_eligible"]
    assert (
        await stand.value("SELECT fallback FROM decision WHERE lead = $1", lead_id("ada"))
        == "nobody_eligible"
    )
    considered = await stand.value("SELECT considered FROM decision WHERE lead = $1", lead_id("ada"))
    assert considered.count("on_leave") == 4
    assert await stand.breaches() == []


async def test_two_workers_and_many_leads_share_the_turns_fairly(stand: Stand, words: Words) -> None:
    await stand.start_worker("one")
    await stand.start_worker("two")
    people = [f"person {number}" for number in range(40)]
    await stand.feed(*(words.captured(who, START) for who in people))
    await stand.settle()
    await stand.feed(*(words.tier(who, "A", START + MINUTE) for who in people))
    await stand.settle()
    owners = Counter([await stand.owner(who) for who in people])
    assert owners == {"rep-1": 10, "rep-2": 10, "rep-3": 10, "rep-4": 10}
    assert await stand.breaches() == []


async def test_activation_and_the_last_field_make_one_opportunity(stand: Stand, words: Words) -> None:
    await stand.start_worker()
    await stand.learn(*words.hot("ada", START), words.activated("ada", START))
    fields = {
        "pain_point": "too slow",
        "current_solution": "paper",
        "purchase_time": "1_month",
        "budget": "yes",
        "decision_maker": "yes",
    }
    command = FillHandover(by="rep-1", rep="rep-1", fields=fields)
    replies = [await stand.ask("ada", command, key="once"), await stand.ask("ada", command, key="once")]
    assert replies[0] == replies[1]
    await stand.ask("ada", FillHandover(by="rep-1", rep="rep-1", fields={"budget": "open"}))
    await stand.settle()
    converted = [event for _, event in await stand.said() if isinstance(event, LeadConverted)]
    assert len(converted) == 1
    assert set(converted[0].handover) == {"purchase_time", "budget", "decision_maker"}
    assert await stand.breaches() == []


async def test_what_arrives_in_any_order_and_twice_loses_nothing(stand: Stand, words: Words) -> None:
    await stand.start_worker()
    late = words.captured("ada", START + MINUTE)
    await stand.learn(
        words.won("cy", START), words.tier("ada", "A", START), words.scores("ben", START, version=1, mql=70)
    )
    assert await stand.owner("ada") is None
    await stand.learn(late, late, words.erased("dee", START), *words.hot("dee", START + MINUTE))
    assert await stand.owner("ada") == "rep-1"
    assert await stand.owner("dee") is None
    assert len(await stand.records(DEAD_LETTERS["routing"].name)) == 0
    assert await stand.breaches() == []
