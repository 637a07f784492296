"""The catalogue and its bound instruments."""

from __future__ import annotations

import re

import pytest
from prometheus_client import CollectorRegistry

from shared.telemetry.catalogue import CATALOGUE
from shared.telemetry.instruments import (
    BulkCounter,
    declare_bulk_counter,
    declare_bulk_histogram,
    declare_counter,
    declare_histogram,
    expose,
)
from shared.telemetry.metrics import HttpMetrics, ProcessorMetrics, publish_build_info

PROMISED = {
    "messaging_process_duration_seconds",
    "messaging_client_sent_messages_total",
    "messaging_client_consumed_messages_total",
    "messaging_client_operation_duration_seconds",
    "leads_event_age_seconds",
    "leads_consumer_watermark_timestamp_seconds",
    "leads_consumer_loop_beat_timestamp_seconds",
    "leads_dead_letters_total",
    "leads_duplicates_total",
    "leads_out_of_order_total",
    "leads_outbox_oldest_unpublished_seconds",
    "leads_outbox_rows",
    "leads_rebalances_total",
    "leads_partitions_assigned",
    "leads_refusals_total",
    "http_server_request_duration_seconds",
    "db_client_connections_usage",
    "db_client_connections_wait_time_seconds",
    "leads_build_info",
    "leads_batch_records",
    "leads_batch_stage_seconds",
    "leads_fence_conflicts_total",
    "leads_version_conflicts_total",
    "leads_consumer_halted",
    "leads_producer_rebuilds_total",
    "leads_watchdog_restarts_total",
    "leads_timers_fired_total",
    "leads_lag_records",
}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


class TestTheCatalogue:
    def test_holds_exactly_the_names_that_operators_were_promised(self) -> None:
        assert {instrument.name for instrument in CATALOGUE} == PROMISED
        assert len(CATALOGUE) == len(PROMISED)

    def test_says_one_sentence_about_each(self) -> None:
        for instrument in CATALOGUE:
            assert re.fullmatch(r"[A-Z0-9].+\.", instrument.sentence), instrument.name

    def test_has_no_label_that_could_grow_without_bound_or_name_a_person(self) -> None:
        allowed = {
            "service",
            "group",
            "consumer_group",
            "destination",
            "topic",
            "partition",
            "code",
            "error_type",
        }
        allowed |= {
            "operation",
            "stage",
            "method",
            "route",
            "status_code",
            "pool",
            "version",
            "revision",
            "python",
        }
        for instrument in CATALOGUE:
            assert set(instrument.labels) <= allowed, instrument.name

    def test_can_be_made_whole_on_one_registry_and_exposed_under_those_very_names(
        self, registry: CollectorRegistry
    ) -> None:
        for instrument in CATALOGUE:
            instrument.on(registry)
        families = set(re.findall(r"^# TYPE (\S+)", expose(registry).decode(), re.MULTILINE))
        assert families == PROMISED


class TestAnInstrument:
    def test_is_made_once_per_registry(self, registry: CollectorRegistry) -> None:
        declaration = declare_counter("leads_things_total", "Things.", "service")
        assert declaration.on(registry) is declaration.on(registry)
        assert declaration.on(registry) is not declaration.on(CollectorRegistry())

    def test_that_takes_batches_counts_like_any_histogram(self, registry: CollectorRegistry) -> None:
        ages = declare_bulk_histogram("leads_ages_seconds", "Ages.", "stage", buckets=(1.0, 10.0)).on(
            registry
        )
        ages.labels("scored").observe_many([0.5, 1.0, 1.5, 10.0, 11.0])
        ages.labels("scored").observe_many([])
        ages.labels("scored").observe_many(iter([0.25]))

        def count(bound: str) -> float | None:
            return registry.get_sample_value("leads_ages_seconds_bucket", {"stage": "scored", "le": bound})

        assert [count("1.0"), count("10.0"), count("+Inf")] == [3, 5, 6]
        assert registry.get_sample_value("leads_ages_seconds_count", {"stage": "scored"}) == 6
        assert registry.get_sample_value("leads_ages_seconds_sum", {"stage": "scored"}) == 24.25

    def test_without_locks_says_what_one_with_locks_says(self) -> None:
        plain, quick = CollectorRegistry(), CollectorRegistry()
        for registry, counter, histogram in (
            (plain, declare_counter, declare_histogram),
            (quick, declare_bulk_counter, declare_bulk_histogram),
        ):
            things = counter("leads_things_total", "Things.", "channel").on(registry)
            if isinstance(things, BulkCounter):
                things.add(2, "sdk")
                things.add(1, "sdk")
            else:
                things.labels("sdk").inc(2)
                things.labels("sdk").inc(1)
            ages = histogram("leads_ages_seconds", "Ages.", "stage", buckets=(1.0, 10.0)).on(registry)
            for value in (0.5, 1.0, 1.5, 10.0, 11.0):
                ages.labels("scored").observe(value)
        assert sorted(expose(plain).splitlines()) == sorted(expose(quick).splitlines())

    def test_refuses_the_wrong_number_of_labels(self, registry: CollectorRegistry) -> None:
        ages = declare_bulk_histogram("leads_ages_seconds", "Ages.", "stage").on(registry)
        with pytest.raises(ValueError, match="has the labels"):
            ages.labels("scored", "twice")


class TestProcessorMetrics:
    def test_of_several_services_share_a_registry_without_mixing(self, registry: CollectorRegistry) -> None:
        ingest = ProcessorMetrics(registry, service="ingest", group="ingest.resolver")
        scoring = ProcessorMetrics(registry, service="scoring", group="scoring.facts")
        ingest.consumed("leadmill.raw", 10)
        scoring.consumed("leadmill.raw", 3)
        scoring.consumed("leadmill.raw")

        def consumed(service: str) -> float | None:
            labels = {"service": service, "destination": "leadmill.raw", "error_type": ""}
            return registry.get_sample_value("messaging_client_consumed_messages_total", labels)

        assert (consumed("ingest"), consumed("scoring")) == (10, 4)

    def test_put_every_number_where_the_catalogue_says(self, registry: CollectorRegistry) -> None:
        metrics = ProcessorMetrics(registry, service="s", group="g")
        metrics.sent("t", 2)
        metrics.sent("t", 1, error_type="log.unavailable")
        metrics.processed("t", 0.02)
        metrics.operation("send", 0.01)
        metrics.duplicates("t", 4)
        metrics.out_of_order("t", 5)
        metrics.dead_letter("t", "contract.malformed")
        metrics.refused("command.stale")
        metrics.stage("fold", 0.003)
        metrics.batch(2_000)
        metrics.event_ages("scored", [0.1, 0.2])
        metrics.timers_fired(7)
        metrics.fence_conflict()
        metrics.version_conflict()
        metrics.beat()
        metrics.watermark("t", 3, 1_700_000_000.5)
        metrics.lag("t", 3, 12)
        metrics.rebalanced(6)
        metrics.halted(is_halted=True)
        metrics.watchdog_restart()
        metrics.outbox(rows=9, oldest_seconds=1.5)
        metrics.producer_rebuilt()
        text = expose(registry).decode()
        for line in (
            'messaging_client_sent_messages_total{destination="t",error_type="",service="s"} 2.0',
            'sent_messages_total{destination="t",error_type="log.unavailable",service="s"} 1.0',
            'duration_seconds_sum{consumer_group="g",destination="t",error_type="",service="s"} 0.02',
            'messaging_client_operation_duration_seconds_count{operation="send",service="s"} 1.0',
            'leads_duplicates_total{service="s",topic="t"} 4.0',
            'leads_out_of_order_total{service="s",topic="t"} 5.0',
            'leads_dead_letters_total{code="contract.malformed",service="s",topic="t"} 1.0',
            'leads_refusals_total{code="command.stale",service="s"} 1.0',
            'leads_batch_stage_seconds_count{group="g",service="s",stage="fold"} 1.0',
            'leads_batch_records_sum{group="g",service="s"} 2000.0',
            'leads_event_age_seconds_count{service="s",stage="scored"} 2.0',
            'leads_timers_fired_total{group="g",service="s"} 7.0',
            'leads_fence_conflicts_total{group="g",service="s"} 1.0',
            'leads_version_conflicts_total{group="g",service="s"} 1.0',
            'watermark_timestamp_seconds{partition="3",service="s",topic="t"} 1.7000000005e+09',
            'leads_lag_records{group="g",partition="3",service="s",topic="t"} 12.0',
            'leads_rebalances_total{group="g",service="s"} 1.0',
            'leads_partitions_assigned{group="g",service="s"} 6.0',
            'leads_consumer_halted{group="g",service="s"} 1.0',
            'leads_watchdog_restarts_total{group="g",service="s"} 1.0',
            'leads_outbox_rows{service="s"} 9.0',
            'leads_outbox_oldest_unpublished_seconds{service="s"} 1.5',
            'leads_producer_rebuilds_total{service="s"} 1.0',
        ):
            assert line in text
        assert "_created" not in text
        beat = registry.get_sample_value(
            "leads_consumer_loop_beat_timestamp_seconds", {"service": "s", "group": "g"}
        )
        assert beat is not None
        assert beat > 1_700_000_000

    def test_take_a_partition_that_went_to_another_member_off_the_gauges(
        self, registry: CollectorRegistry
    ) -> None:
        metrics = ProcessorMetrics(registry, service="s", group="g")
        metrics.lag("t", 3, 12)
        metrics.watermark("t", 3, 1.0)
        metrics.lag("t", 4, 13)
        metrics.forget_partition("t", 3)
        metrics.forget_partition("t", 3)
        text = expose(registry).decode()
        assert 'partition="3"' not in text
        assert 'partition="4"' in text
        metrics.lag("t", 3, 1)
        assert 'partition="3"' in expose(registry).decode()


class TestHttpMetrics:
    def test_know_a_request_by_the_template_of_its_route(self, registry: CollectorRegistry) -> None:
        metrics = HttpMetrics(registry, service="ingest")
        metrics.request(method="GET", route="/v1/leads/{lead}", status_code=200, seconds=0.004)
        metrics.refused("invalid_json")
        labels = {"service": "ingest", "method": "GET", "route": "/v1/leads/{lead}", "status_code": "200"}
        assert registry.get_sample_value("http_server_request_duration_seconds_count", labels) == 1
        assert (
            registry.get_sample_value("leads_refusals_total", {"service": "ingest", "code": "invalid_json"})
            == 1
        )


def test_the_build_says_what_is_running(registry: CollectorRegistry) -> None:
    publish_build_info(registry, service="ingest", version="0.1.0", revision="abc")
    assert 'leads_build_info{python="3.' in expose(registry).decode()
