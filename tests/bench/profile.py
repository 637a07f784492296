"""Where the time goes: stages of a batch from the processor's own metrics, and samples of processor time.

The sampler is woken by the timer of used processor time (SIGPROF), so waiting does not count, and
notes the Python stack of the moment. Time inside C (JSON, checksums, sockets) is booked on the Python
function that called it.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from prometheus_client import CollectorRegistry

from tests.bench.cost import Cost

_EVERY_SECONDS: Final = 0.002
_ROOT: Final = Path(__file__).parents[2]
_STAGES: Final = "leads_batch_stage_seconds"
_MOST_FUNCTIONS: Final = 25


class Sampler:
    """Counts in which package and in which function processor time is spent."""

    def __init__(self) -> None:
        self.functions: Counter[str] = Counter()
        self.packages: Counter[str] = Counter()

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Take samples while the body runs; in the main thread only."""
        before = signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _take(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        code = frame.f_code
        self.functions[f"{_place(code.co_filename)} {code.co_qualname}"] += 1
        self.packages[_package(frame)] += 1


def _place(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(_ROOT) and "site-packages" not in path.parts:
        return str(path.relative_to(_ROOT))
    parts = path.parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return path.name if not filename.startswith("<") else filename


def _package(frame: FrameType | None) -> str:
    """Return the innermost package of ours, or the client's, that the stack goes through."""
    while frame is not None:
        place = _place(frame.f_code.co_filename)
        first, _, rest = place.partition("/")
        if first in {"shared", "services", "tests"}:
            return f"{first}/{rest.partition('/')[0]}"
        if first in {"aiokafka", "asyncpg", "uvicorn"}:
            return first
        frame = frame.f_back
    return "event loop"


def stage_micros(registry: CollectorRegistry, *, events: int) -> dict[str, float]:
    """Return the microseconds per event that the processor's stages took, waiting included."""
    return {
        sample.labels["stage"]: sample.value / events * 1e6
        for family in registry.collect()
        for sample in family.samples
        if sample.name == f"{_STAGES}_sum"
    }


def print_profile(title: str, cost: Cost, sampler: Sampler, stages: Mapping[str, float]) -> None:
    """Print one contender's profile."""
    total = sum(sampler.packages.values()) or 1
    share: Any = cost.own_micros / total
    wall = 1e6 / cost.per_second
    print(f"\n{title}: {cost.per_second:,.0f} events/s; per event {wall:.1f} us on the wall,")
    print(
        f"  {cost.own_micros:.1f} us of its own process, {cost.postgres_micros:.1f} us of PostgreSQL,"
        f" {cost.kafka_micros:.1f} us of Kafka"
    )
    if stages:
        print("  stages, us per event on the wall (publish runs beside the others):")
        print("   ", "   ".join(f"{name} {micros:.1f}" for name, micros in stages.items()))
    print(f"  own processor time by package, us per event ({total} samples):")
    for name, count in sampler.packages.most_common():
        print(f"    {count * share:6.2f}  {name}")
    print("  by function, C called by it included:")
    for name, count in sampler.functions.most_common(_MOST_FUNCTIONS):
        print(f"    {count * share:6.2f}  {name}")
