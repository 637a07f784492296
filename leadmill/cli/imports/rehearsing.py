"""What would start with a new lead: scoring, routing and nurture by their documents, without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any


def build_forecast(config: Path) -> Callable[[Sequence[Any], int], list[str]]:
    """Return what tells what would start with a lead, by what ingest would say of it.

    ``assigned`` to a rep, ``claimable`` in the pool, ``enrolled`` in a mail sequence, ``mailed`` at once.
    """
    from leadmill.platform.roster import REHEARSALS
    from shared.contracts.envelope import decode_envelope, encode_event, source_of
    from shared.kernel.ids import deterministic_id

    score, route, nurture = (REHEARSALS[name](config) for name in ("scoring", "routing", "nurture"))

    def told(said: Iterable[Any], at: int, before: int) -> list[Any]:
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

    def forecast(said: Sequence[Any], at: int) -> list[str]:
        heard = told(said, at, 0)
        heard += told(score(heard), at, len(heard))
        routed = route(heard)
        kinds = {type(one.event).__name__ for one in routed}
        heard += told(routed, at, len(heard))
        enrolled, mails = nurture(heard)
        kinds |= {type(one.event).__name__ for one in enrolled}
        found = {
            "assigned": "LeadAssigned" in kinds,
            "claimable": "LeadPooled" in kinds,
            "enrolled": "LeadEnrolled" in kinds,
            "mailed": mails > 0,
        }
        return [name for name, is_so in found.items() if is_so]

    return forecast
