"""The topic registry answers who owns, writes, reads and lays out each topic."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import topics
from shared.contracts.topics import SERVICES, Topic, all_topics, partition_of, topic

EVERY_TOPIC = pytest.mark.parametrize("each", all_topics(), ids=lambda each: each.name)


class TestEveryTopic:
    @EVERY_TOPIC
    def test_has_an_owner_producers_consumers_a_key_and_a_summary(self, each: Topic) -> None:
        assert each.owner in SERVICES
        assert each.producers
        assert each.consumers
        assert each.producers | each.consumers <= set(SERVICES)
        assert each.key
        assert each.summary.endswith(".")

    @EVERY_TOPIC
    def test_is_written_by_its_owner(self, each: Topic) -> None:
        assert each.owner in each.producers

    @EVERY_TOPIC
    def test_bears_the_platforms_prefix(self, each: Topic) -> None:
        assert re.fullmatch(r"leadmill\.[a-z]+([.-][a-z]+)*", each.name)

    @EVERY_TOPIC
    def test_is_found_by_its_name(self, each: Topic) -> None:
        assert topic(each.name) is each

    @EVERY_TOPIC
    def test_keeps_personal_data_for_stated_days_unless_it_can_be_erased(self, each: Topic) -> None:
        if each.personal_data:
            assert each.compacted or each.retention is not None

    @EVERY_TOPIC
    def test_takes_the_deployments_count_where_it_is_co_partitioned(self, each: Topic) -> None:
        if each.co_partitioned:
            assert each.partition_count(48) == 48


class TestTheRegistry:
    def test_names_the_topics_that_others_script_against(self) -> None:
        assert {each.short_name for each in all_topics()} == {
            "raw",
            "contacts",
            "leads",
            "behaviour",
            "scores",
            "tier-changes",
            "assignments",
            "nurture",
            "outcomes",
            "erasures",
            *(f"internal.{service}" for service in SERVICES),
            *(f"dlq.{service}" for service in SERVICES),
        }

    def test_names_nobody_but_contacts_as_a_lasting_home_of_personal_data(self) -> None:
        lasting = [each for each in all_topics() if each.personal_data and each.retention is None]
        assert lasting == [topics.CONTACTS]

    def test_keeps_for_good_what_rebuild_and_backtest_live_on(self) -> None:
        kept = {each.short_name for each in all_topics() if each.retention is None and not each.compacted}
        assert kept == {
            *("leads", "behaviour", "tier-changes", "assignments", "nurture", "outcomes"),
            "erasures",
        }

    def test_lets_the_owner_of_a_compacted_topic_read_it_back(self) -> None:
        assert all(each.owner in each.consumers for each in all_topics() if each.compacted)

    def test_says_what_each_service_reads(self) -> None:
        read = {
            service: {
                each.short_name
                for each in all_topics()
                if service in each.consumers and each.owner != service
            }
            for service in SERVICES
        }
        assert read["ingest"] == {"assignments"}
        assert read["scoring"] == {"leads", "behaviour", "outcomes", "assignments"}
        assert read["routing"] == {"leads", "contacts", "scores", "tier-changes", "outcomes"}
        assert read["nurture"] == {
            "leads",
            "contacts",
            "behaviour",
            "tier-changes",
            "assignments",
            "outcomes",
        }
        assert read["analytics"] == {
            *("leads", "contacts", "behaviour", "scores", "tier-changes"),
            *("assignments", "nurture", "outcomes"),
        }

    def test_tells_retention_in_milliseconds(self) -> None:
        assert topics.RAW.retention == timedelta(days=7)
        assert topics.RAW.retention_ms == 604_800_000
        assert topics.LEADS.retention_ms is None

    def test_refuses_a_name_that_is_not_declared(self) -> None:
        with pytest.raises(topics.UnknownTopic) as refused:
            topic("leadmill.rumours")
        assert refused.value.reason == "contract.unknown_topic"


class TestPartitionOf:
    def test_is_crc_32_modulo_the_count_as_librdkafkas_consistent_partitioner(self) -> None:
        assert partition_of(b"123456789", 1 << 32) == 0xCBF43926
        assert partition_of("123456789", 12) == 0xCBF43926 % 12

    @given(st.text(st.characters(codec="utf-8")), st.integers(min_value=1, max_value=1000))
    def test_reads_text_as_its_utf_8_bytes_and_stays_in_range(self, key: str, count: int) -> None:
        assert partition_of(key, count) == partition_of(key.encode(), count)
        assert 0 <= partition_of(key, count) < count
