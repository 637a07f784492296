"""A key account by its date (C3): the tier rises and falls at both ends, by the clock alone."""

from __future__ import annotations

from shared.contracts.attributes import Scalar
from shared.kernel.instants import MICROSECOND, parse_instant
from tests.services.scoring.deeds import Deeds
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START

BEGIN = parse_instant("2026-05-31T00:00:00+08:00")
END = parse_instant("2026-08-31T00:00:00+08:00")
KNOWN: dict[str, Scalar] = {"size": "500_plus", "industry": "pharma", "target_account": True, "tender": True}
"""65 points; with the date 75."""


async def test_both_ends_are_timers_exact_to_the_microsecond_c3(small_stand: Stand, deeds: Deeds) -> None:
    stand = small_stand
    await stand.start_worker()
    await stand.learn(deeds.is_known_as("ada", START, crm=None, **KNOWN, go_live_on="2026-08-31"))
    told = [("key_account", "standard > priority", START, False)]
    for instant, change in ((BEGIN, "priority > key_account"), (END, "key_account > priority")):
        await stand.pass_to(instant - MICROSECOND)
        assert await stand.changes_of("ada", model="key_account") == told
        await stand.pass_to(instant)
        told.append(("key_account", change, instant, False))
        assert await stand.changes_of("ada", model="key_account") == told
        held = "SELECT count(*) FROM tier_change WHERE at = $1 AND told_at = $1"
        assert await stand.value(held, instant) == 1
