"""The whole life of a version, on the embedded log and on Kafka."""

from __future__ import annotations

import pytest

from services.scoring.domain.life.steps import ShadowModel
from shared.kernel.instants import MINUTE
from tests.services.scoring.deeds import Deeds
from tests.services.scoring.life.desk import Author, five_step
from tests.services.scoring.life.test_publishing import PEOPLE, changes, everybody_is_warm, tiers_of
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START

pytestmark = pytest.mark.lasts(15)


async def test_a_version_goes_from_its_draft_to_live_and_back_and_nobody_hears_of_the_past(
    stand: Stand, deeds: Deeds
) -> None:
    author = Author(stand)
    await everybody_is_warm(stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    await author.take(ShadowModel, version=2)
    await author.share(2, 50)
    await author.renew()
    await author.publish(five_step(3, warm=41), 3)
    await stand.learn(deeds.asked_for_demo("eve", START + MINUTE))
    await author.renew()
    assert await tiers_of(stand) == {**dict.fromkeys(PEOPLE, (3, "cold")), "eve": (3, "warm")}
    await author.roll_back()
    await author.renew()
    assert await tiers_of(stand) == dict.fromkeys(PEOPLE, (1, "warm"))
    assert sorted(set(await changes(stand))) == ["cold > warm"]
    assert await stand.breaches() == []
