"""Scoring's routes under /scoring/v1."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request

from services.scoring.api.parameters import READERS, AsOf, KnownAt
from services.scoring.api.schemas import (
    ModelOut,
    ScoresOut,
    WhyOut,
    crossing_out,
    model_out,
    score_out,
    why_out,
)
from services.scoring.domain.webhooks.webhook import Said
from services.scoring.queries.scores import ScoreQueries
from services.scoring.queries.telling import kind_of, show_activation, show_change, show_said
from services.scoring.queries.tier_stream import BEGINNING, TierStream, check_cursor
from shared.http.access import require
from shared.http.event_stream import (
    EventSourceResponse,
    LastEventId,
    ServerSentEvent,
    StreamEvent,
    follow,
    stopping_of,
)
from shared.http.parameters.instants import read_instant
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant

ModelName = Annotated[str | None, Query(description="One model's name; without it all live models")]


def build_router(*, scores: ScoreQueries, stream: TierStream, clock: Clock) -> APIRouter:
    """Return scoring's routes."""
    router = APIRouter(prefix="/scoring/v1", tags=["scoring"])
    reader = require(*READERS)

    @router.get("/leads/{lead}/scores", dependencies=[reader], summary="Points and tier of a lead")
    async def find_scores(
        lead: str, model: ModelName = None, as_of: AsOf = None, known_at: KnownAt = None
    ) -> ScoresOut:
        home, answers = await scores.explain_scores(
            lead, model=model, as_of=_instant(as_of, clock.now()), known_at=read_instant(known_at)
        )
        return ScoresOut(lead=home, scores=[score_out(answer.score) for answer in answers])

    @router.get("/leads/{lead}/why", dependencies=[reader], summary="The lines that sum to the score (C13)")
    async def explain(
        lead: str, model: ModelName = None, as_of: AsOf = None, known_at: KnownAt = None
    ) -> WhyOut:
        home, answers = await scores.explain_scores(
            lead, model=model, as_of=_instant(as_of, clock.now()), known_at=read_instant(known_at)
        )
        return why_out(home, answers)

    @router.get(
        "/leads/{lead}/history",
        dependencies=[reader],
        summary="Every change of tier, and what was told of tiers and activations",
    )
    async def find_history(lead: str, model: ModelName = None, as_of: AsOf = None) -> dict[str, Any]:
        home, crossings, told, activations = await scores.find_history(
            lead, model=model, until=_instant(as_of, clock.now())
        )
        return {
            "lead": home,
            "tiers": {
                name: [crossing_out(crossing) for crossing in found] for name, found in crossings.items()
            },
            "told": [show_change(change) for change in told],
            "activations": [show_activation(activation) for activation in activations],
        }

    @router.get("/models", dependencies=[reader], summary="The live scoring models")
    async def list_models() -> list[ModelOut]:
        return [model_out(model) for model in (await scores.find_models()).models]

    @router.get(
        "/tier-changes/stream",
        dependencies=[require("service", "read", "manager", "marketer")],
        response_class=EventSourceResponse,
        summary="Tier changes and activations as Server-Sent Events; come back with Last-Event-ID",
    )
    async def follow_changes(
        request: Request,
        after: Annotated[str | None, Depends(_cursor)],
        begin: Annotated[
            str, Query(pattern="^(first|now)$", description="Where to begin without Last-Event-ID")
        ] = "now",
    ) -> AsyncIterator[ServerSentEvent]:
        start = after or (BEGINNING if begin == "first" else await stream.find_end())
        # whoever breaks off before the first change comes back to this place, not to a later "now"
        yield ServerSentEvent(id=start)

        async def read(cursor: str | None) -> Sequence[StreamEvent]:
            return [_stream_event(told) for told in await stream.find_changes(cursor or start)]

        async for event in follow(read, after=start, stopping=stopping_of(request)):
            yield event

    return router


def _stream_event(said: Said) -> StreamEvent:
    return StreamEvent(said.cursor, kind_of(said), msgspec.json.encode(show_said(said)).decode())


def _cursor(last_event_id: LastEventId = None) -> str | None:
    """Look at the cursor before the stream is opened: later it could not be refused any more."""
    return check_cursor(last_event_id)


def _instant(text: str | None, otherwise: Instant) -> Instant:
    found = read_instant(text)
    return otherwise if found is None else found
