"""Dead letters in the hands of an operator: listed, shown, replayed once; halted partitions go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadmill.audit.comparing import audit_deployment
from leadmill.platform.dead_letters import Choice, find_halts, find_letters, replay_letters
from shared.contracts.topics import BEHAVIOUR
from shared.kernel.changes import Changes, Fact
from shared.kernel.errors import Rejected
from shared.log.port import NewRecord, TopicPartition
from shared.processor.replay import Replayed
from tests.journeys.site import Site, environment_of
from tests.operations.processes import Answer, leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(40)]


class Beside:
    """Commands beside a platform that runs in this process."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._environment = environment_of(database_url, folder)

    async def __call__(self, *arguments: str) -> Answer:
        return await asyncio.to_thread(leadmill, *arguments, environment=self._environment)


@pytest.fixture
def beside(database_url: str, tmp_path: Path) -> Beside:
    return Beside(database_url, tmp_path)


@contextmanager
def broken_scoring(site: Site) -> Iterator[None]:
    """Scoring as if it could not bear demos: in this process only, commands have it whole."""
    stage: Any = site.platform.blueprints[1].workers[0]._stage
    whole = stage.handler

    def handle(state: Any, fact: Fact) -> Changes[Any]:
        if getattr(fact.event, "name", "") == "demo_requested":
            raise Rejected("cannot bear demos", code="scoring.planted")
        changes: Changes[Any] = whole(state, fact)
        return changes

    object.__setattr__(stage, "handler", handle)
    try:
        yield
    finally:
        object.__setattr__(stage, "handler", whole)


async def test_a_dead_letter_is_replayed_once_after_the_fix(site: Site, beside: Beside) -> None:
    await site.call("identify", userId="u-1", traits={"email": "ada@example.com"})
    with broken_scoring(site):
        for number in range(20):
            await site.page(f"/blog/{number}", userId="u-1")
            if number == 7:
                await site.track("Demo Requested", userId="u-1")
        await site.platform.drained()
    lead = await site.lead_of(email="ada@example.com")
    assert {line["rule"] for line in (await site.why(lead, "five_step"))["lines"]} == {"article_read"}

    (letter,) = (await beside("dlq", "list", "--json")).document["dead_letters"]
    assert (letter["service"], letter["code"], letter["topic"]) == (
        "scoring",
        "scoring.planted",
        BEHAVIOUR.name,
    )
    shown = (await beside("dlq", "show", letter["id"], "--json")).document
    assert "demo_requested" in shown["value"]
    assert shown["offset"] == letter["offset"]

    planned = await beside("dlq", "replay", "--code", "scoring.planted", "--dry-run", "--json")
    assert [one["id"] for one in planned.document["would_replay"]] == [letter["id"]]
    first = await beside("dlq", "replay", "--code", "scoring.planted", "--json")
    assert [one["result"] for one in first.document["replayed"]] == ["applied"]
    (again,) = await replay_letters(site.deployment, Choice(ids=frozenset({letter["id"]})))
    assert again.result is Replayed.BEFORE

    lines = {line["rule"]: line["points"] for line in (await site.why(lead, "five_step"))["lines"]}
    assert lines["demo_requested"] == 20
    assert await find_letters(site.deployment, Choice()) == []
    (listed,) = await find_letters(site.deployment, Choice(), with_replayed=True)
    assert listed.letter.replayed is not None


async def test_a_replay_that_is_refused_again_stays_and_fails_the_command(site: Site, beside: Beside) -> None:
    await spoil(site, partition=0, records=1)
    await site.platform.drained()

    answer = await beside("dlq", "replay", "--service", "scoring", "--json")
    assert answer.code == 1
    (result,) = answer.document["replayed"]
    assert (result["result"], result["code"]) == ("refused again", "contract.malformed")
    (listed,) = await find_letters(site.deployment, Choice(service="scoring"))
    assert listed.letter.id == result["id"]


def test_nothing_is_replayed_or_resumed_that_nobody_named() -> None:
    assert leadmill("dlq", "replay").code == 2
    assert leadmill("dlq", "resume").code == 2
    assert leadmill("quarantine", "replay").code == 2


async def spoil(site: Site, *, partition: int, records: int) -> None:
    """Put records on a topic that nobody can read."""
    producer = site.platform.ground.log.producer(name="spoiler")
    await producer.start()
    try:
        garbage = [NewRecord(b"x", b"garbage", [], site.now // 1000)] * records
        await producer.append([(TopicPartition(BEHAVIOUR.name, partition), garbage)])
    finally:
        await producer.stop()


async def test_a_flood_halts_and_goes_on_when_it_is_told_to(site: Site, beside: Beside) -> None:
    await site.call("identify", userId="u-1", traits={"email": "ada@example.com"})
    lead = await site.lead_of(email="ada@example.com")
    for partition in range(4):
        await spoil(site, partition=partition, records=1_200)
    await site.track("Demo Requested", userId="u-1")

    readers = [one.name for one in site.platform.blueprints if BEHAVIOUR.name in one.topics]
    async with asyncio.timeout(60):
        while len(halted := await find_halts(site.deployment, None)) < 4 * len(readers):
            await asyncio.sleep(0.1)
    probe = (await site.clients.get(site.platform.admin_address + "/readyz")).json()
    assert "worker.halted" in {check["code"] for check in probe["checks"]}
    assert (await site.clients.get(site.platform.admin_address + "/livez")).status_code == 200
    assert {(one.service, one.topic, one.code) for one in halted} == {
        (reader, BEHAVIOUR.name, "processor.flood") for reader in readers
    }
    findings = await audit_deployment(
        site.platform.blueprints, site.platform.ground.log, patience=timedelta(seconds=1)
    )
    assert any("halted at" in breach for finding in findings for breach in finding.breaches)

    resumed = await beside("dlq", "resume", "--service", "scoring", "--json")
    assert resumed.document["resumed"] == 4
    others = await beside("dlq", "resume", "--all", "--json")
    assert others.document["resumed"] == 4 * len(readers) - 4
    lines = {line["rule"] for line in (await site.why(lead, "five_step"))["lines"]}
    assert lines == {"demo_requested"}
    assert (await site.clients.get(site.platform.admin_address + "/readyz")).status_code == 200


@pytest.mark.thorough
async def test_quarantine_is_listed_shown_and_sent_round_again(site: Site, beside: Beside) -> None:
    await site.batch({"type": "track", "userId": "u-1", "event": "", "messageId": "nameless"})
    await site.platform.drained()

    (waiting,) = (await beside("quarantine", "list", "--json")).document["quarantine"]
    assert (waiting["source"], waiting["code"], waiting["tries"]) == ("website", "intake.no_event_name", 1)
    assert "nameless" in (await beside("quarantine", "show", waiting["id"], "--json")).document["record"]
    assert (await beside("quarantine", "replay")).code == 2
    assert (await beside("quarantine", "replay", "--all", "--dry-run", "--json")).document == {
        "would_replay": 1
    }
    assert (await beside("quarantine", "replay", "--all", "--json")).document == {
        "replayed": 1,
        "stayed": 0,
        "refused": {},
    }
    await site.platform.drained()
    (again,) = (await beside("quarantine", "list", "--json")).document["quarantine"]
    assert (again["id"], again["tries"]) == (waiting["id"], 2)


@pytest.mark.thorough
async def test_a_request_with_a_wrong_key_goes_round_as_the_source_it_was_meant_for(
    site: Site, beside: Beside
) -> None:
    lead = {"email": "ada@example.com", "message_id": "m-1"}
    wrong = {"x-write-key": "a key with an error in it"}
    answer = await site.clients.post(site.platform.address + "/v1/leads", json=lead, headers=wrong)
    assert answer.status_code == 401
    counts: list[dict[str, object]] = []
    for _ in range(30):
        counts = (await beside("quarantine", "count", "--json")).document["counts"]
        if counts:
            break
        await asyncio.sleep(1)
    assert counts == [{"source": "", "code": "write_key.invalid", "waiting": 1}]
    again = ["quarantine", "replay", "--code", "write_key.invalid", "--json"]
    assert (await beside(*again)).document["stayed"] == 1
    assert (await beside(*again, "--as-source", "nobody")).code == 2
    assert (await beside(*again, "--as-source", "website")).document["replayed"] == 1
    await site.platform.drained()
    assert await site.lead_of(email="ada@example.com")
    sources = {row["source"]: row for row in (await beside("sources", "--json")).document["sources"]}
    assert sources[""]["refused"] == {"write_key.invalid": 1}
    assert sources["website"]["processed"] == 1


@pytest.mark.thorough
async def test_a_key_is_given_out_changed_and_revoked(site: Site, beside: Beside) -> None:
    terms = ["--door", "leads", "--door", "forms", "--expires", "90d", "--rate", "5", "--json"]
    await beside("key", "add", "partner", *terms)
    (made,) = (await beside("key", "list", "--source", "partner", "--json")).document["keys"]
    assert (made["doors"], made["rate"], made["state"]) == (["leads", "forms"], 5, "expires")
    assert made["created_by"].startswith("command line")
    assert (await beside("key", "change", made["id"])).code == 2
    assert (await beside("key", "change", made["id"], "--rate", "9")).code == 0
    assert (await beside("key", "rotate", "partner", "--id", made["id"], "--overlap", "1d")).code == 0
    assert (await beside("key", "revoke", made["id"])).code == 0
    old, new = (await beside("key", "list", "--source", "partner", "--json")).document["keys"]
    assert (old["state"], new["state"], new["doors"], new["rate"]) == (
        *("revoked", "works"),
        *(["leads", "forms"], 9),
    )
    assert (await beside("key", "add", "partner", "--door", "windows")).code == 2


async def test_a_story_is_told_in_order_with_causes(site: Site, beside: Beside) -> None:
    await site.call("identify", userId="u-1", traits={"email": "ada@example.com", "industry": "software"})
    await site.track("Demo Requested", userId="u-1")
    lead = await site.lead_of(email="ada@example.com")

    events = (await beside("explain", lead, "--json")).document["events"]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert any(event["kind"] == "demo_requested" and "five_step +20" in event["text"] for event in events)
    assert all(event["cause"] for event in events)
    assert (await beside("explain", "nobody")).code == 2
