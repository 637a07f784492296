"""What a batch decides rests on the states it loaded, so their versions are compared at commit."""

from __future__ import annotations

from shared.kernel.changes import Changes, Fact
from shared.processor.fold import Announcer, Fold
from shared.processor.stage import Loaded
from tests.engine.tally import PARTITIONS, SayLatest, TallyStage, TallyState


def _fold(timers: dict[str, int] | None = None) -> Fold[TallyState]:
    stage = TallyStage(with_timers=True, with_latest=True)
    announcer = Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=10_000)
    return Fold(stage, announcer, {"a": Loaded(7, TallyState(3, 30, "x"))}, {"a": timers or {}})


def test_a_fact_that_only_says_something_is_guarded_by_the_version_of_the_state_it_speaks_of() -> None:
    fold = _fold()

    fold.learn(Fact("heal", "a", 1_000, SayLatest()))

    assert [(write.key, write.version, write.state.count) for write in fold.finish().writes] == [("a", 8, 3)]


def test_a_timer_that_rings_is_guarded_even_if_its_handler_fails() -> None:
    class Failing(TallyStage):
        def handle(self, state: TallyState, fact: Fact) -> Changes[TallyState]:
            raise ZeroDivisionError

    announcer = Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=10_000)
    loaded = {"a": Loaded(7, TallyState(3, 30, "x"))}
    fold = Fold(Failing(with_timers=True), announcer, loaded, {"a": {"tenth": 500}})

    fold.ring_due("a", 501)

    folded = fold.finish()
    assert [(write.key, write.version) for write in folded.writes] == [("a", 8)]
    assert len(folded.dead) == 1
