"""A changed document changes what was, too: everything is derived again, and only by one way to count."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from random import Random

import pytest

from services.analytics.bootstrap import build_derivation
from services.analytics.domain.reports import Credited
from services.analytics.jobs.restating import Restating
from services.analytics.queries.reports import ReportQueries
from services.analytics.store.documents import Rulebook, read_rulebook
from tests.services.analytics.stand import Stand
from tests.services.analytics.test_service import credits_in, expected_credits, renamed
from tests.unit.analytics import telling
from tests.unit.analytics.histories import history
from tests.unit.analytics.telling import CONFIG, START, day, rulebook, told

VISIT = told(telling.visited("ada", "direct"), START)
FAIR = told(telling.attended("ada", "spring-fair"), day(1))
WIN = told(telling.won("ada", "OP-1", 1_000), day(2))


@pytest.fixture
def changed(tmp_path: Path) -> Rulebook:
    """Direct visits are no touches any more, a fair is worth more, and there is another model."""
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    touches, u = tmp_path / "touch_points.yaml", tmp_path / "attribution_models" / "u.yaml"
    touches.write_text(
        touches.read_text().replace("takes: acquisition", "takes: acquisition\n    except_channels: [direct]")
    )
    other = u.read_text().replace("name: u", "name: j").replace("first: 40", "first: 20")
    (u.parent / "j.yaml").write_text(other)
    (u.parent / "last.yaml").unlink()
    return read_rulebook(tmp_path)


async def restate(stand: Stand, rules: Rulebook) -> None:
    job = Restating(stand.database, rulebook=rules, derivation=build_derivation(rules))
    await job.restate()
    await job.restate()  # nothing is left to do


async def test_touches_models_and_credits_are_as_if_it_had_always_been_so(
    small_stand: Stand, changed: Rulebook
) -> None:
    await small_stand.start_worker()
    await small_stand.take_in(VISIT, FAIR, WIN)
    assert (await credits_in(small_stand))["OP-1", "", "u"] == {VISIT.id: 500, FAIR.id: 500}
    await restate(small_stand, changed)
    assert {model: earned for (_, _, model), earned in (await credits_in(small_stand)).items()} == {
        model: {FAIR.id: 1_000} for model in ("first", "j", "linear", "u")
    }
    report = await ReportQueries(small_stand.database, changed).find_attribution(
        model="j", by="campaign", contribution="won"
    )
    assert report.rows == [Credited("spring-fair", "CNY", 1_000, 1)]


async def test_there_and_back_again_everything_is_as_the_oracle_says(
    small_stand: Stand, changed: Rulebook
) -> None:
    random = Random(3)
    await small_stand.start_worker()
    said = [renamed(one, f"{number}-") for number in range(25) for one in history(random)]
    await small_stand.take_in(*said)
    expected = expected_credits(said)
    assert await credits_in(small_stand) == expected
    await restate(small_stand, changed)
    assert await credits_in(small_stand) != expected
    await restate(small_stand, rulebook())
    assert await credits_in(small_stand) == expected
    findings = await small_stand.blueprint.check(True)
    assert [breach for finding in findings for breach in finding.breaches] == []


async def test_what_is_learnt_meanwhile_ends_up_right(small_stand: Stand, changed: Rulebook) -> None:
    random = Random(4)
    await small_stand.start_worker()
    said = [renamed(one, f"{number}-") for number in range(25) for one in history(random)]
    random.shuffle(said)
    half = len(said) // 2
    await small_stand.take_in(*said[:half])
    await restate(small_stand, changed)
    await small_stand.hear(*said[half:])  # the worker counts by the shipped documents all the time
    async with asyncio.timeout(60):
        await restate(small_stand, rulebook())
    await small_stand.settle()
    assert await credits_in(small_stand) == expected_credits(said)


async def test_a_worker_restates_when_it_starts_and_then_stands_by(small_stand: Stand) -> None:
    await small_stand.execute("INSERT INTO statement (digest) VALUES ('of other documents')")
    (activity,) = small_stand.blueprint.activities
    running = asyncio.create_task(activity.run())
    async with asyncio.timeout(60):
        while not await small_stand.rows("SELECT FROM statement WHERE digest = $1", rulebook().digest):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)
    assert not running.done()
    activity.stop()
    async with asyncio.timeout(60):
        await running
