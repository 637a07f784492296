"""Analytics' routes under /analytics/v1."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.analytics.api.schemas import (
    attribution_out,
    funnel_out,
    rates_out,
    reps_out,
    returns_out,
    story_out,
)
from services.analytics.api.tables import WantedForm, answer
from services.analytics.domain.history import By
from services.analytics.domain.outcomes import Contribution
from services.analytics.queries.reports import ReportQueries
from services.analytics.queries.story import find_story
from shared.http.access import require
from shared.http.parameters.instants import read_instant
from shared.postgres.database import Database

ModelName = Annotated[str, Query(description="Name of an attribution model, for example first or u")]
OfWhat = Annotated[
    Contribution, Query(alias="contribution", description="What counts: deals won, or payments received")
]
Currency = Annotated[
    str | None,
    Query(
        pattern="^[A-Z]{3}$", description="ISO 4217; without it the organisation's. Never added to another"
    ),
]
AsOf = Annotated[
    str | None,
    Query(description="Instant (RFC 3339): what occurred by then", examples=["2026-03-02T09:00:00Z"]),
]
KnownAt = Annotated[str | None, Query(description="Instant (RFC 3339): only what was received by then")]

WithInvalid = Annotated[bool, Query(description="False leaves out the leads that are invalid now (I5)")]


def build_router(*, reports: ReportQueries, database: Database) -> APIRouter:
    """Return analytics' routes."""
    router = APIRouter(prefix="/analytics/v1", tags=["analytics"])
    reader = require("marketer", "manager", "read")

    @router.get("/attribution", dependencies=[reader], summary="Who is credited with what (A1)")
    async def find_attribution(
        form: WantedForm,
        model: ModelName = "u",
        by: By = "campaign",
        contribution: OfWhat = "won",
        currency: Currency = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
    ) -> Response:
        report = await reports.find_attribution(
            model=model,
            by=by,
            contribution=contribution,
            currency=currency,
            as_of=read_instant(as_of),
            known_at=read_instant(known_at),
        )
        body = attribution_out(report, model=model, by=by, contribution=contribution)
        return answer(form, body, rows=body["rows"], name=f"attribution-{model}-by-{by}")

    @router.get("/roi", dependencies=[reader], summary="(contribution − cost) / cost (A2)")
    async def find_returns(
        form: WantedForm,
        model: ModelName = "u",
        by: Literal["campaign", "channel"] = "campaign",
        contribution: OfWhat = "won",
        currency: Currency = None,
    ) -> Response:
        used, rows = await reports.find_returns(
            model=model, by=by, contribution=contribution, currency=currency
        )
        body = returns_out(rows, currency=used, model=model, by=by, contribution=contribution)
        return answer(form, body, rows=body["rows"], name=f"roi-{model}-by-{by}")

    @router.get("/funnel", dependencies=[reader], summary="From leads to won amounts (A3, A4)")
    async def find_funnel(
        form: WantedForm,
        by: By = "source",
        currency: Currency = None,
        with_invalid: WithInvalid = True,  # noqa: FBT002 - a parameter of the query
        as_of: AsOf = None,
        known_at: KnownAt = None,
    ) -> Response:
        report = await reports.find_funnel(
            by=by,
            currency=currency,
            with_invalid=with_invalid,
            as_of=read_instant(as_of),
            known_at=read_instant(known_at),
        )
        body = funnel_out(report, by=by)
        return answer(form, body, rows=body["rows"], name=f"funnel-by-{by}")

    @router.get("/reps", dependencies=[reader], summary="What reps were given, how soon they answered (A5)")
    async def find_reps(form: WantedForm) -> Response:
        body = reps_out(await reports.find_reps())
        return answer(form, body, rows=body["rows"], name="reps")

    @router.get(
        "/conversion-rate", dependencies=[reader], summary="Won customers of all leads, beside 2–5 % (A9)"
    )
    async def find_rates(form: WantedForm) -> Response:
        body = rates_out(await reports.find_rates(), reports.band)
        rows = [{"of": of, **{k: v for k, v in rate.items() if k != "industry"}} for of, rate in body.items()]
        return answer(form, body, rows=rows, name="conversion-rate")

    @router.get("/models", dependencies=[reader], summary="The attribution models")
    async def list_models() -> list[str]:
        return list(reports.models)

    @router.get(
        "/leads/{lead}/story", dependencies=[reader], summary="Everything about a lead, in order of time"
    )
    async def tell_story(lead: str) -> dict[str, Any]:
        return story_out(await find_story(database, lead))

    return router
