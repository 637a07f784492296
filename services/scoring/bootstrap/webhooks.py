"""Builds what webhooks are set up and acted on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import SystemRandom
from typing import Any, Final, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry

from services.scoring.api.webhooks import (
    attempt_out,
    delivery_out,
    webhook_out,
)
from services.scoring.domain.webhooks.webhook import Wanted
from services.scoring.jobs.webhooks.desk import NewSecret, WebhookDesk
from services.scoring.jobs.webhooks.telling import WebhookTools
from services.scoring.metrics import ScoringMetrics
from services.scoring.queries.scores import ScoreQueries
from services.scoring.queries.webhooks import ShownWebhook, WebhookQueries
from services.scoring.settings import ScoringSettings
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from services.scoring.store.webhooks.documents import read_webhook_rules
from services.scoring.store.webhooks.webhooks import sealing_of_webhooks
from shared.delivery.outbound.posting import public_trust
from shared.delivery.outbound.resolving import SystemResolver
from shared.postgres.database import Database
from shared.runtime.blueprint import Resources
from shared.runtime.settings.environment import load_settings

NAME: Final = "scoring"
"""The service: its schema, its group, its folder of documents."""


class Webhooks(NamedTuple):
    """What people ask about webhooks, what they do about them, and how it is shown."""

    queries: WebhookQueries
    desk: WebhookDesk

    async def create(
        self, url: str, *, name: str, wanted: Mapping[str, Sequence[str]], from_the_first: bool, by: str
    ) -> NewSecret:
        """Set a webhook up, its filter in plain words.

        :raises Rejected: as ``WebhookDesk.create``.
        """
        return await self.desk.create(
            url, name=name, wanted=msgspec.convert(wanted, Wanted), from_the_first=from_the_first, by=by
        )

    @staticmethod
    def show(webhook: ShownWebhook) -> dict[str, Any]:
        """Return a webhook as the API shows it."""
        return webhook_out(webhook).model_dump()

    @staticmethod
    def show_delivery(row: Any) -> dict[str, Any]:
        """Return a delivery as the API shows it."""
        return delivery_out(row).model_dump()

    @staticmethod
    def show_attempt(row: Any) -> dict[str, Any]:
        """Return an attempt as the API shows it."""
        return attempt_out(row).model_dump()


def build_webhooks(resources: Resources, *, database: Database) -> Webhooks:
    """Return what people act on webhooks with; ``database`` is scoring's, started."""
    settings = load_settings(ScoringSettings, environment=resources.environment)
    tools = webhook_tools(resources, settings, database, ScoringMetrics(CollectorRegistry()))
    rulings = RegisteredRulings(Shelf(resources.config / NAME))
    return webhooks_of(tools, ScoreQueries(database, rulings))


def webhooks_of(tools: WebhookTools, scores: ScoreQueries) -> Webhooks:
    """Return what people act on webhooks with, from what they stand on."""

    async def find_tiers() -> Mapping[str, Sequence[str]]:
        live = await scores.find_models()
        return {model.name: [tier.name for tier in model.tiers] for model in live.models}

    queries = WebhookQueries(tools.database, clock=tools.clock)
    return Webhooks(queries, WebhookDesk(tools, tiers=find_tiers))


def webhook_tools(
    resources: Resources, settings: ScoringSettings, database: Database, metrics: ScoringMetrics
) -> WebhookTools:
    """Return what deliveries stand on: tables, clock, rules, keys, the way out."""
    return WebhookTools(
        database=database,
        clock=resources.clock,
        rules=read_webhook_rules(resources.config / NAME),
        sealing=sealing_of_webhooks(resources.secrets.pepper.reveal()),
        metrics=metrics,
        resolve=SystemResolver().resolve,
        tls=public_trust(),
        draw=SystemRandom().random,
        loopback=settings.webhooks_to_loopback,
        may_send=resources.may_send,
        holder=resources.member,
    )
