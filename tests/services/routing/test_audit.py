"""The audit finds planted damage and names it by id; what is clean is clean; and a lead's story is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from services.routing.domain.commands import ClaimLead, RecordFollowUp
from shared.kernel.instants import MINUTE
from tests.services.routing.conftest import START
from tests.services.routing.stand import Stand
from tests.services.routing.words import Word, Words, lead_id
from tests.unit.routing.floor import local

pytestmark = pytest.mark.lasts(15)


class Read(NamedTuple):
    """A record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def read(word: Word, offset: int) -> Read:
    new = word.record
    return Read(*word.target, offset, new.timestamp, new.key, new.value, new.headers)


ADA, BOB = lead_id("ada"), lead_id("bob")


@pytest.fixture
async def floor(small_stand: Stand, words: Words) -> Stand:
    """Ada is owned and followed up, Bob owned, Cy in the pool, Dee was merged into Ada."""
    stand = small_stand
    await stand.start_worker()
    await stand.learn(*words.hot("ada", START))
    await stand.learn(*words.hot("bob", START))
    await stand.learn(words.captured("cy", START), words.tier("cy", "B", START))
    await stand.learn(words.captured("dee", START), words.moved("dee", "ada", START + MINUTE, version=1))
    await stand.ask("ada", RecordFollowUp(by="rep-1", rep="rep-1", way="phone", result="reached"))
    await stand.settle()
    assert await stand.breaches() == []
    return stand


async def test_a_second_owner_is_found(floor: Stand) -> None:
    await floor.execute("DROP INDEX stay_open")
    await floor.execute(
        "INSERT INTO stay SELECT lead, number + 1, place, since, NULL, reason, NULL, 'rep-3', team, pool,"
        " 'a-second', policy, due, cause FROM stay WHERE lead = $1 AND until IS NULL",
        BOB,
    )
    assert f"lead {BOB}: is in 2 places at once (owners: rep-2, rep-3)" in await floor.breaches()


async def test_the_database_itself_refuses_a_second_open_stay(floor: Stand) -> None:
    with pytest.raises(Exception, match="stay_open"):
        await floor.execute(
            "INSERT INTO stay (lead, number, place, since, reason, cause) VALUES ($1, 99, 'pool', 0, '', '')",
            BOB,
        )


async def test_another_owner_in_the_columns_is_found(floor: Stand) -> None:
    await floor.execute("UPDATE lead SET rep = 'rep-4' WHERE id = $1", BOB)
    assert any(
        f"lead {BOB}: the columns" in breach and "rep-4" in breach for breach in await floor.breaches()
    )


async def test_a_lost_clock_is_found(floor: Stand) -> None:
    await floor.stop_worker()
    await floor.execute("DELETE FROM timer WHERE key = $1 AND name = 'remind'", ADA)
    (breach,) = await floor.breaches()
    assert breach.startswith(f"lead {ADA}: its clock remind is to ring at 2026-05-")
    assert breach.endswith("is set for no instant")


async def test_a_clock_that_was_moved_is_found(floor: Stand) -> None:
    await floor.execute("UPDATE timer SET due = due + 1 WHERE key = $1 AND name = 'recall'", BOB)
    (breach,) = await floor.breaches()
    assert breach.startswith(f"lead {BOB}: its clock recall is to ring at")


async def test_a_clock_of_a_lead_that_nobody_owns_is_found(floor: Stand) -> None:
    await floor.execute(
        "INSERT INTO timer (key, name, partition, due) VALUES ($1, 'recall', 0, $2)", lead_id("cy"), 10**16
    )
    assert await floor.breaches() == [f"lead {lead_id('cy')}: its clock recall runs and nobody owns it"]


async def test_a_state_without_its_clock_is_found_even_if_no_timer_runs(floor: Stand) -> None:
    await floor.execute("DELETE FROM timer WHERE key = $1", ADA)
    await floor.execute(
        "UPDATE lead SET state = jsonb_set(state, '{stay,spell,clocks}', '{}') WHERE id = $1", ADA
    )
    assert f"lead {ADA}: ['remind'] ought to run and [] do" in await floor.breaches()


async def test_a_hole_in_the_history_is_found(floor: Stand) -> None:
    await floor.execute("UPDATE stay SET until = until - 1 WHERE lead = $1 AND number = 1", BOB)
    assert await floor.breaches() == [f"lead {BOB}: stay 1 does not end where the next begins"]


async def test_a_missing_row_of_what_was_said_is_found(floor: Stand) -> None:
    await floor.execute("DELETE FROM said WHERE lead = $1 AND kind = 'lead_assigned'", BOB)
    breaches = await floor.breaches()
    assert f"lead {BOB}: 1 events were said and 0 rows are kept, up to number 0" in breaches
    assert any("sequences were drawn" in breach for breach in breaches)
    assert any(f"lead {BOB}: of the spell a-{BOB}-2 0 beginnings" in breach for breach in breaches)


async def test_an_event_that_no_row_accounts_for_is_found(floor: Stand) -> None:
    await floor.execute(
        "UPDATE sequence SET next = next + 1 WHERE topic LIKE '%assignments' AND partition = 1"
    )
    (breach,) = [one for one in await floor.breaches() if "sequences were drawn" in one]
    assert "assignments/1" in breach


async def test_a_wrong_load_is_found(floor: Stand) -> None:
    await floor.execute("UPDATE rep SET state = jsonb_set(state, '{load}', '7') WHERE id = 'rep-2'")
    assert await floor.breaches() == ["rep rep-2: 7 leads are counted and 1 are theirs"]


async def test_a_lead_that_is_merged_and_lives_with_itself_is_found(floor: Stand) -> None:
    await floor.execute("UPDATE profile SET lead = id WHERE id = $1", lead_id("dee"))
    assert any(f"lead {lead_id('dee')}: is in place merged" in breach for breach in await floor.breaches())


async def test_a_second_conversion_is_found(floor: Stand) -> None:
    await floor.execute(
        "INSERT INTO said (lead, number, event, kind, at, cause, fields)"
        " SELECT $1, n, 'e', 'lead_converted', 0, 'c', '{\"opportunity\": \"lm-1\"}'"
        " FROM generate_series(7, 8) n",
        BOB,
    )
    assert f"lead {BOB}: became the opportunity lm-1 2 times" in await floor.breaches()


async def test_an_event_that_left_no_trace_is_named(floor: Stand, words: Words) -> None:
    known = words.captured("ada", START)
    skipped = [
        words.captured("zoe", START),
        words.moved("dee", "ada", START, version=5),
        words.activated("yan", START),
    ]
    missing = await floor.blueprint.find_missing(
        [read(word, offset) for offset, word in enumerate([known, *skipped])]
    )
    assert [one.split(" of ")[0] for one in missing] == [
        f"lead {lead_id(who)}: event {word.id}"
        for who, word in zip(("zoe", "dee", "yan"), skipped, strict=True)
    ]


async def test_the_story_tells_who_got_it_and_why_with_the_causes(floor: Stand) -> None:
    await floor.pass_to(local("2026-05-09 10:00"))
    await floor.ask("bob", ClaimLead(by="rep-3", rep="rep-3"))
    told = await floor.blueprint.tell(BOB)
    kinds = [line.kind for line in told]
    assert kinds == [
        "lead_assigned",
        "decision",
        *["response_warned"] * 2,
        "lead_recalled",
        "lead_pooled",
        "lead_claimed",
    ]
    decision = next(line.text for line in told if line.kind == "decision")
    assert decision == "for mql_a: rep-2 by round_robin, rule everyone v1; then rep-3, rep-4, rep-1"
    assert told[0].cause == told[1].cause
    assert told[-1].text.endswith("by rep-3")
    assert all(line.service == "routing" for line in told)
    merged = await floor.blueprint.tell(lead_id("dee"))
    assert [line.kind for line in merged][:1] == ["lead_assigned"], "a merged lead's story is the survivor's"
    assert await floor.blueprint.tell("nobody") == []
