"""Every recorded request, unchanged over real sockets: the answer it gets and the events it ends as."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from services.ingest.domain.admission.samples import decode_sample
from shared.contracts.declarations import DECLARED
from shared.contracts.topics import BEHAVIOUR, CONTACTS, LEADS
from shared.testing.kafka_broker import KafkaBroker
from tests.services.ingest.clients.door import Door, data_of, open_door
from tests.services.ingest.clients.expectations import Expected, Scenario, all_scenarios, as_written
from tests.services.ingest.clients.wire import WireAnswer
from tests.unit.ingest.requests import ClientRequest, all_requests

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(60)]

SUCCESS: Final = b'{"success":true}'
SCENARIOS: Final = all_scenarios()
NATIVE: Final = ("/v1/leads", "/v1/events", "/")
"""Addresses whose success says more than that."""
ACTS: Final = frozenset(one.name for one in DECLARED.all() if BEHAVIOUR in one.topics)
"""What is said of acts; all else that a request may end as, tags too, is said of leads."""


def by_text(events: Sequence[Mapping[str, Any]]) -> list[bytes]:
    return sorted(msgspec.json.encode(event, order="deterministic") for event in events)


async def replay(door: Door, scenario: Scenario) -> int:
    """Send everything of a scenario in order; return how many messages it had."""
    messages = 0
    for request, expected in scenario.sent:
        answer = await door.send(request, query=expected.credential)
        check_answer(request, expected, answer)
        messages += _messages_in(request)
    return messages


def _messages_in(request: ClientRequest) -> int:
    if request.method != "POST":
        return 0
    if not request.text.startswith("{"):
        return 1
    return len(msgspec.json.decode(request.text).get("batch", "1"))


def check_answer(request: ClientRequest, expected: Expected, answer: WireAnswer) -> None:
    """Check what the client needs of its answer."""
    sent = {name.lower(): value for name, value in request.head}
    assert answer.status == expected.status, (request.name, answer)
    if "origin" in sent:
        assert answer.headers["access-control-allow-origin"] == sent["origin"]
        assert answer.headers["access-control-allow-credentials"] == "true"
    if request.method == "OPTIONS":
        assert answer.headers["access-control-allow-headers"] == sent["access-control-request-headers"]
        assert sent["access-control-request-method"] in answer.headers["access-control-allow-methods"]
        assert int(answer.headers["access-control-max-age"]) > 0
        assert answer.body == b""
        return
    if "origin" in sent:
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
    if expected.redirect is not None:
        assert answer.headers["location"] == expected.redirect
    elif request.path.startswith("/sourceConfig"):
        source = answer.document["source"]
        assert source["enabled"] is True
        assert (source["writeKey"], source["destinations"]) == ("WK_test123", [])
    elif request.path.endswith("/settings"):
        assert answer.document["integrations"]["Segment.io"]["apiKey"] == "WK_test123"
        assert answer.document["metrics"] == {"sampleRate": 0}
    elif request.path in NATIVE:
        assert answer.document["success"] is True
    else:
        assert answer.body == SUCCESS
        assert answer.headers["content-type"] == "application/json"


def test_every_recorded_request_has_an_expectation_and_every_expectation_a_recording() -> None:
    expected = [name for scenario in SCENARIOS for name in scenario.requests]
    assert sorted(expected) == sorted(request.name for request in all_requests())


def test_a_recording_goes_out_again_as_long_as_its_client_said() -> None:
    for request in all_requests():
        said = {name.lower(): value for name, value in request.head}
        assert len(request.body) == int(said.get("content-length", len(request.body)))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.client)
async def test_a_client_hears_what_it_needs_and_its_words_end_as_the_right_events(
    door: Door, scenario: Scenario
) -> None:
    await door.ingest.settle(await replay(door, scenario))
    said = await door.events(LEADS.name, BEHAVIOUR.name)
    assert by_text([as_written(one) for one in said]) == by_text(scenario.events)
    assert len({one.subject for one in said}) == 1, "it is one person all along"
    contacts = await door.events(CONTACTS.name)
    known = data_of(contacts[-1]) if contacts else {}
    for name, value in scenario.contact.items():
        told = known[name]
        assert (told | value if isinstance(value, dict) else value) == told
    assert await door.ingest.value("SELECT count(*) FROM quarantine") == 0
    assert await door.ingest.breaches() == {}


def test_both_generations_of_a_client_and_all_its_ways_of_sending_end_as_equal_events() -> None:
    by_client = {scenario.client: scenario for scenario in SCENARIOS}
    standard = _without_moments(by_client["segment-ajs184-standard"])
    assert len(standard) == 5
    for other in (
        "segment-ajs170-standard",
        "segment-ajs184-batching",
        "segment-ajs184-batching-pagehide",
    ):
        assert _without_moments(by_client[other]) == standard
    rudder = _without_moments(by_client["rudder-js-xhr-default"])
    assert _without_moments(by_client["rudder-js-xhr-batch"]) == rudder
    assert rudder == [event for event in standard if b"Screen Viewed" not in event]


def _without_moments(scenario: Scenario) -> list[bytes]:
    of_one_run = {"message_id", "earlier_us"}
    return by_text(
        [{name: event[name] for name in event if name not in of_one_run} for event in scenario.events]
    )


@pytest.mark.kafka
@pytest.mark.every_run
async def test_on_kafka_the_same_requests_end_as_the_same_acts(
    database_url: str, tmp_path: Path, kafka_broker: KafkaBroker
) -> None:
    async with open_door(database_url, tmp_path, kafka=kafka_broker.address) as door:
        messages = 0
        for scenario in SCENARIOS:
            messages += await replay(door, scenario)
        await door.ingest.settle(messages)
        acts = await door.events(BEHAVIOUR.name)
        expected = [
            event
            for scenario in SCENARIOS
            if scenario.client != "html-form-multipart-file"  # said what the urlencoded form says: one form
            for event in scenario.events
            if event["event"] in ACTS
        ]
        assert by_text([as_written(one) for one in acts]) == by_text(expected)
        leads = [data_of(one) for one in await door.events(LEADS.name)]
        tags = {put["tag"] for lead in leads for put in lead.get("put", ())}
        assert tags == {"price_sensitive"}
        assert await door.ingest.value("SELECT count(*) FROM quarantine") == 0
        assert await door.ingest.breaches() == {}


@pytest.mark.parametrize(
    "request_",
    [request for scenario in SCENARIOS for request, expected in scenario.sent if expected.credential],
    ids=lambda one: one.name,
)
async def test_a_request_without_any_credential_is_refused_and_a_sample_of_it_kept(
    door: Door, request_: ClientRequest
) -> None:
    answer = await door.send(request_)
    assert answer.status == 401
    assert answer.document["success"] is False
    assert answer.document["code"] == "write_key.invalid"
    async with asyncio.timeout(10):
        while not await door.ingest.value("SELECT count(*) FROM quarantine"):
            await asyncio.sleep(0.05)
    assert await door.ingest.value("SELECT code FROM quarantine") == "write_key.invalid"
    sample = decode_sample(await door.ingest.value("SELECT record FROM quarantine"))
    assert sample is not None
    assert (sample.path, sample.content) == (request_.path, request_.body)
    assert not await door.events(LEADS.name, BEHAVIOUR.name)
