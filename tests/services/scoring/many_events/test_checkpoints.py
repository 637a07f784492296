"""A lead with many events, on PostgreSQL: late ones and the past are recomputed from checkpoints."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from services.scoring.domain.checkpoints.checkpoint import EVERY, Checkpoint
from services.scoring.domain.facts import Fact, external_ids_in
from services.scoring.domain.questions import explain_at
from services.scoring.domain.running_score import fold
from services.scoring.queries.scores import ScoreQueries
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_lead
from services.scoring.store.scoring_models.rulings import FixedRulings
from shared.kernel.instants import HOUR, MINUTE
from tests.services.scoring.deeds import Deed, Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.services.scoring.throughput import act_of
from tests.unit.scoring.stories import START, day

pytestmark = pytest.mark.lasts(10)

ADA = lead_id("ada")
MANY = 600


@pytest.fixture
async def busy(small_stand: Stand, deeds: Deeds) -> Stand:
    """Ada, of whom 600 things are known."""
    await small_stand.start_worker()
    known = [deeds.is_known_as("ada", START, industry="pharma", title_level="director", crm="X-1")]
    await small_stand.learn(*known, *(act(deeds, number) for number in range(1, MANY)))
    return small_stand


def act(deeds: Deeds, number: int) -> Deed:
    """Something every half hour."""
    return act_of(Random(number), deeds, "ada", START + number * 30 * MINUTE)


async def facts_of(stand: Stand) -> list[Fact]:
    """All facts stored of Ada."""
    async with stand.database.connection() as connection:
        return list((await load_facts(connection, [ADA]))[ADA])


async def check_that_all_is_as_its_facts_say(stand: Stand) -> int:
    """Audit everything and look at every checkpoint that holds; returns how many there are."""
    assert await stand.breaches() == []
    async with stand.database.connection() as connection:
        kept = await load_lead(connection, ADA)
    assert kept is not None
    rows = await stand.rows("SELECT * FROM checkpoint WHERE lead = $1 AND recounts = $2", ADA, kept.recounts)
    facts = await facts_of(stand)
    for row in rows:
        before = [fact for fact in facts if (fact.occurred, fact.id) <= (row["occurred"], row["id"])]
        checkpoint = msgspec.msgpack.decode(row["payload"], type=Checkpoint)
        assert checkpoint == (fold(stand.models, before), external_ids_in(before))
        assert checkpoint.place == (row["occurred"], row["id"])
    return len(rows)


async def test_late_events_leave_scores_and_checkpoints_as_all_facts_say(busy: Stand, deeds: Deeds) -> None:
    assert await check_that_all_is_as_its_facts_say(busy) >= MANY // EVERY

    late = [act_of(Random(place), deeds, "ada", day(place) + 1, received=day(20)) for place in range(1, 10)]
    await busy.learn(*late[:1])
    await check_that_all_is_as_its_facts_say(busy)
    await busy.learn(*late, deeds.asked_for_demo("ada", START + HOUR, received=day(20)), act(deeds, MANY))

    assert len(await facts_of(busy)) == MANY + len(late) + 2
    assert await check_that_all_is_as_its_facts_say(busy) >= MANY // EVERY


async def test_the_past_is_told_from_the_checkpoint_before_it(busy: Stand) -> None:
    scores = ScoreQueries(busy.database, FixedRulings(busy.models))
    facts = await facts_of(busy)
    for at in (START - 1, START, day(1), day(5), day(9), day(11), day(30)):
        _, answers = await scores.explain_scores(ADA, model=None, as_of=at, known_at=None)
        assert answers == explain_at(busy.models, facts, as_of=at)
        _, answers = await scores.explain_scores(ADA, model=None, as_of=at, known_at=at)
        assert answers == explain_at(busy.models, [f for f in facts if f.received <= at], as_of=at)


async def test_nothing_is_left_of_them_once_somebody_is_forgotten(busy: Stand, deeds: Deeds) -> None:
    await busy.learn(deeds.forgotten("ada", day(20)))
    assert await busy.value("SELECT count(*) FROM checkpoint") == 0
