"""Steps over HTTP: each asked for is taken once, however often it is asked, and answered the same."""

from __future__ import annotations

from collections.abc import Sequence

from services.scoring.store.scoring_models.commands import describe_step
from services.scoring.store.scoring_models.steps import load_steps
from shared.postgres.database import Database
from tests.failure.on_models.authors import Move
from tests.failure.oracle.comparison import Differences
from tests.failure.surroundings.callers import Asked


async def check_steps(database: Database, asked: Sequence[Asked], differences: Differences) -> None:
    """Compare what was answered with the register."""
    async with database.connection() as connection:
        steps = await load_steps(connection)
    compare_steps(
        {step.number: describe_step(step) for step in steps if step.kind != "shipped"}, asked, differences
    )


def compare_steps(
    taken: dict[int, dict[str, object]], asked: Sequence[Asked], differences: Differences
) -> None:
    """Compare answers with steps, by their numbers; previews are no steps."""
    left = dict(taken)
    for one in asked:
        if one.is_refused or (isinstance(one.meaning, Move) and one.meaning.step == "preview"):
            continue
        numbers = {reply["number"] for reply in one.replies if isinstance(reply, dict)}
        if any(not isinstance(reply, dict) for reply in one.replies) or len(numbers) != 1:
            differences.add("command", f"{one.name} was answered {one.replies}")
            continue
        step = left.pop(numbers.pop(), None)
        if step is None:
            differences.add("lost", f"{one.name} was answered {one.replies[0]}, which is no step")
        elif any(reply != step for reply in one.replies):
            differences.add("command", f"{one.name} was answered {one.replies}, should be {step}")
    for step in left.values():
        differences.add("unexplained", f"nobody was answered of step {step}")
