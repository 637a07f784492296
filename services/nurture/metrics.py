"""What nurture counts beside what every service counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from shared.telemetry.instruments import declare_counter, declare_gauge

ATTEMPTED: Final = declare_counter(
    "leads_nurture_attempted_messages_total",
    "Attempts to hand a message to the mail server, by how they ended.",
    "outcome",
)
WAITING: Final = declare_gauge(
    "leads_nurture_waiting_messages", "Messages in the ledger that wait to be sent or are being sent."
)
UNCONFIRMED: Final = declare_gauge(
    "leads_nurture_unconfirmed_messages", "Messages of which nobody knows whether they went out."
)
ENGAGED: Final = declare_counter(
    "leads_nurture_engagements_total",
    "Opens, clicks and unsubscriptions, by what they are and what became of them.",
    "kind",
    "outcome",
)


class NurtureMetrics:
    """Nurture's instruments on one registry; methods never block and never raise."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempted = ATTEMPTED.on(registry)
        self._waiting = WAITING.on(registry)
        self._unconfirmed = UNCONFIRMED.on(registry)
        self._engaged = ENGAGED.on(registry)

    def attempted(self, outcome: str) -> None:
        """Count an attempt to hand a message over: accepted, deferred, refused, unknown or unwritten."""
        self._attempted.labels(outcome).inc()

    def waiting(self, count: int) -> None:
        """Say how many messages wait to be sent."""
        self._waiting.set(count)

    def unconfirmed(self, count: int) -> None:
        """Say of how many messages nobody knows whether they went out."""
        self._unconfirmed.set(count)

    def engaged(self, kind: str, outcome: str, count: int = 1) -> None:
        """Count acts: kept, spilled (to disk, the database is away), refused, told, or machine."""
        self._engaged.labels(kind, outcome).inc(count)
