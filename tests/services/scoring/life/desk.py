"""Somebody who takes steps in the life of models, and a changed mql to take them about."""

from __future__ import annotations

from typing import Any

import yaml

from services.scoring.bootstrap import build_model_desk
from services.scoring.domain.life.steps import (
    DraftModel,
    PublishModel,
    RollBackModel,
    ShareModel,
    ValidateModel,
)
from services.scoring.jobs.life.renewing import Renewing
from tests.services.scoring.stand import Stand
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.scoring.stories import CONFIG

SHIPPED = (CONFIG / "models" / "five_step.yaml").read_text("utf-8")


def five_step(version: int, *, warm: int = 31, hot: int = 61, **points: int) -> str:
    """The shipped document with other bounds, and other points by rule."""
    document = yaml.safe_load(SHIPPED)
    document["version"] = version
    tiers = {tier["tier"]: tier for tier in document["tiers"]}
    for name, bound in {"warm": warm, "hot": hot}.items():
        tiers[name].pop("more_than", None)
        tiers[name]["at_least"] = bound
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["points"] = points.get(rule["rule"], rule["points"])
    return yaml.safe_dump(document, allow_unicode=True)


class Author:
    """Ann, who says why."""

    def __init__(self, stand: Stand, *, portion: int = 2) -> None:
        self.stand = stand
        self.desk = build_model_desk(stand.resources, database=stand.database)
        self.renewing = Renewing(
            stand.database, stand.rulings, clock=stand.clock, partitions=PARTITIONS, portion=portion
        )

    async def take(self, kind: type[Any], **said: Any) -> dict[str, Any]:
        """Take a step about five_step, unless another model is named."""
        command = kind(**{"model": "five_step", "by": "Ann", "why": "sales asked for it", **said})
        return await self.desk.run(command, received=self.stand.clock.now())

    async def have_validated(self, text: str, version: int = 2) -> None:
        """Hand in a document and try it."""
        await self.take(DraftModel, text=text)
        await self.take(ValidateModel, version=version)

    async def publish(self, text: str, version: int = 2, **said: Any) -> None:
        """Hand in a document and let it rule."""
        await self.have_validated(text, version)
        await self.take(PublishModel, version=version, **said)

    async def share(self, version: int, percent: int) -> None:
        """Let a version rule a share of the leads."""
        await self.take(ShareModel, version=version, percent=percent)

    async def roll_back(self) -> None:
        """Go back."""
        await self.take(RollBackModel)

    async def renew(self) -> None:
        """Let the pass come to its end, portion by portion."""
        while not (await self.desk.book.find_progress()).is_done:
            await self.renewing.step()
            await self.stand.settle()
