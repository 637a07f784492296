"""A person asks to be forgotten, on both logs: what stays, what goes, and that nothing comes back."""

from __future__ import annotations

from typing import Any

import msgspec

from services.scoring.queries.checks import ScoringChecks
from services.scoring.store.scoring_models.rulings import FixedRulings
from shared.contracts.events.behaviour import ActRecorded
from shared.contracts.events.tier_changes import TierChanged
from shared.contracts.topics import BEHAVIOUR, LEADS, SCORES, TIER_CHANGES
from shared.kernel.instants import MINUTE
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START, day

ADA = lead_id("ada")


async def free_properties(stand: Stand) -> bool:
    """Whether any row of the schema still has what they said in their own words."""
    rows = await stand.value("SELECT coalesce(string_agg(fields, ''::bytea), ''::bytea) FROM fact")
    assert isinstance(rows, bytes)
    return b"by the lake" in rows


async def test_free_properties_go_scores_stay_and_later_facts_are_dropped(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker()
    await stand.learn(
        deeds.is_known_as("ada", START, industry="pharma", title_level="director", size="500_plus")
    )
    wish: dict[str, Any] = {
        "name": "Calculator Used",
        "properties": {"wish": "a mill by the lake", "rows": 3},
    }
    await stand.learn(
        deeds.asked_for_demo("ada", START + MINUTE),
        deeds.did("ada", ActRecorded, START + MINUTE, **wish),
        deeds.did("visitor", ActRecorded, START, **wish),
    )
    await stand.learn(deeds.moved("visitor", "ada", day(1), version=1))
    said = len(await stand.said(TIER_CHANGES.name, TierChanged))
    before = await stand.value("SELECT payload FROM lead WHERE key = $1", ADA)
    assert await free_properties(stand)

    await stand.learn(deeds.forgotten("ada", day(2)), deeds.forgotten("visitor", day(2), lead="ada"))
    assert not await free_properties(stand)
    assert ADA not in await stand.latest_scores()
    *_, last = [record for record in await stand.records(SCORES.name) if record.key == ADA.encode()]
    assert last.value is None

    later = deeds.did("ada", ActRecorded, day(3), **wish)
    await stand.learn(later, deeds.viewed("ada", day(3)), deeds.viewed("visitor", day(3)))
    await stand.pass_to(day(400))
    assert not await free_properties(stand)
    assert await stand.value("SELECT count(*) FROM fact WHERE id = $1", later.id) == 0
    assert len(await stand.said(TIER_CHANGES.name, TierChanged)) == said
    assert await stand.value("SELECT count(*) FROM timer") == 0
    after = await stand.value("SELECT payload FROM lead WHERE key = $1", ADA)
    assert isinstance(before, bytes)
    assert isinstance(after, bytes)
    assert msgspec.msgpack.decode(before)[0] == msgspec.msgpack.decode(after)[0], "the score stays"
    assert [b for finding in await stand.blueprint.check(True) for b in finding.breaches] == []
    records = [*await stand.records(LEADS.name), *await stand.records(BEHAVIOUR.name)]
    assert await ScoringChecks(stand.database, FixedRulings(stand.models)).find_missing(records) == []
