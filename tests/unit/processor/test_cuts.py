"""However the same input is cut into batches, the same is said, kept and rung (law 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel.changes import Fact
from shared.kernel.instants import MILLISECOND, SECOND, Instant
from shared.log.port import TopicPartition
from shared.processor.fold import Announcer, Fold
from shared.processor.stage import Loaded
from shared.processor.tables.outbox import OutboxRecord
from tests.engine.tally import LATEST, PARTITIONS, Counted, TallyStage, TallyState
from tests.examples import tried

ANNOUNCER = Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=900_000)
LONG_AFTER = 3_600 * SECOND

arrivals = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 20), st.integers(0, 900)), min_size=1, max_size=60
)


def facts_of(drawn: Sequence[tuple[str, int, int]]) -> list[Fact]:
    """Facts of a few leads; received times go forward, but may step back within a lead."""
    facts = []
    now: Instant = 0
    for number, (key, amount, pause) in enumerate(drawn):
        now += pause * MILLISECOND
        received = now - (50 * MILLISECOND if amount % 5 == 0 else 0)
        facts.append(Fact(f"f{number}", key, received, Counted(key=key, amount=amount)))
    return facts


def run(facts: Sequence[Fact], cuts: Sequence[int]) -> tuple[object, object, object]:
    """Fold the facts batch by batch over stored states, then let every clock ring."""
    stage = TallyStage(with_timers=True, with_latest=True)
    states: dict[str, Loaded[TallyState]] = {}
    clocks: dict[str, dict[str, Instant]] = {}
    said: dict[TopicPartition, list[OutboxRecord]] = {}
    latest: dict[bytes | None, OutboxRecord] = {}

    def commit(fold: Fold[TallyState]) -> None:
        folded = fold.finish()
        for write in folded.writes:
            assert write.version == states.get(write.key, Loaded(0, TallyState())).version + 1
            states[write.key] = Loaded(write.version, write.state)
        for timer, due in folded.timers.items():
            mine = clocks.setdefault(timer.key, {})
            mine.pop(timer.name, None)
            if due is not None:
                mine[timer.name] = due
        for target, records in folded.output.by_partition().items():
            if target.topic == LATEST.name:
                latest.update((record.key, record) for record in records)
            else:
                said.setdefault(target, []).extend(records)

    edges = sorted({0, len(facts), *(cut % len(facts) for cut in cuts)})
    for begin, end in pairwise(edges):
        batch = facts[begin:end]
        fold = Fold(stage, ANNOUNCER, states, _copy(clocks, {fact.key for fact in batch}))
        asyncio.run(fold.run([(fact, None) for fact in batch]))
        commit(fold)
    for key in sorted(clocks):
        fold = Fold(stage, ANNOUNCER, states, _copy(clocks, {key}))
        fold.ring_due(key, LONG_AFTER)
        commit(fold)
    kept = {key: loaded.state for key, loaded in states.items()}
    return kept, said, {key: record.value for key, record in latest.items()}


def _copy(clocks: Mapping[str, Mapping[str, Instant]], keys: set[str]) -> dict[str, dict[str, Instant]]:
    return {key: dict(clocks[key]) for key in keys if key in clocks}


@settings(max_examples=tried(200), deadline=None)
@given(arrivals, st.lists(st.integers(0, 1_000), max_size=12))
def test_any_cut_of_the_input_gives_the_same_states_and_outputs(
    drawn: list[tuple[str, int, int]], cuts: list[int]
) -> None:
    facts = facts_of([(key, amount if amount != 13 else 12, pause) for key, amount, pause in drawn])

    assert run(facts, cuts) == run(facts, [])


def test_a_clock_rings_before_the_first_fact_received_after_it_and_not_before_one_at_its_instant() -> None:
    stage = TallyStage(with_timers=True)
    counted = Counted(key="a", amount=1)
    ten = [Fact(f"f{n}", "a", 0, counted) for n in range(10)]
    at_due = Fact("at", "a", SECOND, counted)
    after = Fact("after", "a", SECOND + 1, counted)

    fold = Fold(stage, ANNOUNCER, {}, {})
    for fact in (*ten, at_due, after):
        fold.learn(fact)
    (write,) = fold.finish().writes

    assert (write.state.count, write.state.total) == (13, 12 + 1_000)
    assert [timer.name for timer, _ in fold.folded.rung] == ["tenth"]
