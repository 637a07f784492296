"""Tells at the front door what came back from mails: opens, clicks, unsubscriptions, bounces: new events.

At least once: each act has one message id for good, so the front door takes it in once. What machines
did is kept and goes no further.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import httpx
import msgspec

from services.nurture.domain.contents import ContentSet
from services.nurture.domain.engagements import Engagement, Kind, Scanners
from services.nurture.domain.leads import DELIVERY_CHANNEL
from services.nurture.metrics import NurtureMetrics
from services.nurture.store.engagements import (
    Mailed,
    claim_waiting,
    load_clicks,
    load_mailed,
    settle_engagements,
)
from shared.kernel.errors import Unavailable
from shared.kernel.instants import format_instant
from shared.kernel.redacted import Redacted
from shared.postgres.database import Database
from shared.telemetry.logging import get_logger

_AT_ONCE: Final = 100
_AGAIN_IN: Final = timedelta(seconds=5)
_EVENTS: Final[Mapping[Kind, str]] = {
    "open": "Email Opened",
    "click": "Email Link Clicked",
    "unsubscribe": "Unsubscribed",
    "bounce": "Email Bounced",
}
_TOLD: Final = "told"
_KEPT: Final = "kept"

logger = get_logger(__name__)


class FrontDoorUnavailable(Unavailable):
    """The front door does not take opens and clicks; they wait and are told when it does."""

    code = "nurture.front_door_unavailable"


class Forwarding:
    """Brings acts to the front door. ``address`` is its URL without a path, ``key`` our internal key."""

    def __init__(
        self,
        database: Database,
        *,
        address: str,
        key: Redacted[str],
        contents: ContentSet,
        scanners: Scanners,
        metrics: NurtureMetrics,
    ) -> None:
        self._database = database
        self._address = address
        self._key = key
        self._contents = contents
        self._scanners = scanners
        self._metrics = metrics
        self._client: httpx.AsyncClient | None = None

    async def forward(self) -> None:
        """Tell everything that waits.

        :raises Unavailable: if the database or the front door does not answer; nothing is lost.
        """
        while await self._forward_some() == _AT_ONCE:
            continue

    async def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _forward_some(self) -> int:
        async with self._database.transaction() as transaction:
            acts = await claim_waiting(transaction, again_in=_AGAIN_IN, limit=_AT_ONCE)
            if not acts:
                return 0
            messages = sorted({act.message for act in acts})
            mailed = await load_mailed(transaction, messages)
            clicks = await load_clicks(transaction, messages)
        settled: list[tuple[str, str, str]] = []
        by_trace: dict[str | None, list[Engagement]] = {}
        for act in acts:
            about = mailed.get(act.message)
            machine = self._judge(act, about, clicks.get(act.message, ()))
            if about is None or machine:
                settled.append((act.id, _KEPT, machine))
                self._metrics.engaged(act.kind, "machine")
            else:
                by_trace.setdefault(about.traceparent, []).append(act)
        failed: FrontDoorUnavailable | None = None
        for trace, told in by_trace.items():
            try:
                await self._tell([self._event(act, mailed[act.message]) for act in told], trace)
            except FrontDoorUnavailable as error:
                failed = error
                break
            settled += [(act.id, _TOLD, "") for act in told]
            for act in told:
                self._metrics.engaged(act.kind, _TOLD)
        if settled:
            async with self._database.connection() as connection:
                await settle_engagements(connection, settled)
        if failed is not None:
            raise failed
        return len(acts)

    def _judge(self, act: Engagement, about: Mailed | None, clicked: Sequence[tuple[int, int]]) -> str:
        if about is None:
            return "unknown_message"
        content = self._contents.find(about.content, about.content_version)
        links = 0 if content is None else len(content.document.links)
        return self._scanners.judge(act, sent=about.sent, links=links, clicked=clicked)

    def _event(self, act: Engagement, about: Mailed) -> dict[str, Any]:
        properties: dict[str, Any] = {"message": act.message}
        if act.kind == "click":
            content = self._contents.find(about.content, about.content_version)
            links = () if content is None else content.document.links
            if act.number < len(links):
                properties["link"] = links[act.number].link
                if links[act.number].purpose:
                    properties["purpose"] = links[act.number].purpose
        if act.kind == "bounce":
            properties["kind"] = "hard"
        if act.kind == "unsubscribe":
            properties["delivery_channel"] = DELIVERY_CHANNEL
        return {
            "type": "track",
            "event": _EVENTS[act.kind],
            "messageId": act.id,
            "leadId": about.lead,
            "timestamp": format_instant(act.at),
            "properties": properties,
        }

    async def _tell(self, events: Sequence[Mapping[str, Any]], traceparent: str | None) -> None:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=10, trust_env=False)
        body = msgspec.json.encode({"batch": events, "writeKey": self._key.reveal()})
        headers = {"content-type": "application/json"}
        if traceparent:
            headers["traceparent"] = traceparent
        try:
            answer = await self._client.post(f"{self._address}/v1/batch", content=body, headers=headers)
        except httpx.HTTPError as error:
            raise FrontDoorUnavailable from error
        if answer.status_code != httpx.codes.OK:
            logger.warning("front_door_refused", status=answer.status_code, events=len(events))
            raise FrontDoorUnavailable
