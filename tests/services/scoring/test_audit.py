"""Planted damage is found, and named by an id that one can look up; without damage nothing is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from services.scoring.domain.scored_lead import ScoredLead
from services.scoring.queries.checks import ScoringChecks
from services.scoring.store.scoring_models.rulings import FixedRulings
from shared.contracts.events.behaviour import FormSubmitted
from shared.contracts.topics import BEHAVIOUR, INTERNAL, LEADS, partition_of
from shared.kernel.instants import DAY, MINUTE
from shared.processor.checks import check_dead_letters, compare_sequences, load_all_marks, load_sequences
from tests.services.scoring.deeds import Deed, Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.scoring.stories import START, day

ADA = lead_id("ada")


class Killed(Exception):
    """The worker dies here."""


@pytest.fixture
async def acts(small_stand: Stand, deeds: Deeds) -> list[Deed]:
    """Ada's acts, after she became hot and a visitor was merged into her; Zoe works at a firm."""
    await small_stand.start_worker()
    await small_stand.learn(
        deeds.is_known_as("ada", START, industry="pharma", title_level="director", size="500_plus")
    )
    acts = [
        deeds.asked_for_demo("ada", START + MINUTE),
        deeds.viewed("ada", START + 2 * MINUTE),
        deeds.viewed("ada", START + 3 * MINUTE, kind="home"),
        deeds.viewed("ada", START + 4 * MINUTE, kind="home"),
    ]
    await small_stand.learn(deeds.works_at("zoe", "a-firm", START))
    await small_stand.learn(*acts, deeds.viewed("visitor", START, kind="article"))
    await small_stand.learn(deeds.moved("visitor", "ada", day(1), version=1))
    return acts


async def breaches(stand: Stand, *, full: bool = True) -> dict[str, list[str]]:
    """What does not hold, by check."""
    findings = await stand.blueprint.check(full)
    assert all(finding.looked_at for finding in findings if "compan" not in finding.check)
    return {
        finding.check.removeprefix("scoring: "): list(finding.breaches)
        for finding in findings
        if not finding.holds
    }


async def change_lead(stand: Stand, who: str, change: Callable[[ScoredLead], ScoredLead]) -> None:
    """Change what is stored of a lead, behind everybody's back."""
    payload = await stand.value("SELECT payload FROM lead WHERE key = $1", lead_id(who))
    assert isinstance(payload, bytes)
    after = change(msgspec.msgpack.decode(payload, type=ScoredLead))
    await stand.execute(
        "UPDATE lead SET payload = $2 WHERE key = $1", lead_id(who), msgspec.msgpack.encode(after)
    )


@pytest.mark.usefixtures("acts")
async def test_nothing_is_found_where_nothing_is_broken(small_stand: Stand) -> None:
    assert await breaches(small_stand) == {}
    assert await breaches(small_stand, full=False) == {}


async def test_a_deleted_fact_is_named_also_one_without_points(small_stand: Stand, acts: list[Deed]) -> None:
    for act in acts:
        kept = await small_stand.execute("CREATE TABLE kept AS SELECT * FROM fact WHERE id = $1", act.id) or 1
        assert await small_stand.execute("DELETE FROM fact WHERE id = $1", act.id) == kept
        assert await breaches(small_stand) == {
            "every fact is there": [f"lead {ADA}: fact {act.id} is missing"]
        }
        await small_stand.execute("INSERT INTO fact SELECT * FROM kept")
        await small_stand.execute("DROP TABLE kept")
    assert await breaches(small_stand) == {}


async def test_of_several_deleted_facts_those_are_named_that_carry_lines(
    small_stand: Stand, acts: list[Deed]
) -> None:
    await small_stand.execute("DELETE FROM fact WHERE id = ANY($1)", [act.id for act in acts[:3]])
    named = await breaches(small_stand)
    assert set(named) == {"every fact is there"}
    assert set(named["every fact is there"]) == {
        f"lead {ADA}: fact {acts[0].id} is missing",
        f"lead {ADA}: fact {acts[1].id} is missing",
        f"lead {ADA}: 6 facts were learnt and 3 are there",
    }


async def test_a_fact_that_was_slipped_in_is_named(small_stand: Stand, acts: list[Deed]) -> None:
    stranger = f"{7:032x}"
    await small_stand.execute(
        "INSERT INTO fact SELECT lead, $2, profile, occurred, received, name, fields FROM fact WHERE id = $1",
        acts[0].id,
        stranger,
    )
    named = await breaches(small_stand)
    assert named["every fact is there"] == [f"lead {ADA}: fact {stranger} is there and was never learnt"]


async def test_a_changed_fact_shows_in_the_line_that_it_carries(small_stand: Stand, acts: list[Deed]) -> None:
    await small_stand.execute(
        "UPDATE fact SET fields = $2 WHERE id = $1",
        acts[1].id,
        msgspec.msgpack.encode({"kind": "home", "path": "/x"}),
    )
    named = await breaches(small_stand)
    assert named["states refold from the facts"] == [
        f"lead {ADA}: {what} is not what its facts say"
        for what in (
            f"the line of price_page_visited in five_step (event {acts[1].id})",
            "the tier in five_step",
            f"the line of key_page_visited in mql (event {acts[1].id})",
            "what the gate of mql remembers",
        )
    ]


async def test_a_changed_line_is_named_with_its_rule_and_event(small_stand: Stand, acts: list[Deed]) -> None:
    def make_later(kept: ScoredLead) -> ScoredLead:
        assert kept.score is not None
        models = dict(kept.score.models)
        held = models["five_step"]
        rules = [rule.name for rule in small_stand.models.by_name["five_step"].rules]
        slots = list(held.slots)
        place = rules.index("demo_requested")
        (mark,) = slots[place].marks
        later = msgspec.structs.replace(mark, granted=mark.granted + 1)
        slots[place] = msgspec.structs.replace(slots[place], marks=(later,))
        models["five_step"] = msgspec.structs.replace(held, slots=tuple(slots))
        return msgspec.structs.replace(kept, score=msgspec.structs.replace(kept.score, models=models))

    await change_lead(small_stand, "ada", make_later)
    named = await breaches(small_stand)
    assert named["states refold from the facts"] == [
        f"lead {ADA}: the line of demo_requested in five_step (event {acts[0].id}) is not what its facts say"
    ]


@pytest.mark.usefixtures("acts")
async def test_a_changed_tier_is_named(small_stand: Stand) -> None:
    def lower(kept: ScoredLead) -> ScoredLead:
        assert kept.score is not None
        held = kept.score.models["mql"]
        models = {**kept.score.models, "mql": msgspec.structs.replace(held, tier=0)}
        return msgspec.structs.replace(kept, score=msgspec.structs.replace(kept.score, models=models))

    await change_lead(small_stand, "ada", lower)
    named = await breaches(small_stand)
    assert named["states refold from the facts"] == [f"lead {ADA}: the tier in mql is not what its facts say"]
    assert named["clocks are set"] == [f"lead {ADA}: mql was told to be B and is D"]


@pytest.fixture
async def active(small_stand: Stand, deeds: Deeds, acts: list[Deed]) -> Stand:
    """Ada is active: the form brought the points that were missing."""
    assert acts
    await small_stand.learn(deeds.did("ada", FormSubmitted, day(2), form="f", start_within_months=1))
    assert await breaches(small_stand) == {}
    assert len(await small_stand.activations_of("ada")) == 1
    return small_stand


async def test_an_activation_that_was_deleted_is_named(active: Stand) -> None:
    await active.execute("DELETE FROM activation")
    assert await breaches(active) == {
        "activations are told once": [
            f"lead {ADA}: its activation in mql, cycle 1, was told and is not there"
        ]
    }


async def test_an_activation_that_was_slipped_in_is_named(active: Stand) -> None:
    await active.execute(
        "INSERT INTO activation (lead, model, model_version, cycle, cause, told_at, at, points, details)"
        " SELECT lead, model, model_version, 2, cause, told_at, at, points, details FROM activation"
    )
    named = (await breaches(active))["activations are told once"]
    assert f"lead {ADA}: its activation in mql, cycle 2, is there and was never told" in named


async def test_an_activation_that_was_never_told_is_named(active: Stand) -> None:
    def forget(kept: ScoredLead) -> ScoredLead:
        return msgspec.structs.replace(kept, told=msgspec.structs.replace(kept.told, activations={}))

    await change_lead(active, "ada", forget)
    await active.execute("DELETE FROM activation")
    assert await breaches(active) == {
        "activations are told once": [f"lead {ADA}: was activated in mql, and it was not told"]
    }


async def test_a_changed_gate_is_named(active: Stand) -> None:
    def close(kept: ScoredLead) -> ScoredLead:
        assert kept.score is not None
        held = kept.score.models["mql"]
        models = {**kept.score.models, "mql": msgspec.structs.replace(held, gate=None)}
        return msgspec.structs.replace(kept, score=msgspec.structs.replace(kept.score, models=models))

    await change_lead(active, "ada", close)
    assert (await breaches(active))["states refold from the facts"] == [
        f"lead {ADA}: what the gate of mql remembers is not what its facts say"
    ]


@pytest.mark.usefixtures("acts")
async def test_a_tier_that_is_awaited_too_late_is_named(small_stand: Stand) -> None:
    def put_off(kept: ScoredLead) -> ScoredLead:
        look = kept.outlooks["five_step"]
        assert look.changes is not None
        later = msgspec.structs.replace(look, changes=look.changes + DAY)
        return msgspec.structs.replace(kept, outlooks={**kept.outlooks, "five_step": later})

    await change_lead(small_stand, "ada", put_off)
    (named,) = (await breaches(small_stand))["clocks are set"]
    assert named.startswith(f"lead {ADA}: five_step is kept as ")


@pytest.mark.usefixtures("acts")
async def test_a_clock_that_was_lost_is_named(small_stand: Stand) -> None:
    due = await small_stand.value("SELECT due FROM timer WHERE key = $1", ADA)
    assert isinstance(due, int)
    await small_stand.execute("DELETE FROM timer WHERE key = $1", ADA)
    named = await breaches(small_stand)
    assert len(named["clocks are set"]) == 1
    assert named["clocks are set"][0].startswith(f"lead {ADA}: its clock is not set for 2026-")


@pytest.mark.usefixtures("acts")
async def test_a_lead_that_was_deleted_or_cannot_be_read_is_named(small_stand: Stand) -> None:
    await small_stand.execute("UPDATE lead SET payload = $2 WHERE key = $1", ADA, b"\xc1 spoilt")
    assert (await breaches(small_stand))["states refold from the facts"] == [
        f"lead {ADA}: what is stored of it cannot be read"
    ]
    await small_stand.execute("DELETE FROM lead WHERE key = $1", ADA)
    assert (await breaches(small_stand))["states refold from the facts"] == [
        f"lead {ADA}: has facts, and nothing is stored of it"
    ]


async def test_a_record_that_was_skipped_is_named_with_its_coordinates(
    small_stand: Stand, acts: list[Deed]
) -> None:
    await small_stand.execute("DELETE FROM fact WHERE id = $1", acts[2].id)
    records = [*await small_stand.records(LEADS.name), *await small_stand.records(BEHAVIOUR.name)]
    (place,) = [record for record in records if acts[2].id.encode() in (record.value or b"")]
    checks = ScoringChecks(small_stand.database, FixedRulings(small_stand.models))
    assert await checks.find_missing(records) == [
        f"lead {ADA}: event {acts[2].id} of {place.topic}/{place.partition} offset {place.offset} is no fact"
    ]


async def test_a_lost_record_batch_is_named_by_its_sequences_and_stops_what_comes_after(
    small_stand: Stand, deeds: Deeds
) -> None:
    stand = small_stand
    await stand.start_worker()
    await stand.learn(deeds.viewed("ada", START), deeds.viewed("visitor", START))
    await stand.learn(deeds.moved("visitor", "ada", day(1), version=1))
    await stand.stop_worker()

    def die_before_publishing(place: str) -> None:
        if place == "before_publish":
            raise Killed

    await stand.start_worker("doomed", tripwire=die_before_publishing)
    await stand.feed(deeds.viewed("visitor", day(2)))
    _, task = stand.workers.pop("doomed")
    async with asyncio.timeout(20):
        await asyncio.wait([task])
    assert isinstance(task.exception(), Killed)
    topic, home = INTERNAL["scoring"].name, partition_of(ADA, PARTITIONS)
    assert await stand.execute("DELETE FROM outbox WHERE topic = $1", topic) == 1

    await stand.start_worker("successor")
    await stand.settle()
    finding = compare_sequences(
        producer="scoring",
        noted=await load_sequences(stand.database),
        consumer="scoring",
        marks=await load_all_marks(stand.database, group="scoring"),
        topics=stand.stage.topics,
    )
    assert finding.breaches == [f"{topic}/{home}: sequences 2 to 2 of scoring have not reached scoring"]

    await stand.feed(deeds.viewed("visitor", day(3)))
    async with asyncio.timeout(20):
        while (await check_dead_letters(stand.database, service="scoring")).holds:
            await asyncio.sleep(0.05)
    halted = await check_dead_letters(stand.database, service="scoring")
    assert halted.breaches == [f"{topic}/{home} halted at 1: processor.lost_record_batch"]
    assert await stand.value("SELECT detail FROM halt") == (
        "sequences 2 to 2 of scoring are missing before offset 1"
    )
