"""What ingest counts beside what every service counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from shared.telemetry.instruments import declare_bulk_counter, declare_counter, declare_gauge

ACCEPTED: Final = declare_bulk_counter(
    "leads_ingest_accepted_messages_total", "Messages that the edge has kept, by way in.", "channel"
)
SPILLED: Final = declare_counter(
    "leads_ingest_spilled_messages_total", "Messages that went to the disk because the log did not answer."
)
DRAINED: Final = declare_counter(
    "leads_ingest_drained_messages_total", "Messages that came from the disk back into the log."
)
SPILLING: Final = declare_gauge(
    "leads_ingest_spilling", "1 while messages of this process go to the disk instead of the log, else 0."
)
SPILL_BYTES: Final = declare_gauge(
    "leads_ingest_spill_bytes", "Bytes of this process that lie in the spill and wait for the log."
)
QUARANTINED: Final = declare_counter(
    "leads_ingest_quarantined_messages_total",
    "Messages that cannot be used, by the code of the reason.",
    "code",
)
REPEATED: Final = declare_counter(
    "leads_ingest_repeated_messages_total", "Messages that had been seen already, by source and message id."
)

SUPPRESSED: Final = declare_counter(
    "leads_ingest_suppressed_messages_total", "Messages dropped because the person asked to be forgotten."
)
TURNED_AWAY: Final = declare_counter(
    "leads_ingest_turned_away_requests_total",
    "Requests that were refused with their data, by whether they are in the sample in quarantine.",
    "sample",
)
ERRANDS: Final = declare_counter(
    "leads_ingest_hook_errands_total",
    "Leads that a vendor told by their ids, by what became of fetching or erasing them.",
    "provider",
    "result",
)
FOUND: Final = declare_counter(
    "leads_ingest_hook_found_leads_total",
    "Leads that no delivery had told of, found by looking through a vendor's lists.",
    "provider",
)


CLICKS: Final = declare_counter(
    "leads_ingest_link_clicks_total",
    "Clicks on tracking links, by whether they could be kept; people are led on either way.",
    "result",
)


class IngestMetrics:
    """Ingest's instruments on one registry; methods never block and never raise."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = ACCEPTED.on(registry)
        self._spilled = SPILLED.on(registry)
        self._drained = DRAINED.on(registry)
        self._spilling = SPILLING.on(registry)
        self._spill_bytes = SPILL_BYTES.on(registry)
        self._quarantined = QUARANTINED.on(registry)
        self._repeated = REPEATED.on(registry)
        self._suppressed = SUPPRESSED.on(registry)
        self._turned_away = TURNED_AWAY.on(registry)
        self._clicks = CLICKS.on(registry)
        self._errands = ERRANDS.on(registry)
        self._found = FOUND.on(registry)

    def accepted(self, channel: str, count: int) -> None:
        """Count messages that were kept."""
        self._accepted.add(count, channel)

    def spilled(self, count: int) -> None:
        """Count records that went to the spill."""
        self._spilled.inc(count)

    def drained(self, count: int) -> None:
        """Count records that came back out of it."""
        self._drained.inc(count)

    def spill_is(self, *, is_in_use: bool, size: int) -> None:
        """Say whether records go to the spill instead of the log now, and how many bytes it has."""
        self._spilling.set(is_in_use)
        self._spill_bytes.set(size)

    def quarantined(self, code: str, count: int = 1) -> None:
        """Count messages that went to quarantine, by reason."""
        self._quarantined.labels(code).inc(count)

    def repeated(self, count: int) -> None:
        """Count messages that had been seen already."""
        self._repeated.inc(count)

    def suppressed(self) -> None:
        """Count a message about somebody who was erased."""
        self._suppressed.inc()

    def turned_away(self, *, is_kept: bool) -> None:
        """Count a request that was refused with its data, and whether it is in the sample."""
        self._turned_away.labels("kept" if is_kept else "dropped").inc()

    def clicked(self, *, is_kept: bool) -> None:
        """Count a click on a tracking link that was kept, or could not be."""
        self._clicks.labels("kept" if is_kept else "lost").inc()

    def errand(self, provider: str, result: str) -> None:
        """Count an errand by what became of it."""
        self._errands.labels(provider, result).inc()

    def found(self, provider: str, count: int) -> None:
        """Count leads that a vendor listed and nobody knew."""
        self._found.labels(provider).inc(count)
