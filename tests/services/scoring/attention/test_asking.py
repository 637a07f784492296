"""Attention (C11) and wanted fields (C10) as the service asks for them: once, whoever dies on the way."""

from __future__ import annotations

import pytest

from services.scoring.queries.story import tell_story
from shared.contracts.events.tier_changes import AttentionWanted, FieldsWanted
from shared.contracts.topics import TIER_CHANGES
from shared.kernel.instants import HOUR, MINUTE
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START

pytestmark = pytest.mark.lasts(15)


async def test_attention_is_asked_for_once_though_workers_die(small_stand: Stand, deeds: Deeds) -> None:
    stand = small_stand
    await stand.learn_and_die("after_commit", deeds.is_known_as("ada", START), deeds.viewed("ada", START))
    await stand.learn_and_die("before_commit", deeds.viewed("ada", START + MINUTE))
    await stand.learn_and_die("before_publish", deeds.viewed("ada", START + 24 * HOUR))

    said = {one.id: data for one, data in await stand.said(TIER_CHANGES.name, AttentionWanted)}
    assert [(one.lead, one.sign) for one in said.values()] == [(lead_id("ada"), "price_page_visited")] * 2
    entries = await tell_story(stand.database, stand.rulings, lead_id("ada"))
    assert [one.at for one in entries if one.kind == "attention wanted"] == [START, START + 24 * HOUR]
    assert await stand.breaches() == []


async def test_wanted_fields_are_asked_for_once_though_workers_die(small_stand: Stand, deeds: Deeds) -> None:
    stand = small_stand
    await stand.learn_and_die("after_commit", deeds.is_known_as("ada", START, industry="software"))
    await stand.learn_and_die("before_commit", deeds.contacted("ada", START + MINUTE))
    await stand.learn_and_die("before_publish", deeds.contacted("ada", START + HOUR, assignment="a-2"))

    said = {one.id: data for one, data in await stand.said(TIER_CHANGES.name, FieldsWanted)}
    wanted = ["size", "title_level", "region"]
    assert [(one.assignment, one.fields) for one in said.values()] == [("a-1", wanted), ("a-2", wanted)]
    entries = await tell_story(stand.database, stand.rulings, lead_id("ada"))
    assert [one.text for one in entries if one.kind == "fields wanted"] == [", ".join(wanted)] * 2
    assert await stand.breaches() == []
