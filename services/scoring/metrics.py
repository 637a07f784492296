"""What scoring counts beside what every service counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from shared.telemetry.instruments import declare_counter, declare_gauge

ATTEMPTS: Final = declare_counter(
    "leads_scoring_webhook_attempts_total",
    "Attempts to tell other systems, by what came of them: delivered, or the code of the failure.",
    "result",
)
DEAD: Final = declare_counter(
    "leads_scoring_webhook_dead_total", "Deliveries that were given up after their last attempt."
)
DISABLED: Final = declare_counter(
    "leads_scoring_webhook_disabled_total",
    "Webhooks that were switched off because their receiver is gone or failed for days, by the reason.",
    "reason",
)
SERVED: Final = declare_gauge(
    "leads_scoring_webhooks_served", "Webhooks that this process serves now, each on a task of its own."
)
WAITING: Final = declare_gauge(
    "leads_scoring_webhook_waiting", "Deliveries that wait for an attempt, over all webhooks."
)
OLDEST: Final = declare_gauge(
    "leads_scoring_webhook_oldest_seconds",
    "Age in seconds of the oldest delivery that waits, over all webhooks that are not disabled.",
)
STANDING: Final = declare_gauge(
    "leads_scoring_life_standing_seconds",
    "Seconds since a pass over all leads, or a preview, last went on; 0 while none is under way.",
    "work",
)


class ScoringMetrics:
    """Scoring's instruments on one registry; methods never block and never raise."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = ATTEMPTS.on(registry)
        self._dead = DEAD.on(registry)
        self._disabled = DISABLED.on(registry)
        self._served = SERVED.on(registry)
        self._waiting = WAITING.on(registry)
        self._oldest = OLDEST.on(registry)
        self._standing = STANDING.on(registry)

    def attempted(self, code: str) -> None:
        """Count an attempt; the code is empty for one that was delivered."""
        self._attempts.labels(code or "delivered").inc()

    def died(self) -> None:
        """Count a delivery that was given up."""
        self._dead.inc()

    def disabled(self, reason: str) -> None:
        """Count a webhook that was switched off by its receiver or its failures."""
        self._disabled.labels(reason).inc()

    def stands(self, work: str, seconds: float) -> None:
        """Note for how long a pass or a preview has not gone on."""
        self._standing.labels(work).set(seconds)

    def serves(self, count: int) -> None:
        """Note how many webhooks this process serves."""
        self._served.set(count)

    def waits(self, count: int, *, oldest_seconds: float) -> None:
        """Note how many deliveries wait, and how old the oldest is."""
        self._waiting.set(count)
        self._oldest.set(oldest_seconds)
