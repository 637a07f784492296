"""The rule by which partitions are shared out."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.log.assignment import assign_partitions
from shared.log.port import TopicPartition

topics = st.sampled_from(["a", "b", "c", "d"])
groups = st.dictionaries(
    st.text("xyz", min_size=1, max_size=3), st.sets(topics, min_size=1), min_size=1, max_size=6
)
counts_of_topics = st.dictionaries(topics, st.integers(1, 16))


def numbers(share: frozenset[TopicPartition], topic: str) -> list[int]:
    return sorted(partition.partition for partition in share if partition.topic == topic)


class TestPartitions:
    def test_are_given_in_ranges_by_number_the_first_members_one_more(self) -> None:
        shares = assign_partitions(subscriptions={"m3": ["a"], "m1": ["a"], "m2": ["a"]}, counts={"a": 8})
        assert [numbers(shares[member], "a") for member in ("m1", "m2", "m3")] == [
            [0, 1, 2],
            [3, 4, 5],
            [6, 7],
        ]

    def test_of_a_topic_that_some_do_not_read_are_given_to_nobody(self) -> None:
        shares = assign_partitions(
            subscriptions={"m1": ["a", "b"], "m2": ["a", "b", "c"]}, counts={"a": 4, "b": 4, "c": 4}
        )
        assert {member: sorted(share) for member, share in shares.items()} == {
            "m1": [("a", 0), ("a", 1), ("b", 0), ("b", 1)],
            "m2": [("a", 2), ("a", 3), ("b", 2), ("b", 3)],
        }

    def test_of_a_topic_that_does_not_exist_are_left_out(self) -> None:
        shares = assign_partitions(subscriptions={"m": ["a", "missing"]}, counts={"a": 2})
        assert sorted(shares["m"]) == [("a", 0), ("a", 1)]

    def test_are_none_for_the_member_too_many(self) -> None:
        shares = assign_partitions(subscriptions={"m1": ["a"], "m2": ["a"]}, counts={"a": 1})
        assert shares == {"m1": {TopicPartition("a", 0)}, "m2": frozenset()}

    def test_are_none_without_members(self) -> None:
        assert assign_partitions(subscriptions={}, counts={"a": 1}) == {}

    @given(subscriptions=groups, counts=counts_of_topics)
    def test_of_topics_that_all_read_belong_to_exactly_one_member_each(
        self, subscriptions: dict[str, set[str]], counts: dict[str, int]
    ) -> None:
        shares = assign_partitions(subscriptions=subscriptions, counts=counts)
        common = set.intersection(*subscriptions.values())
        given_out = Counter(partition for share in shares.values() for partition in share)
        assert given_out == Counter(
            TopicPartition(topic, number) for topic in common for number in range(counts.get(topic, 0))
        )

    @given(subscriptions=groups, counts=counts_of_topics)
    def test_of_one_number_belong_to_one_member_in_all_topics(
        self, subscriptions: dict[str, set[str]], counts: dict[str, int]
    ) -> None:
        shares = assign_partitions(subscriptions=subscriptions, counts=counts)
        owners: dict[int, set[str]] = {}
        for member, share in shares.items():
            for partition in share:
                owners.setdefault(partition.partition, set()).add(member)
        assert all(len(members) == 1 for members in owners.values())

    @given(subscriptions=groups, count=st.integers(1, 40))
    def test_are_spread_evenly(self, subscriptions: dict[str, set[str]], count: int) -> None:
        everybody = dict.fromkeys(subscriptions, ("a",))
        sizes = [
            len(share) for share in assign_partitions(subscriptions=everybody, counts={"a": count}).values()
        ]
        assert max(sizes) - min(sizes) <= 1
