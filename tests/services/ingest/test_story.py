"""The story on a real PostgreSQL."""

from __future__ import annotations

import pytest

from services.ingest.queries.story import find_story
from shared.postgres.database import Database
from tests.services.ingest.arrivals import Arrivals, make_resolver, resolve

pytestmark = pytest.mark.postgres


async def test_follows_a_lead_through_a_merge(ingest_database: Database) -> None:
    resolver, arrivals = make_resolver(), Arrivals()
    records = [
        arrivals.record(
            {"anonymousId": "a", "properties": {"path": "/pricing"}, "messageId": "m1"}, kind="page"
        ),
        arrivals.record({"email": "ada@example.com", "message_id": "m2"}, kind="lead"),
        arrivals.record({"anonymousId": "a", "traits": {"email": "ada@example.com"}}, kind="identify"),
    ]
    decisions = await resolve(ingest_database, resolver, records)
    leads = {one.subject for decision in decisions for one in decision.emissions}
    stays, gone = min(leads), max(leads)
    story = await find_story(ingest_database, stays)
    kinds = sorted(row.kind for row in story)
    assert kinds == ["lead_captured", "lead_merged", "page_viewed", "tags_changed"]
    assert [row.at for row in story] == sorted(row.at for row in story)
    assert {row.message_id for row in story} >= {"m1"}
    assert [row.kind for row in await find_story(ingest_database, gone)] == ["lead_merged"]
    assert await find_story(ingest_database, "0" * 32) == []


async def test_tells_a_message_that_came_twice_once(ingest_database: Database) -> None:
    resolver, arrivals = make_resolver(), Arrivals()
    message = {"userId": "u", "event": "E", "messageId": "m"}
    first = await resolve(ingest_database, resolver, [arrivals.record(message)])
    await resolve(ingest_database, resolver, [arrivals.record(message)])
    story = await find_story(ingest_database, first[0].emissions[0].subject)
    assert [row.kind for row in story] == ["lead_captured", "act_recorded"]
