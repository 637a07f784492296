"""For how long a pass or a preview has not gone on is told to whoever watches over the machine."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from services.scoring.jobs.life.watching import LifeWatch, Standstill
from services.scoring.metrics import STANDING, ScoringMetrics
from tests.services.scoring.deeds import Deeds
from tests.services.scoring.life.desk import Author, five_step
from tests.services.scoring.life.test_publishing import everybody_is_warm
from tests.services.scoring.stand import Stand


def test_it_has_stood_since_it_was_first_seen_where_it_is() -> None:
    stands = Standstill()
    looks = [("a", 10.0), ("a", 25.0), ("b", 30.0), ("b", 31.0), (None, 40.0), (None, 50.0), ("b", 60.0)]
    assert [stands.seen(place, at=at) for place, at in looks] == [0, 15, 0, 1, 0, 0, 0]


async def test_a_pass_and_a_preview_that_stand_still_are_told_with_their_seconds(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    registry = CollectorRegistry()
    watch = LifeWatch(small_stand.database, ScoringMetrics(registry))

    async def look(at: float) -> tuple[float | None, float | None]:
        await watch.measure(at=at)
        passes, previews = (
            registry.get_sample_value(STANDING.name, {"work": work}) for work in ("pass", "preview")
        )
        return passes, previews

    await everybody_is_warm(small_stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    assert await look(100) == (0, 0)
    await author.desk.previews.begin("five_step", 2)
    await author.publish(five_step(3, warm=40), version=3)
    assert await look(200) == (0, 0)
    assert await look(230) == (30, 30)
    assert await author.renewing.step()
    assert await look(240) == (0, 40)
    await author.renew()
    while await author.desk.previews.step():
        pass
    assert await look(900) == (0, 0)
