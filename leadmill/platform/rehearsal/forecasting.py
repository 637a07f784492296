"""What would start with a new lead: scoring, routing and nurture, tried out beside what they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from shared.contracts.envelope import decode_envelope, encode_event, source_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant

Forecast = Callable[[Sequence[Any], Instant], Sequence[str]]
"""Tells what would start with a lead, by what ingest would say of it."""

Rehearsals = Mapping[str, Callable[[Path], Callable[..., Any]]]
"""What makes a service's rehearsal of its documents, by service."""

_NEEDED: Final = ("scoring", "routing", "nurture")


def foresee(config: Path, rehearsals: Rehearsals) -> Forecast | None:
    """Return the forecast by the documents as they stand when it is asked first.

    None where the documents of one of the services are not in ``config``: a process of its own may have
    no other service's.
    """
    if not all((config / name).is_dir() for name in _NEEDED):
        return None
    made: list[Forecast] = []

    def forecast(said: Sequence[Any], at: Instant) -> Sequence[str]:
        if not made:
            made.append(build_forecast(config, rehearsals))
        return made[0](said, at)

    return forecast


def build_forecast(config: Path, rehearsals: Rehearsals) -> Forecast:
    """Return what tells what would start with a lead, by what ingest would say of it.

    ``tier_changed``: it would reach a tier; ``assigned`` to a rep, ``claimable`` in the pool, ``enrolled`` in
    a mail sequence, ``mailed`` at once.

    :raises DocumentFaults: if a document of one of the services has faults.
    """
    score, route, nurture = (rehearsals[name](config) for name in _NEEDED)

    def told(said: Iterable[Any], at: Instant, before: int) -> list[Any]:
        envelopes = []
        for number, one in enumerate(said, start=before):
            if one.event is None:
                continue
            name = deterministic_id("rehearsal", str(number))
            value = encode_event(
                one.event,
                id=name,
                source=source_of("rehearsal"),
                subject=one.subject,
                occurred=min(one.occurred, at),
                received=at,
                partition_key=one.key,
                causation_id=name,
                correlation_id=name,
            )
            envelopes.append(decode_envelope(value))
        return envelopes

    def forecast(said: Sequence[Any], at: Instant) -> list[str]:
        heard = told(said, at, 0)
        scored = score(heard)
        heard += told(scored, at, len(heard))
        routed = route(heard)
        heard += told(routed, at, len(heard))
        enrolled, mails = nurture(heard)
        kinds = {type(one.event).__name__ for one in (*scored, *routed, *enrolled)}
        found = {
            "tier_changed": "TierChanged" in kinds,
            "assigned": "LeadAssigned" in kinds,
            "claimable": "LeadPooled" in kinds,
            "enrolled": "LeadEnrolled" in kinds,
            "mailed": mails > 0,
        }
        return [name for name, is_so in found.items() if is_so]

    return forecast
