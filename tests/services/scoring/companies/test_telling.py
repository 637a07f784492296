"""Companies as the service keeps them: told by leads of several partitions, once each, whoever dies."""

from __future__ import annotations

from itertools import pairwise

import pytest

from shared.contracts.events.internal_scoring import CompanyFactsTold
from shared.contracts.events.outcomes import OpportunityCreated, OpportunityStageChanged
from shared.contracts.topics import INTERNAL, partition_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, MICROSECOND, MINUTE
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand, Told
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.scoring.stories import START, day

pytestmark = pytest.mark.lasts(25)

FIRM = deterministic_id("a firm of scoring's tests")
PEOPLE = ("ada", "ben", "cem", "dea")
A_YEAR = 365 * DAY


async def test_a_company_hears_of_its_people_once_though_workers_die(stand: Stand, deeds: Deeds) -> None:
    """On both logs: its people live in other partitions than it does, and their workers die on the way."""
    homes = {partition_of(lead_id(who), PARTITIONS) for who in PEOPLE}
    assert len(homes) > 1
    assert homes != {partition_of(FIRM, PARTITIONS)}
    known = [deeds.works_at(who, FIRM, START, title_level="vp") for who in PEOPLE]
    first = [deeds.won(who, START + MINUTE, 100_000, deal=who) for who in PEOPLE]
    more = [deeds.won(who, START + 2 * MINUTE, 50_000, deal=f"{who} again") for who in PEOPLE]
    opened = deeds.did("ada", OpportunityCreated, day(1), opportunity="next", stage="first_talk")
    signing = deeds.did("ada", OpportunityStageChanged, day(2), opportunity="next", stage="negotiation")
    await stand.learn_and_die("before_commit", *known)
    await stand.learn_and_die("after_commit", *first, opened)
    await stand.learn_and_die("after_publish", *more, signing)
    await stand.start_worker()
    await stand.settle()

    told = {one.id: data for one, data in await stand.said(INTERNAL["scoring"].name, CompanyFactsTold)}
    heard = [fact.id for data in told.values() for fact in data.facts]
    assert sorted(heard) == sorted(deed.id for deed in (*known, *first, *more, opened, signing))
    rows = await stand.rows("SELECT id FROM company_fact WHERE company = $1", FIRM)
    assert sorted(row["id"] for row in rows) == sorted(heard)
    changes = await stand.company_changes_of(FIRM)
    grades = [one.change for one in changes if one.model == "customer_grade"]
    assert grades[-1].endswith("> A")
    assert all(one.split(" > ")[1] == two.split(" > ")[0] for one, two in pairwise(grades))
    assert await stand.value("SELECT count(*) FROM company_tier_change") == len(changes)
    assert await stand.breaches() == []


async def test_amounts_leave_at_their_microsecond_and_the_fall_is_told(
    small_stand: Stand, deeds: Deeds
) -> None:
    stand = small_stand
    await stand.start_worker()
    await stand.learn(
        deeds.works_at("ada", FIRM, START),
        deeds.works_at("ben", FIRM, START),
        deeds.won("ada", START + MINUTE, 450_000),
        deeds.won("ben", START + DAY, 90_000, deal="OP-2"),
    )
    await stand.pass_to(START + A_YEAR + MINUTE - MICROSECOND)
    assert len(values := await _values(stand)) == len(set(values)) == 2
    await stand.pass_to(START + 2 * A_YEAR)
    assert (await _values(stand))[2:] == [
        Told("customer_value", "A > C", START + A_YEAR + MINUTE, restated=False),
        Told("customer_value", "C > D", START + A_YEAR + DAY, restated=False),
    ]
    assert await stand.breaches() == []


async def test_a_merge_moves_nothing_at_the_company_and_whoever_is_forgotten_leaves_the_sums(
    small_stand: Stand, deeds: Deeds
) -> None:
    stand = small_stand
    await stand.start_worker()
    await stand.learn(
        deeds.works_at("ada", FIRM, START, title_level="vp"),
        deeds.is_known_as("ben", START),
        deeds.won("ada", START + MINUTE, 600_000),
    )
    before = await stand.company_changes_of(FIRM)
    assert {one.change for one in before} == {"D > B", "D > A"}
    await stand.learn(deeds.moved("ada", "ben", day(1), version=1))
    await stand.learn(deeds.moved("ada", "ada", day(2), version=2, out_of="ben"))
    await stand.learn(deeds.forgotten("ada", day(3)))
    assert await stand.company_changes_of(FIRM) == before
    assert await stand.value("SELECT count(*) FROM company_fact WHERE company = $1", FIRM) == 2
    assert await stand.breaches() == []


async def _values(stand: Stand) -> list[Told]:
    return [one for one in await stand.company_changes_of(FIRM) if one.model == "customer_value"]
