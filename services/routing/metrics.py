"""What routing measures beside what every service measures. Alerts belong on the oldest lead in the pool."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from shared.telemetry.instruments import declare_gauge

POOLED: Final = declare_gauge(
    "leads_routing_pooled_leads", "Leads that lie in a public pool and have no owner."
)
OLDEST_POOLED: Final = declare_gauge(
    "leads_routing_oldest_pooled_seconds", "How long the first of the leads in the pool has lain there."
)
OVERDUE: Final = declare_gauge(
    "leads_routing_overdue_leads", "Owned leads whose first response was due and is not recorded."
)
LOAD: Final = declare_gauge(
    "leads_routing_load_ratio",
    "Leads owned by the active reps, by how many they may own together; 1 is full.",
)


class RoutingMetrics:
    """Routing's instruments on one registry; methods never block and never raise."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pooled = POOLED.on(registry)
        self._oldest = OLDEST_POOLED.on(registry)
        self._overdue = OVERDUE.on(registry)
        self._load = LOAD.on(registry)

    def measured(self, *, pooled: int, oldest_seconds: float, overdue: int, load_ratio: float) -> None:
        """Say how things stand."""
        self._pooled.set(pooled)
        self._oldest.set(oldest_seconds)
        self._overdue.set(overdue)
        self._load.set(load_ratio)
