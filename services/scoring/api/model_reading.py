"""What people read of models: how far their versions are, what a preview or a shadow found."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from services.scoring.api.model_desk import (
    ComparisonOut,
    DocumentOut,
    LifeOut,
    ModelDesk,
    PreviewOut,
    RenewingOut,
    show_comparison,
    show_life,
)
from shared.http.access import require
from shared.kernel.instants import format_instant
from shared.postgres.database import Row
from shared.security.tokens import Role

_READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "read")


def build_reading_router(desk: ModelDesk) -> APIRouter:
    """Return the routes at which models are read."""
    router = APIRouter(prefix="/scoring/v1/models", tags=["models"], dependencies=[require(*_READERS)])

    @router.get("/{model}", summary="A model, its versions and how far each is")
    async def read_model(model: str) -> LifeOut:
        found = {one.life.name: one for one in await desk.book.find_models()}
        life = await desk.book.find_life(model)
        live = found[model].live if model in found else None
        progress = await desk.book.find_progress()
        shown = show_life(life, [tier.name for tier in reversed(live.tiers)] if live is not None else ())
        shown.renewing = RenewingOut(
            done=progress.is_done, leads_seen=progress.seen, leads_renewed=progress.renewed
        )
        return shown

    @router.get("/{model}/history", summary="Every step, with who took it and why")
    async def read_history(model: str) -> dict[str, Any]:
        return {"model": model, "steps": await desk.book.find_history(model)}

    @router.get("/{model}/document", summary="A version's document as it was handed in")
    async def read_document(
        model: str,
        version: Annotated[int | None, Query(ge=1, description="Without it the live version")] = None,
    ) -> DocumentOut:
        number, paper = await desk.book.find_paper(model, version)
        lists = {name: list(values) for name, values in paper.lists.items()}
        return DocumentOut(model=model, version=number, document=paper.text, lists=lists)

    @router.get("/{model}/preview", summary="What publishing a version would change")
    async def read_preview(model: str, version: Annotated[int, Query(ge=1)]) -> PreviewOut:
        return await desk.find_preview(model, version)

    @router.get("/{model}/shadow", summary="The version in shadow beside the live one")
    async def compare(
        model: str,
        after: Annotated[str, Query(max_length=200, description="The last lead of the page before")] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> ComparisonOut:
        return show_comparison(await desk.book.compare_shadow(model, after=after, limit=limit))

    @router.get("/{model}/shadow/changes", summary="What a version in shadow would have told")
    async def read_shadow_changes(
        model: str,
        after: Annotated[int, Query(ge=0, description="The number of the last one of the page before")] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> dict[str, Any]:
        found = await desk.book.find_shadow_changes(model, after=after, limit=limit)
        return {"model": model, "changes": [_shadow_change(row) for row in found]}

    return router


def _shadow_change(row: Row) -> dict[str, Any]:
    return {
        "number": row["number"],
        "lead": row["lead"],
        "direction": row["direction"],
        "from_tier": row["from_tier"],
        "to_tier": row["to_tier"],
        "points": row["points"] / 1000,
        "at": format_instant(row["at"]),
        "seen_at": format_instant(row["seen_at"]),
        "restated": row["restated"],
    }
