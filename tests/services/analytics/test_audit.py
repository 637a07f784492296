"""Planted damage is found, and named by an id that one can look up; without damage nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from shared.kernel.instants import MILLISECOND
from tests.services.analytics.stand import Stand, target_of
from tests.unit.analytics import telling
from tests.unit.analytics.telling import START, Told, day, told

VISIT = told(telling.visited("ada", "paid_search", "spring"), START)
FAIR = told(telling.attended("ada", "spring-fair"), day(1))
PAGE = told(telling.visited("eve", "referral"), day(0.5))
WIN = told(telling.won("ada", "OP-1", 9_001), day(2))
MOVE = told(telling.moved("eve", "ada", 1), day(3))
SUM = "Σ credits = outcome"
REFOLD = "credits refold from the facts"
ROWS = "rows follow from the facts"
HOMES = "profiles live where their moves say"


@pytest.fixture
async def told_stand(small_stand: Stand) -> Stand:
    """Analytics after a deal of somebody who was at a fair and whose two profiles came together."""
    await small_stand.start_worker()
    cost = told(telling.cost("spring", 100), START)
    await small_stand.take_in(
        VISIT, FAIR, PAGE, WIN, MOVE, told(telling.paid("ada", "OP-1", "P", 5), day(4)), cost
    )
    return small_stand


async def breaches(stand: Stand, *, full: bool = True) -> dict[str, Sequence[str]]:
    """What does not hold, by check."""
    findings = await stand.blueprint.check(full)
    assert all(finding.looked_at for finding in findings)
    return {
        finding.check.removeprefix("analytics: "): finding.breaches
        for finding in findings
        if not finding.holds
    }


async def test_nothing_is_found_where_nothing_is_broken(told_stand: Stand) -> None:
    assert await breaches(told_stand) == {}
    assert await breaches(told_stand, full=False) == {}


async def test_a_doubled_credit_is_named_with_its_model_and_touch(told_stand: Stand) -> None:
    changed = "UPDATE credit SET minor = 2 * minor WHERE model = 'u' AND touch = $1 AND contribution = 'won'"
    assert await told_stand.execute(changed, FAIR.id) == 1
    assert await breaches(told_stand) == {
        SUM: ["opportunity OP-1 (won): u credits 12601, the outcome is 9001"],
        REFOLD: [f"opportunity OP-1 (won): u credits touch {FAIR.id} otherwise than its facts say"],
    }


async def test_a_hole_in_a_sum_is_named(told_stand: Stand) -> None:
    gone = "DELETE FROM credit WHERE model = 'last' AND payment = 'P'"
    assert await told_stand.execute(gone) == 1
    found = await breaches(told_stand)
    assert found[SUM] == ["opportunity OP-1 (paid P): last credits 0, the outcome is 5"]


async def test_credits_that_were_swapped_still_sum_and_are_found(told_stand: Stand) -> None:
    swap = "UPDATE credit SET touch = $1 WHERE model = 'first' AND contribution = 'won'"
    assert await told_stand.execute(swap, FAIR.id) == 1
    assert await breaches(told_stand) == {
        REFOLD: [
            f"opportunity OP-1 (won): first credits touch {touch} otherwise than its facts say"
            for touch in sorted([FAIR.id, VISIT.id])
        ]
    }


async def test_a_deleted_fact_is_named_by_the_row_that_stands_on_it(told_stand: Stand) -> None:
    assert await told_stand.execute("DELETE FROM fact WHERE id = $1", FAIR.id) == 1
    assert await breaches(told_stand) == {
        ROWS: [f"fact {FAIR.id} is missing, a row of touch stands on it"],
    }
    missing = await told_stand.blueprint.find_missing([record_of(one) for one in (VISIT, FAIR, WIN)])
    target = target_of(FAIR)
    assert missing == [f"event {FAIR.id} of {target.topic}/{target.partition} offset 7 is no fact"]


async def test_a_deleted_touch_is_named_by_its_fact_and_by_the_credit_that_hangs_in_the_air(
    told_stand: Stand,
) -> None:
    assert await told_stand.execute("DELETE FROM touch WHERE event = $1", FAIR.id) == 1
    found = await breaches(told_stand)
    assert found[ROWS] == [f"fact {FAIR.id} (live_event_attended): its rows are not what it says"]
    assert f"opportunity OP-1 (won): u credits touch {FAIR.id}, of which nothing is known" in found[SUM]


async def test_a_changed_row_is_named_by_its_fact(told_stand: Stand) -> None:
    assert await told_stand.execute("UPDATE cost SET minor = minor + 1") == 1
    (found,) = (await breaches(told_stand))[ROWS]
    assert "(cost_recorded): its rows are not what it says" in found


async def test_a_conversion_that_nobody_told_of_is_named(told_stand: Stand) -> None:
    await told_stand.execute(
        "INSERT INTO conversion SELECT contribution, opportunity, 'Q', profile, event, at, closing, minor,"
        " currency FROM conversion WHERE payment = 'P'"
    )
    await told_stand.execute(
        "INSERT INTO credit SELECT contribution, opportunity, 'Q', model, touch, minor FROM credit"
        " WHERE payment = 'P'"
    )
    assert await breaches(told_stand) == {
        REFOLD: ["opportunity OP-1 (paid Q): the conversion is there and no fact says so"]
    }


async def test_an_opportunity_that_stands_otherwise_than_was_said_is_named(told_stand: Stand) -> None:
    assert await told_stand.execute("UPDATE opportunity SET status = 'lost'") == 1
    assert await breaches(told_stand) == {REFOLD: ["opportunity OP-1: it does not stand as was said"]}


async def test_a_profile_that_strayed_is_named(told_stand: Stand) -> None:
    assert await told_stand.execute("UPDATE profile SET lead = 'eve' WHERE id = 'eve'") == 1
    assert (await breaches(told_stand))[HOMES] == ["profile eve: it does not live where its moves say"]


async def test_what_was_received_after_an_erasure_is_not_missed(told_stand: Stand) -> None:
    late = told(telling.visited("ada", "paid_search", "late"), day(9))
    await told_stand.take_in(told(telling.erased("ada"), day(8)), late)
    assert await told_stand.rows("SELECT FROM fact WHERE id = $1", late.id) == []
    assert await told_stand.blueprint.find_missing([record_of(one) for one in (VISIT, WIN, late)]) == []
    assert await breaches(told_stand) == {}


class Lying(NamedTuple):
    """A record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def record_of(said: Told) -> Lying:
    """An event as it lies in the log; the offset is made up."""
    target = target_of(said)
    key, time = said.key.encode(), said.received // MILLISECOND
    return Lying(target.topic, target.partition, 7, time, key, said.value(), [])
