"""The oracle is believed by everybody, so it is tried on small journals and logs by hand."""

from __future__ import annotations

from typing import NamedTuple

from shared.contracts.envelope import encode_event
from shared.log.port import Headers, TopicPartition
from tests.engine.tally import COUNTED, LATEST, TOTALS, Latest, TallyState
from tests.failure.oracle.answers import compare_answers, compare_order
from tests.failure.oracle.comparison import Differences, compare_log
from tests.failure.oracle.journal import Entry, order
from tests.failure.oracle.replay import Expected, Inputs, Replay, Said
from tests.failure.surroundings.callers import Asked

IN = TopicPartition(COUNTED.name, 0)
OUT = TopicPartition(TOTALS.name, 0)
OTHER = TopicPartition(TOTALS.name, 1)


class LogRecord(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def _entry(
    number: int,
    *,
    moves: dict[TopicPartition, tuple[int, int]] | None = None,
    drawn: dict[TopicPartition, tuple[int, int]] | None = None,
) -> Entry:
    return Entry(number, "worker", "", moves or {}, [], drawn or {})


def _record(tp: TopicPartition, offset: int, *, sequence: int, value: bytes = b"v") -> LogRecord:
    return LogRecord(*tp, offset, 5, b"k", value, [("sequence", f"tally:{sequence}".encode())])


class TestTheOrderOfTheJournal:
    def test_it_is_taken_from_the_sequences_and_not_from_transaction_ids(self) -> None:
        early, late = _entry(9, drawn={OUT: (1, 2)}), _entry(3, drawn={OUT: (3, 1)})

        assert order([late, early], starts={}).entries == [early, late]

    def test_transactions_that_drew_nothing_are_ordered_by_their_input(self) -> None:
        early, late = _entry(9, moves={IN: (5, 8)}), _entry(3, moves={IN: (8, 9)})

        ordered = order([late, early], starts={IN: 5})

        assert (ordered.entries, ordered.faults) == ([early, late], [])

    def test_partitions_that_contradict_each_other_make_a_cycle(self) -> None:
        one = _entry(1, drawn={OUT: (1, 1), OTHER: (2, 1)})
        two = _entry(2, drawn={OUT: (2, 1), OTHER: (1, 1)})

        assert [fault.partition(":")[0] for fault in order([one, two], starts={}).faults] == ["cycle"]

    def test_an_input_range_left_out_is_lost_and_one_read_again_is_double(self) -> None:
        entries = [_entry(1, moves={IN: (2, 4)}), _entry(2, moves={IN: (3, 6)})]

        kinds = [fault.partition(":")[0] for fault in order(entries, starts={IN: 0}).faults]

        assert kinds == ["lost", "double"]


class TestTheComparisonOfTheLog:
    def _kinds(self, said: list[Said], records: list[LogRecord]) -> dict[str, int]:
        differences = Differences()
        compare_log(Expected(said={OUT: list(said)}), {OUT: records}, differences)
        return dict(differences.kinds)

    def test_repeats_of_the_same_bytes_are_dropped(self) -> None:
        records = [_record(OUT, 0, sequence=1), _record(OUT, 1, sequence=2), _record(OUT, 2, sequence=1)]

        assert self._kinds([Said(b"k", b"v", 5)] * 2, records) == {}

    def test_a_missing_sequence_is_lost(self) -> None:
        assert self._kinds([Said(b"k", b"v", 5)] * 2, [_record(OUT, 0, sequence=1)]) == {"lost": 1}

    def test_one_sequence_with_two_contents_is_double(self) -> None:
        records = [_record(OUT, 0, sequence=1), _record(OUT, 1, sequence=1, value=b"w")]

        assert self._kinds([Said(b"k", b"v", 5)], records) == {"double": 1}

    def test_a_first_appearance_after_a_later_sequence_is_reordered(self) -> None:
        records = [_record(OUT, 0, sequence=2), _record(OUT, 1, sequence=1)]

        assert self._kinds([Said(b"k", b"v", 5)] * 2, records) == {"reordered": 1}

    def test_other_bytes_than_expected_are_different_and_uncommitted_ones_unexplained(self) -> None:
        records = [_record(OUT, 0, sequence=1, value=b"w"), _record(OUT, 1, sequence=2)]

        assert self._kinds([Said(b"k", b"v", 5)], records) == {"different": 1, "unexplained": 1}

    def test_a_compacted_topic_that_ends_with_an_old_record_is_stale_though_it_is_a_repeat(self) -> None:
        tp = TopicPartition(LATEST.name, 0)
        old, new = (_latest(count) for count in (1, 2))
        records = [
            _record(tp, offset, sequence=sequence, value=value)
            for offset, (sequence, value) in enumerate([(1, old), (2, new), (1, old)])
        ]
        expected = Expected(
            states={"k": TallyState(count=2)}, said={tp: [Said(b"k", old, 5), Said(b"k", new, 5)]}
        )
        differences = Differences()

        compare_log(expected, {tp: records}, differences)

        assert dict(differences.kinds) == {"stale": 1}


class TestTheComparisonOfAnswers:
    def _kinds(self, replies: dict[str, int], *asked: Asked) -> dict[str, int]:
        differences = Differences()
        compare_answers(replies, asked, differences)
        compare_order(asked, differences)
        return dict(differences.kinds)

    def test_every_answer_to_one_command_is_that_of_its_one_transaction(self) -> None:
        refused = Asked("b", "k", 1, 2, [None])

        assert self._kinds({"a": 7}, Asked("a", "k", 1, 2, [7, 7]), refused) == {}

    def test_an_answer_that_no_transaction_gave_is_lost(self) -> None:
        assert self._kinds({}, Asked("a", "k", 1, 2, [7])) == {"lost": 1}

    def test_another_answer_than_that_of_the_transaction_is_a_difference(self) -> None:
        assert self._kinds({"a": 7}, Asked("a", "k", 1, 2, [7, 8])) == {"command": 1}
        assert self._kinds({"a": 7}, Asked("a", "k", 1, 2, [None])) == {"command": 1}

    def test_a_command_that_nobody_asked_for_is_unexplained(self) -> None:
        assert self._kinds({"a": 7}) == {"unexplained": 1}

    def test_a_command_asked_after_the_answer_to_another_and_counted_before_it_is_reordered(self) -> None:
        first, second = Asked("a", "k", 1, 2, [7]), Asked("b", "k", 3, 4, [6])

        assert self._kinds({"a": 7, "b": 6}, first, second) == {"reordered": 1}

    def test_commands_under_way_at_the_same_time_may_count_in_any_order(self) -> None:
        first, second = Asked("a", "k", 1, 3, [7]), Asked("b", "k", 2, 4, [6])

        assert self._kinds({"a": 7, "b": 6}, first, second) == {}


def test_a_timer_that_rings_though_nobody_set_it_is_a_fault() -> None:
    entry = Entry(1, "worker", "", {}, [("k", "tenth", 7)], {})

    expected = Replay(Inputs("tally", {}, {}, {})).run([entry])

    assert [fault.partition(":")[0] for fault in expected.faults] == ["timer"]


def test_a_command_that_nobody_gave_is_unexplained() -> None:
    expected = Replay(Inputs("tally", {}, {}, {})).run([Entry(1, "api", "c:k:1", {}, [], {})])

    assert [fault.partition(":")[0] for fault in expected.faults] == ["unexplained"]


def _latest(count: int) -> bytes:
    return encode_event(
        Latest(key="k", count=count),
        id=str(count),
        source="/leadmill/tally",
        subject="k",
        occurred=1,
        received=1,
        partition_key="k",
        causation_id=None,
        correlation_id="c",
    )
