"""What routing measures: how long leads wait, what is overdue, how full the reps are."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from services.routing.jobs.measuring import Measuring
from services.routing.metrics import RoutingMetrics
from shared.kernel.instants import MINUTE
from tests.services.routing.conftest import START
from tests.services.routing.stand import Stand
from tests.services.routing.words import Words
from tests.unit.routing.floor import local


async def test_waiting_overdue_and_full_can_be_seen(small_stand: Stand, words: Words) -> None:
    stand, registry = small_stand, CollectorRegistry()
    measuring = Measuring(stand.database, clock=stand.clock, metrics=RoutingMetrics(registry))

    def value(name: str) -> float | None:
        return registry.get_sample_value(f"leads_routing_{name}")

    await measuring.measure()
    assert [value(name) for name in ("pooled_leads", "overdue_leads", "load_ratio")] == [0, 0, 0]

    await stand.start_worker()
    await stand.learn(
        *words.hot("ada", START),
        words.captured("ben", START),
        words.tier("ben", "B", START + MINUTE),
        words.captured("cy", START),
        words.tier("cy", "key_account", START, model="key_account"),
    )
    await stand.pass_to(local("2026-05-08 15:00"))  # the key account's two hours are over, its recall is not
    await measuring.measure()
    assert value("pooled_leads") == 1
    assert value("oldest_pooled_seconds") == 5 * 3600 - 60
    assert value("overdue_leads") == 1
    assert value("load_ratio") == 2 / 260
