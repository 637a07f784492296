"""Webhooks over HTTP, for administrators: set up, looked at, changed, switched, sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Protocol

from fastapi import APIRouter, Query
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from services.scoring.domain.webhooks.webhook import Direction, Kind, State, Wanted
from services.scoring.queries.webhooks import ShownWebhook, WebhookQueries
from shared.http.access import require
from shared.http.paging import Page, Paging, cut_page
from shared.kernel.instants import Instant, format_instant
from shared.security.tokens import Principal

WEBHOOK_STATUSES: Final = {"webhook.unknown": 404, "webhook.delivery_unknown": 404}
"""Status by code, where it is not that of the verdict."""

_MOST: Final = 2**63 - 1
_Number = Annotated[int, Meta(ge=0, le=_MOST)]
_Attempt = Annotated[int, Meta(ge=0, le=2**31 - 1)]

Url = Annotated[str, Field(max_length=2_000, description="https, on the public internet")]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$", description="What people call it")]
Words = Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=100)]
Number = Annotated[int, Query(ge=0, le=_MOST)]
Filter = "; none named: all"


class Desk(Protocol):
    """Acts on webhooks; ``services.scoring.jobs.webhooks.desk`` does."""

    async def create(self, url: str, *, name: str, wanted: Wanted, from_the_first: bool, by: str) -> Any:
        """Set a webhook up."""
        ...

    async def change(
        self,
        webhook_id: str,
        *,
        url: str | None,
        name: str | None,
        wanted: Mapping[str, Sequence[str]] | None,
        by: str,
    ) -> None:
        """Change one."""
        ...

    async def disable(self, webhook_id: str, *, reason: str, by: str) -> None:
        """Switch one off."""
        ...

    async def enable(self, webhook_id: str, *, by: str) -> None:
        """Switch one on."""
        ...

    async def delete(self, webhook_id: str) -> None:
        """Forget one."""
        ...

    async def rotate(self, webhook_id: str) -> Any:
        """Give one a new secret."""
        ...

    async def retry(self, webhook_id: str, *, number: int | None) -> int:
        """Send again."""
        ...


class WebhookIn(BaseModel):
    """A webhook to be set up. Directions and tiers (the one that was reached) speak of tier changes only."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    name: Name = ""
    kinds: Annotated[list[Kind], Field(max_length=2, description=f"What is told{Filter}")] = []
    models: Annotated[Words, Field(description=f"Names of scoring models{Filter}")] = []
    directions: Annotated[list[Direction], Field(max_length=2, description=f"up, down{Filter}")] = []
    tiers: Annotated[Words, Field(description=f"Tiers that were reached{Filter}")] = []
    begin: Annotated[
        Literal["first", "now"], Field(description="With the first change that was ever told, or from now on")
    ] = "now"


class ChangeIn(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    name: Name | None = None
    kinds: Annotated[list[Kind] | None, Field(max_length=2)] = None
    models: Words | None = None
    directions: Annotated[list[Direction] | None, Field(max_length=2)] = None
    tiers: Words | None = None


class DisableIn(BaseModel):
    """Why it is switched off."""

    model_config = ConfigDict(extra="forbid")

    reason: Name = ""


class RetryIn(BaseModel):
    """Which delivery; without it, all that wait or are dead."""

    model_config = ConfigDict(extra="forbid")

    delivery: Annotated[int | None, Field(ge=0, le=_MOST)] = None


class NewSecretOut(BaseModel):
    """A secret. It is stored sealed: this is the one time that it can be read."""

    webhook: str
    secret: str


class SecretOut(BaseModel):
    """A live secret, without its text; one with `expires_at` signs beside the newest until then."""

    id: str
    created_at: str
    expires_at: str | None


class WebhookOut(BaseModel):
    """A webhook as it stands.

    `reason` says why it is disabled: what somebody wrote, `webhook.gone` (its receiver answered 410) or
    `webhook.failing`. `failing_since` is when it began to answer nothing well; until `paused_until`
    nothing is tried.
    """

    id: str
    url: str
    name: str
    kinds: list[str]
    models: list[str]
    directions: list[str]
    tiers: list[str]
    state: State
    reason: str
    secrets: list[SecretOut]
    waiting: int
    dead: int
    failures: int
    failing_since: str | None
    paused_until: str | None
    cursor: str
    created_at: str
    created_by: str
    changed_at: str
    changed_by: str


class WebhooksOut(BaseModel):
    """Webhooks, oldest first."""

    webhooks: list[WebhookOut]


class DeliveryOut(BaseModel):
    """One change on its way to a webhook. `event` is its `webhook-id`, `code` what went wrong last."""

    delivery: int
    event: str
    kind: Kind
    lead: str
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    status: int | None
    code: str | None
    created_at: str
    next_attempt: str | None
    ended_at: str | None


class AttemptOut(BaseModel):
    """One attempt. `status` is null where nothing was answered, `code` where it was delivered."""

    delivery: int
    attempt: int
    at: str
    status: int | None
    code: str | None


class RetriedOut(BaseModel):
    """How many deliveries will be sent again at once."""

    retried: int


class DeletedOut(BaseModel):
    """The webhook that is no more."""

    deleted: str


def build_webhook_router(queries: WebhookQueries, desk: Desk) -> APIRouter:
    """Return the routes of webhooks; only an administrator may."""
    router = APIRouter(prefix="/scoring/v1/webhooks", tags=["scoring"])

    @router.get("", dependencies=[require()], summary="Every webhook, and how each stands")
    async def list_webhooks() -> WebhooksOut:
        return WebhooksOut(webhooks=[webhook_out(shown) for shown in await queries.find_webhooks()])

    @router.post("", summary="Let another system be told of tier changes and activations", status_code=201)
    async def create_webhook(body: WebhookIn, principal: Annotated[Principal, require()]) -> NewSecretOut:
        """Set a webhook up. Its secret, shown this once, signs what is sent (Standard Webhooks)."""
        wanted = Wanted(
            kinds=tuple(body.kinds),
            models=tuple(body.models),
            directions=tuple(body.directions),
            tiers=tuple(body.tiers),
        )
        made = await desk.create(
            body.url,
            name=body.name,
            wanted=wanted,
            from_the_first=body.begin == "first",
            by=_who(principal),
        )
        return NewSecretOut(webhook=made.webhook, secret=made.secret.reveal())

    @router.get("/{webhook}", dependencies=[require()], summary="How a webhook stands")
    async def find_webhook(webhook: str) -> WebhookOut:
        return webhook_out(await queries.find_webhook(webhook))

    @router.patch("/{webhook}", summary="Give a webhook another address, name or filter")
    async def change_webhook(
        webhook: str, body: ChangeIn, principal: Annotated[Principal, require()]
    ) -> WebhookOut:
        """Change a webhook. What is on its way is delivered; what comes next meets the new filter."""
        parts = body.model_dump(exclude_none=True, include={"kinds", "models", "directions", "tiers"})
        await desk.change(webhook, url=body.url, name=body.name, wanted=parts, by=_who(principal))
        return webhook_out(await queries.find_webhook(webhook))

    @router.delete("/{webhook}", dependencies=[require()], summary="Forget a webhook and its deliveries")
    async def delete_webhook(webhook: str) -> DeletedOut:
        await desk.delete(webhook)
        return DeletedOut(deleted=webhook)

    @router.post("/{webhook}/disable", summary="Switch a webhook off; it keeps its place")
    async def disable_webhook(
        webhook: str, body: DisableIn, principal: Annotated[Principal, require()]
    ) -> WebhookOut:
        await desk.disable(webhook, reason=body.reason, by=_who(principal))
        return webhook_out(await queries.find_webhook(webhook))

    @router.post("/{webhook}/enable", summary="Switch a webhook on; it goes on where it was")
    async def enable_webhook(webhook: str, principal: Annotated[Principal, require()]) -> WebhookOut:
        await desk.enable(webhook, by=_who(principal))
        return webhook_out(await queries.find_webhook(webhook))

    @router.post(
        "/{webhook}/secrets", dependencies=[require()], summary="Give a webhook a new secret", status_code=201
    )
    async def rotate_secret(webhook: str) -> NewSecretOut:
        """Make a secret, shown this once; messages are signed with it and, for a while, the one before."""
        made = await desk.rotate(webhook)
        return NewSecretOut(webhook=made.webhook, secret=made.secret.reveal())

    @router.get("/{webhook}/deliveries", dependencies=[require()], summary="Deliveries, newest first")
    async def list_deliveries(
        webhook: str,
        page: Paging,
        state: Annotated[Literal["waiting", "delivered", "dead"] | None, Query()] = None,
    ) -> Page[DeliveryOut]:
        after = page.after(tuple[_Number])
        rows = await queries.find_deliveries(
            webhook, state=state, before=None if after is None else after[0], limit=page.fetch_limit
        )
        shown, following = cut_page(rows, page, key=lambda row: (row.number,))
        return Page(items=[delivery_out(row) for row in shown], next=following)

    @router.get("/{webhook}/attempts", dependencies=[require()], summary="Attempts, newest first")
    async def list_attempts(
        webhook: str,
        page: Paging,
        delivery: Annotated[Number | None, Query(description="Only of this delivery")] = None,
    ) -> Page[AttemptOut]:
        after = page.after(tuple[_Number, _Number, _Attempt])
        rows = await queries.find_attempts(webhook, number=delivery, after=after, limit=page.fetch_limit)
        shown, following = cut_page(rows, page, key=lambda row: (row.at, row.number, row.attempt))
        return Page(items=[attempt_out(row) for row in shown], next=following)

    @router.post("/{webhook}/retry", dependencies=[require()], summary="Send again at once")
    async def retry_deliveries(webhook: str, body: RetryIn) -> RetriedOut:
        """Send one delivery again, or all that wait or are dead; each goes out under the id that it had."""
        return RetriedOut(retried=await desk.retry(webhook, number=body.delivery))

    return router


def webhook_out(shown: ShownWebhook) -> WebhookOut:
    """Translate a webhook."""
    webhook, health = shown.webhook, shown.webhook.health
    return WebhookOut(
        id=webhook.id,
        url=webhook.url,
        name=webhook.name,
        kinds=list(webhook.wanted.kinds),
        models=list(webhook.wanted.models),
        directions=list(webhook.wanted.directions),
        tiers=list(webhook.wanted.tiers),
        state=webhook.state,
        reason=webhook.reason,
        secrets=[
            SecretOut(
                id=term.id, created_at=format_instant(term.created_at), expires_at=_text(term.expires_at)
            )
            for term in shown.secrets
        ],
        waiting=shown.counts.waiting,
        dead=shown.counts.dead,
        failures=health.failures,
        failing_since=_text(health.failing_since),
        paused_until=_text(health.paused_until or None),
        cursor=webhook.cursor,
        created_at=format_instant(webhook.created_at),
        created_by=webhook.created_by,
        changed_at=format_instant(webhook.changed_at),
        changed_by=webhook.changed_by,
    )


def delivery_out(row: Any) -> DeliveryOut:
    """Translate a delivery."""
    return DeliveryOut(
        delivery=row.number,
        event=row.event,
        kind=row.kind,
        lead=row.lead,
        state=row.state,
        attempts=row.attempts,
        status=row.status,
        code=row.code or None,
        created_at=format_instant(row.created_at),
        next_attempt=format_instant(row.next_attempt) if row.state == "waiting" else None,
        ended_at=_text(row.ended_at),
    )


def attempt_out(row: Any) -> AttemptOut:
    """Translate an attempt."""
    return AttemptOut(
        delivery=row.number,
        attempt=row.attempt,
        at=format_instant(row.at),
        status=row.status,
        code=row.code or None,
    )


def _who(principal: Principal) -> str:
    return f"{principal.name} ({principal.id})"


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
