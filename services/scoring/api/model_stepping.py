"""Where managers take steps in the life of models, each with a reason."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter

from services.scoring.api.model_desk import (
    DraftIn,
    ModelDesk,
    PreviewIn,
    PreviewOut,
    PublishIn,
    RollBackIn,
    ShadowIn,
    ShareIn,
    VersionIn,
)
from services.scoring.domain.life.steps import (
    Command,
    DraftModel,
    PublishModel,
    RollBackModel,
    ShadowModel,
    ShareModel,
    ValidateModel,
)
from shared.http.access import require
from shared.http.commands import CommandCall
from shared.security.tokens import Principal

Author = Annotated[Principal, require("manager")]
"""A manager or an administrator."""


def build_stepping_router(desk: ModelDesk) -> APIRouter:
    """Return the routes at which steps are taken."""
    router = APIRouter(prefix="/scoring/v1/models", tags=["models"])

    async def take(call: CommandCall, command: Command) -> dict[str, Any]:
        return await desk.run(command, received=call.received, idempotency_key=call.idempotency_key)

    @router.post("/{model}/drafts", status_code=201, summary="Hand in the document of a new version")
    async def draft(model: str, body: DraftIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Check a document as the shipped ones are checked, and keep it; all faults are told at once."""
        text = body.document if isinstance(body.document, str) else _as_text(body.document)
        return await take(call, DraftModel(model=model, by=author.name, why=body.why, text=text))

    @router.post("/{model}/validate", summary="Try a draft on leads")
    async def validate(model: str, body: VersionIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Let a version score up to 1,000 leads and note what came of it; nothing is told of it."""
        command = ValidateModel(model=model, by=author.name, why=body.why, version=body.version)
        return await take(call, command)

    @router.post("/{model}/preview", status_code=202, summary="Count what publishing a version would change")
    async def preview(model: str, body: PreviewIn, _author: Author) -> PreviewOut:
        """Begin to count, over all leads; the answer comes at once, and `GET` tells how far it is."""
        await desk.previews.begin(model, body.version)
        return await desk.find_preview(model, body.version)

    @router.post("/{model}/shadow", summary="Let a version score every lead apart")
    async def shadow(model: str, body: ShadowIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Its scores and tier changes are kept apart, and nobody is told of them."""
        command = ShadowModel(model=model, by=author.name, why=body.why, version=body.version)
        return await take(call, command)

    @router.post("/{model}/share", summary="Let a version rule a share of the leads")
    async def share(model: str, body: ShareIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Whoever is in a share stays in it while it grows; nothing is told of the past."""
        return await take(
            call,
            ShareModel(model=model, by=author.name, why=body.why, version=body.version, percent=body.percent),
        )

    @router.post("/{model}/publish", summary="Let a version rule every lead")
    async def publish(model: str, body: PublishIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Publish a validated version; see `tell_past`."""
        return await take(
            call,
            PublishModel(
                model=model,
                by=author.name,
                why=body.why,
                version=body.version,
                tells_past=body.tell_past,
                expected=body.expected,
            ),
        )

    @router.post("/{model}/rollback", summary="Go back, in one step")
    async def roll_back(model: str, body: RollBackIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """End a share; without one let the version rule again that did before."""
        return await take(
            call,
            RollBackModel(
                model=model,
                by=author.name,
                why=body.why,
                tells_past=body.tell_past,
                expected=body.expected,
            ),
        )

    return router


def _as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)
