"""Which models there are, how far each of their versions is, and who took which step and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from services.scoring.domain.life.deciding import check_version, find_life, version_after
from services.scoring.domain.life.register import Life, Register
from services.scoring.domain.life.steps import Paper, RollBackModel
from services.scoring.domain.running_score import fold
from services.scoring.domain.scored_lead import counted_facts
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tiers import tier_at
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_leads_page
from services.scoring.store.scoring_models.commands import describe_step
from services.scoring.store.scoring_models.passes import load_pass
from services.scoring.store.scoring_models.previews import Preview, load_preview
from services.scoring.store.scoring_models.rulings import RegisteredRulings, load_register
from services.scoring.store.scoring_models.shadows import (
    compare_tiers,
    load_differing,
    load_shadow_changes,
)
from services.scoring.store.scoring_models.shelf import Shelf
from services.scoring.store.scoring_models.steps import load_number, load_paper, load_steps
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.postgres.database import Database, Row
from shared.postgres.snapshots import snapshot

MOST_TRIED: Final = 1_000
"""On how many leads a draft is tried."""

__all__ = ["ModelBook", "ModelThrows", "Preview", "PreviewUnknown", "Progress", "Shown"]

_LEADS_PER_READ: Final = 200


class ModelThrows(Rejected):
    """This version fails on a lead; the text says on which, and how."""

    code: ClassVar[str] = "scoring.model_throws"


class PreviewUnknown(Rejected):
    """Nobody has asked what publishing this version would change; begin a preview."""

    code: ClassVar[str] = "scoring.preview_unknown"


class NoShadow(Rejected):
    """No version of this model is in shadow."""

    code: ClassVar[str] = "scoring.no_shadow"


class Comparison(NamedTuple):
    """A version in shadow beside the live one.

    ``tiers`` have for each pair of ``live_tier`` (None where none rules) and ``tier`` how many ``leads``;
    ``differing`` are leads whose tiers differ.
    """

    version: int
    tiers: Sequence[Row]
    differing: Sequence[Row]


class Shown(msgspec.Struct, frozen=True):
    """One model: its life, and what the live version is called and made of, None if none is live."""

    life: Life
    live: CompiledModel | None


class Progress(msgspec.Struct, frozen=True):
    """Whether every lead is under the versions that rule; if not, how many were looked at and renewed."""

    is_done: bool
    seen: int
    renewed: int


class ModelBook:
    """Answers questions about models, and tries drafts on leads."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf
        self._rulings = RegisteredRulings(shelf)

    async def find_models(self) -> Sequence[Shown]:
        """Return every model, by name."""
        async with snapshot(self._database) as transaction:
            register = await load_register(transaction, self._shelf)
            ruling = await self._rulings.current(transaction)
        return [Shown(register.lives[name], ruling.live.by_name.get(name)) for name in sorted(register.lives)]

    async def find_life(self, model: str) -> Life:
        """Return one model's life. :raises ModelUnknown: if there is none of this name."""
        return find_life(await self._register(), model)

    async def find_progress(self) -> Progress:
        """Return how far every lead is under the versions that rule."""
        async with snapshot(self._database) as transaction:
            state = await load_pass(transaction)
            number = await load_number(transaction)
        return Progress(state.done == number, state.seen, state.renewed)

    async def find_preview(self, model: str, version: int) -> tuple[Preview, bool]:
        """Return the last count of a version, and whether nothing else rules since it began.

        :raises PreviewUnknown: if nobody has asked for one.
        """
        async with snapshot(self._database) as transaction:
            preview = await load_preview(transaction, model, version)
            number = await load_number(transaction)
        if preview is None:
            raise PreviewUnknown
        return preview, preview.number == number

    async def compare_shadow(self, model: str, *, after: str = "", limit: int = 100) -> Comparison:
        """Return what the version in shadow makes of leads beside the live one, and who differs, by id.

        :raises ModelUnknown: if there is no such model.
        :raises NoShadow: if no version of it is in shadow.
        """
        life = await self.find_life(model)
        if life.shadow is None:
            raise NoShadow
        async with snapshot(self._database) as transaction:
            tiers = await compare_tiers(transaction, model, life.shadow)
            differing = await load_differing(transaction, model, life.shadow, after=after, limit=limit)
        return Comparison(life.shadow, list(tiers), list(differing))

    async def find_shadow_changes(self, model: str, *, after: int = 0, limit: int = 100) -> Sequence[Row]:
        """Return what the version in shadow would have told, oldest first.

        :raises ModelUnknown: if there is no such model.
        :raises NoShadow: if no version of it is in shadow.
        """
        life = await self.find_life(model)
        if life.shadow is None:
            raise NoShadow
        async with self._database.connection() as connection:
            return await load_shadow_changes(connection, model, life.shadow, after=after, limit=limit)

    async def find_version_before(self, model: str) -> int | None:
        """Return the version that a rollback would make live; None if there is none to go back to."""
        life = await self.find_life(model)
        return version_after(life, RollBackModel(model=model, by="", why=""))

    async def find_history(self, model: str) -> Sequence[Mapping[str, object]]:
        """Return every step of a model, the first first. :raises ModelUnknown: if there is none."""
        find_life(await self._register(), model)
        async with self._database.connection() as connection:
            return [describe_step(step) for step in await load_steps(connection, model=model)]

    async def find_paper(self, model: str, version: int | None = None) -> tuple[int, Paper]:
        """Return a version's document as it was handed in; without ``version`` that of the live one.

        :raises ModelUnknown: if there is no such model.
        :raises VersionUnknown: if there is no such version, or none is live.
        """
        life = find_life(await self._register(), model)
        version = check_version(life, version or life.live or 0)
        async with self._database.connection() as connection:
            paper = await load_paper(connection, model, version)
        paper = paper or self._shelf.paper_of(model, version)
        assert paper is not None, "a version has a digest, so it has a document"
        return version, paper

    async def try_version(self, model: str, version: int, *, at: Instant) -> dict[str, Any]:
        """Let a version score some leads as of ``at`` and return how many, of how many facts, in which tiers.

        :raises ModelThrows: if it fails on one of them.
        """
        life = find_life(await self._register(), model)
        async with self._database.connection() as connection:
            compiled = await self._rulings.compile(connection, model, check_version(life, version))
        models, tiers, facts, after, tried = ModelSet([compiled]), Counter[str](), 0, "", 0
        while tried < MOST_TRIED:
            async with snapshot(self._database) as transaction:
                page = await load_leads_page(transaction, after=after, limit=_LEADS_PER_READ)
                stored = await load_facts(transaction, [lead for lead, _ in page])
            for lead, kept in page:
                if kept is not None and not kept.lives_at:
                    here = counted_facts(lead, kept, stored[lead])
                    tiers[_tier_of(models, lead, here, at=at)] += 1
                    facts += len(here)
                    tried += 1
            if len(page) < _LEADS_PER_READ:
                break
            after = page[-1][0]
        return {"leads": tried, "facts": facts, "tiers": dict(tiers)}

    async def _register(self) -> Register:
        async with self._database.connection() as connection:
            return await load_register(connection, self._shelf)


def _tier_of(models: ModelSet, lead: str, facts: Sequence[Any], *, at: Instant) -> str:
    (model,) = models.models
    try:
        state = fold(models, [fact for fact in facts if fact.occurred <= at])
        tier = 0 if state is None else tier_at(model, state.models[model.name], at).tier
    except Exception as error:
        text = f"version {model.version} fails on lead {lead} with {type(error).__name__}; correct its rules"
        raise ModelThrows(text) from error
    return model.tiers[tier].name
