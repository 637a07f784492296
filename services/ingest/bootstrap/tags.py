"""Builds what people read and change tags with."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from services.ingest.api.tags.catalogue import build_tag_router, show_tag
from services.ingest.api.tags.leads import build_tagging_router, show_work
from services.ingest.bootstrap.resolving import NAME, build_resolver
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tags.commands import ChangeTag
from services.ingest.domain.tags.definitions import Tag
from services.ingest.jobs.tagging import BulkTagging
from services.ingest.metrics import IngestMetrics
from services.ingest.queries.tags import TagQueries
from services.ingest.settings import IngestSettings
from services.ingest.store.documents import read_rulebook
from shared.http.commands import CommandRunner
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.runtime.blueprint import Resources
from shared.runtime.processing import Processing
from shared.runtime.settings.environment import load_settings


class TagDesk:
    """What people read and change tags with; ``bulk`` also runs as a job."""

    def __init__(
        self, rulebook: Rulebook, database: Database, commands: CommandRunner, *, clock: Clock
    ) -> None:
        rules = TagRules(rulebook.tags)
        self.commands = commands
        self.queries = TagQueries(database, rules)
        self.bulk = BulkTagging(database, commands=commands, rules=rules, clock=clock)

    async def list_tags(self) -> list[dict[str, Any]]:
        """Return all tags, as the command line shows them."""
        return [show_tag(tag).model_dump() for tag in await self.queries.load_catalogue()]

    async def change(
        self, tag: str, what: str, *, by: str, received: Instant, **texts: str
    ) -> dict[str, Any]:
        """Change the catalogue and return the tag as it is then. :raises Rejected: if it cannot be."""
        command = msgspec.convert({"tag": tag, "what": what, "by": by, **texts}, ChangeTag)
        reply = await self.commands.run(
            key=tag, command=command, received=received, idempotency_key=secrets.token_hex(16)
        )
        return show_tag(msgspec.convert(reply, Tag)).model_dump()

    async def tag(
        self,
        *,
        by: str,
        received: Instant,
        put: Sequence[str] = (),
        take: Sequence[str] = (),
        leads: Sequence[str] = (),
        where: str = "",
        reason: str = "",
        progress: Callable[[int, int], None],
    ) -> dict[str, Any]:
        """Put tags on leads and take others off, to the end; ``progress`` hears how far it is.

        :raises Rejected: if a tag or the filter cannot be used.
        """
        work = await self.bulk.ask(
            put=put,
            take=take,
            by=by,
            reason=reason,
            key=secrets.token_hex(16),
            received=received,
            where=_read_filter(where),
            leads=leads,
        )
        while work.finished is None:
            progress(work.done, work.leads)
            work = await self.bulk.go_on(work)
        return show_work(work).model_dump(mode="json")

    def routers(self) -> tuple[APIRouter, ...]:
        """Return the routes of tags and of leads by filter."""
        return (
            build_tagging_router(self.queries.find_leads, self.bulk),
            build_tag_router(self.queries, self.commands),
        )


class FilterMalformed(Rejected):
    """A filter is JSON: {"field": "tags", "operator": "includes_all", "value": ["high_intent"]}."""

    code = "condition.malformed"


def _read_filter(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any]) if text else None
    except msgspec.MsgspecError as refused:
        raise FilterMalformed from refused


def build_tag_desk(resources: Resources, *, database: Database) -> TagDesk:
    """Return what people read and change tags with; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    rulebook = read_rulebook(resources.config / NAME, default_region=settings.default_region)
    resolver = build_resolver(
        resources.config,
        identity_key=resources.secrets.identity_key.reveal(),
        metrics=IngestMetrics(CollectorRegistry()),
    )
    processing = Processing(replace(resources, registry=CollectorRegistry()), resolver, database)
    return TagDesk(rulebook, database, processing.build_commands(), clock=resources.clock)
