"""The verdict on a run: that of the services, by the versions that ruled, and steps, shadows, webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.failure.on_models.documents import STEPPED
from tests.failure.on_models.oracle.rulings import load_rulings
from tests.failure.on_models.oracle.shadows import check_nothing_cast, check_shadows
from tests.failure.on_models.oracle.steps import check_steps
from tests.failure.on_models.oracle.webhooks import check_webhooks
from tests.failure.on_models.receiver import read_heard
from tests.failure.on_services.oracle.promises import Ruling
from tests.failure.on_services.oracle.verdict import judge
from tests.failure.oracle.comparison import Differences
from tests.failure.surroundings.ground import Outcome

if TYPE_CHECKING:
    from tests.failure.on_models.field import ModelsField


async def judge_models(field: ModelsField) -> Outcome:
    """Compare everything that a run left behind; the platform's audit included."""
    database, differences = field.scoring.database, Differences()
    rulings = await load_rulings(database, differences)
    outcome = await judge(field, ruled_by=rulings, ruling=Ruling(rulings.models_of, STEPPED))
    log = await field.read()
    asked = field.models.authors.asked
    await check_steps(database, asked, differences)
    check_nothing_cast(log, differences)
    shadows = await check_shadows(database, rulings, differences)
    hooks = await check_webhooks(
        database,
        log,
        read_heard(field.records),
        wanted=field.wanted,
        secrets=field.secrets,
        differences=differences,
    )
    outcome.differences.lines += differences.lines
    steps = {"steps": sum(not one.is_refused for one in asked)}
    outcome.said = {
        **{name: count for name, count in outcome.said.items() if count},
        **steps,
        **shadows,
        **hooks,
    }
    return outcome
