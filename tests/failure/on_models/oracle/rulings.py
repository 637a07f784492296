"""Which versions ruled when: worked out again from the steps, and held against when each was committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from services.scoring.domain.life.register import Register, read_register
from services.scoring.domain.life.ruling import Ruled as RuledLead
from services.scoring.domain.life.ruling import RuledModel, Ruling
from services.scoring.domain.life.steps import RULING
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.store.scoring_models.shelf import Shelf
from services.scoring.store.scoring_models.steps import load_steps
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from tests.failure.on_models.documents import NEW, SHADOWED, changed
from tests.failure.on_services.worker import CONFIG
from tests.failure.oracle.comparison import Differences

SLACK_SECONDS: Final = 2.0
"""A commit's time is taken before others see it."""


class Saved(NamedTuple):
    """A transaction that saved leads: by which step, when it began, when it had looked."""

    transaction: int
    number: int
    begun: float
    noted: float


@dataclass(slots=True)
class Rulings:
    """The rulings of a run, as the replay asks for them; ``committed`` is when each step took effect."""

    by_number: Mapping[int, Ruling]
    number_of: Mapping[int, int]
    to_renew: Counter[tuple[str, Instant]] = field(default_factory=Counter)
    renewed: int = 0

    def ruled(self, xid: int, lead: str) -> RuledLead | None:
        """Return what ruled a lead in a transaction, None if nobody knows."""
        number = self.number_of.get(xid)
        return None if number is None else self.by_number[number].ruled(lead)

    def take_renewal(self, lead: str, due: Instant) -> bool:
        """Return whether a lead was to be renewed at an instant; each time it was rings once."""
        if not self.to_renew[lead, due]:
            return False
        self.to_renew[lead, due] -= 1
        self.renewed += 1
        return True

    @property
    def last(self) -> Ruling:
        """What rules in the end."""
        return self.by_number[max(self.by_number)]

    def models_of(self, lead: str) -> ModelSet:
        """Return the models that rule a lead in the end."""
        return self.last.ruled(lead).models


async def load_rulings(database: Database, differences: Differences) -> Rulings:
    """Return which versions ruled, and check that each transaction went by the register as it then was."""
    shelf = Shelf(CONFIG / "scoring")
    async with database.connection() as connection:
        steps = await load_steps(connection)
        times = await connection.fetch(
            "SELECT number, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at FROM model_step"
            " WHERE kind = ANY($1) ORDER BY number",
            sorted(RULING),
        )
        rows = await connection.fetch(
            "SELECT transaction, number, extract(epoch FROM begun)::float8 AS begun,"
            " extract(epoch FROM noted)::float8 AS noted FROM ruled"
        )
        renewals = await connection.fetch("SELECT lead, due FROM to_renew")
    numbers = [0, *(row["number"] for row in times)]
    by_number = {
        number: _compile(
            shelf, read_register([one for one in steps if one.number <= number], shipped=shelf.digests())
        )
        for number in numbers
    }
    saved = [Saved(*row) for row in rows]
    check_rulings(saved, {row["number"]: row["at"] for row in times}, differences)
    return Rulings(
        by_number,
        {one.transaction: one.number for one in saved},
        Counter((row["lead"], row["due"]) for row in renewals),
    )


def check_rulings(saved: Sequence[Saved], committed: Mapping[int, float], differences: Differences) -> None:
    """Whoever saves leads goes by the last step that was committed before it looked, and by no older one."""
    numbers = sorted(committed)
    for one in saved:
        if one.number and one.number not in committed:
            differences.add("ruled", f"{one} goes by a step that there is not")
            continue
        if one.number and one.noted < committed[one.number] - SLACK_SECONDS:
            differences.add("ruled", f"{one} goes by a step of later, at {committed[one.number]}")
        later = next((number for number in numbers if number > one.number), None)
        if later is not None and committed[later] < one.begun - SLACK_SECONDS:
            differences.add("ruled", f"{one} goes by an old step, the next was at {committed[later]}")


def _compile(shelf: Shelf, register: Register) -> Ruling:
    models, shadows = [], []
    for life in register.lives.values():
        if life.shadow is not None:
            shadows.append(_version(shelf, life.name, life.shadow))
        live = None if life.live is None else _version(shelf, life.name, life.live)
        shared, percent = None, 0
        if life.share is not None:
            shared, percent = _version(shelf, life.name, life.share.version), life.share.percent
        models.append(RuledModel(life.name, live, shared, percent, life.tells_past))
    return Ruling(models, number=register.number, shadows=shadows)


def _version(shelf: Shelf, name: str, version: int) -> CompiledModel:
    """Return a version as it was drafted here, or as it ships."""
    if version == NEW:
        return shelf.read(changed(name)).model
    found = shelf.find(name, version)
    assert found is not None
    return found


def is_shadow(event: Any) -> bool:
    """Return whether an event speaks of the version that is in shadow and never rules."""
    return (event.model, event.model_version) == (SHADOWED, NEW)
