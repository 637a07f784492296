"""What analytics counts beside what every service counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from services.analytics.domain.credits import UNATTRIBUTED
from services.analytics.domain.desk import Settlement
from shared.telemetry.instruments import declare_counter

FACTS: Final = declare_counter("leads_analytics_facts_total", "Events that became facts.")
CONVERSIONS: Final = declare_counter(
    "leads_analytics_conversions_total", "Conversions that were shared between touches, again or anew."
)
UNATTRIBUTED_CONVERSIONS: Final = declare_counter(
    "leads_analytics_unattributed_conversions_total",
    "Conversions that were shared and had no touch point, so that nothing can be credited.",
)


class AnalyticsMetrics:
    """Analytics' instruments on one registry; methods never block and never raise."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._facts = FACTS.on(registry)
        self._conversions = CONVERSIONS.on(registry)
        self._unattributed = UNATTRIBUTED_CONVERSIONS.on(registry)

    def settled(self, result: Settlement) -> None:
        """Count what a batch made of its facts."""
        shared = [sharing for sharing in result.sharings.values() if sharing is not None]
        self._facts.inc(len(result.learned))
        self._conversions.inc(len(shared))
        self._unattributed.inc(
            sum(any(credit.touch == UNATTRIBUTED for credit in sharing.credits) for sharing in shared)
        )
