"""Every metric that the platform itself gives, by name, with one sentence each (operations.md §5).

Names follow OpenTelemetry's conventions where those have one, else ``leads_…`` with Prometheus
suffixes and base units. Dashboards and alerts are tested against this list; a name never changes
its meaning. Services declare their own beside it, in their ``metrics.py``.
"""

from __future__ import annotations

from typing import Final

from shared.telemetry.instruments import (
    DURATION_BUCKETS,
    RECORD_BUCKETS,
    declare_bulk_histogram,
    declare_counter,
    declare_gauge,
    declare_histogram,
)

# --- messages ----------------------------------------------------------------------------------------------
PROCESS_DURATION: Final = declare_histogram(
    "messaging_process_duration_seconds",
    "How long a batch took from the fetch to its commit.",
    *("service", "destination", "consumer_group", "error_type"),
)
SENT_MESSAGES: Final = declare_counter(
    "messaging_client_sent_messages_total",
    "Records that the log was asked to take; error_type is empty where it took them.",
    *("service", "destination", "error_type"),
)
CONSUMED_MESSAGES: Final = declare_counter(
    "messaging_client_consumed_messages_total",
    "Records that were fetched and handed to a processor.",
    *("service", "destination", "error_type"),
)
OPERATION_DURATION: Final = declare_histogram(
    "messaging_client_operation_duration_seconds",
    "How long one call to the log took: send, poll or commit.",
    *("service", "operation"),
)

# --- consumers ---------------------------------------------------------------------------------------------
EVENT_AGE: Final = declare_bulk_histogram(
    "leads_event_age_seconds",
    "Time from when something happened to when this stage had done its part; the promise to users.",
    *("service", "stage"),
)
WATERMARK: Final = declare_gauge(
    "leads_consumer_watermark_timestamp_seconds",
    "Unix time up to which a partition's records have taken effect.",
    *("service", "topic", "partition"),
)
LOOP_BEAT: Final = declare_gauge(
    "leads_consumer_loop_beat_timestamp_seconds",
    "Unix time at which a consumer's loop last turned.",
    *("service", "group"),
)
LAG: Final = declare_gauge(
    "leads_lag_records",
    "Records between a group's position and the end of the partition, as the last fetch saw it.",
    *("service", "group", "topic", "partition"),
)
HALTED: Final = declare_gauge(
    "leads_consumer_halted",
    "1 while a consumer refuses to go on (a flood of bad records, a gap in the sequences), else 0.",
    *("service", "group"),
)
DEAD_LETTERS: Final = declare_counter(
    "leads_dead_letters_total",
    "Records that can never take effect as they are and were put aside, by the code of their error.",
    *("service", "topic", "code"),
)
DUPLICATES: Final = declare_counter(
    "leads_duplicates_total", "Records that had been seen already and were dropped.", "service", "topic"
)
OUT_OF_ORDER: Final = declare_counter(
    "leads_out_of_order_total",
    "Facts that arrived after a younger fact of the same lead and made it be computed again.",
    *("service", "topic"),
)
REBALANCES: Final = declare_counter(
    "leads_rebalances_total", "Assignments of partitions that this member has been given.", "service", "group"
)
PARTITIONS_ASSIGNED: Final = declare_gauge(
    "leads_partitions_assigned", "Partitions that this member owns now.", "service", "group"
)
REFUSALS: Final = declare_counter(
    "leads_refusals_total",
    "Requests and records that were refused, by the code of the reason.",
    "service",
    "code",
)
TIMERS_FIRED: Final = declare_counter(
    "leads_timers_fired_total", "Durable timers that came due and took effect.", "service", "group"
)

# --- the processor's inside --------------------------------------------------------------------------------
BATCH_RECORDS: Final = declare_histogram(
    "leads_batch_records",
    "Records that were handled in one transaction.",
    *("service", "group"),
    buckets=RECORD_BUCKETS,
)
BATCH_STAGE: Final = declare_histogram(
    "leads_batch_stage_seconds",
    "Where a batch's time goes: poll, decode, load, fold, transaction, publish.",
    *("service", "group", "stage"),
)
FENCE_CONFLICTS: Final = declare_counter(
    "leads_fence_conflicts_total",
    "Transactions undone because another worker had claimed the partition.",
    *("service", "group"),
)
VERSION_CONFLICTS: Final = declare_counter(
    "leads_version_conflicts_total",
    "Transactions done again because a command had changed one of their leads first.",
    *("service", "group"),
)
WATCHDOG_RESTARTS: Final = declare_counter(
    "leads_watchdog_restarts_total",
    "Times the watchdog gave up on a consumer that lagged and did not commit.",
    *("service", "group"),
)

# --- the outbox --------------------------------------------------------------------------------------------
OUTBOX_OLDEST: Final = declare_gauge(
    "leads_outbox_oldest_unpublished_seconds", "Age of the oldest row that waits to be published.", "service"
)
OUTBOX_ROWS: Final = declare_gauge("leads_outbox_rows", "Rows that wait to be published.", "service")
PRODUCER_REBUILDS: Final = declare_counter(
    "leads_producer_rebuilds_total", "Producers that failed, were abandoned and made anew.", "service"
)

# --- HTTP, the database, the process -----------------------------------------------------------------------
HTTP_DURATION: Final = declare_bulk_histogram(
    "http_server_request_duration_seconds",
    "How long a request took, by the route's template, never by its path.",
    *("service", "method", "route", "status_code"),
    buckets=DURATION_BUCKETS,
)
CONNECTIONS_USAGE: Final = declare_gauge(
    "db_client_connections_usage", "Database connections in use, by pool.", "service", "pool"
)
CONNECTIONS_WAIT: Final = declare_histogram(
    "db_client_connections_wait_time_seconds",
    "How long a database connection was waited for.",
    "service",
    "pool",
)
BUILD_INFO: Final = declare_gauge(
    "leads_build_info",
    "Always 1; the labels say what is running.",
    "service",
    "version",
    "revision",
    "python",
)

CATALOGUE: Final = (
    *(PROCESS_DURATION, SENT_MESSAGES, CONSUMED_MESSAGES, OPERATION_DURATION),
    *(EVENT_AGE, WATERMARK, LOOP_BEAT, LAG, HALTED, DEAD_LETTERS, DUPLICATES, OUT_OF_ORDER),
    *(REBALANCES, PARTITIONS_ASSIGNED, REFUSALS, TIMERS_FIRED),
    *(BATCH_RECORDS, BATCH_STAGE, FENCE_CONFLICTS, VERSION_CONFLICTS, WATCHDOG_RESTARTS),
    *(OUTBOX_OLDEST, OUTBOX_ROWS, PRODUCER_REBUILDS),
    *(HTTP_DURATION, CONNECTIONS_USAGE, CONNECTIONS_WAIT, BUILD_INFO),
)
"""All of the above; what dashboards, alerts and documentation are checked against."""
