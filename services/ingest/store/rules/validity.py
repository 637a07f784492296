"""The documents of the first filter: who is nobody, and from where no person browses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.ingest.domain.evidence.bursts import BurstRules
from services.ingest.domain.validity.rules import (
    StaffRules,
    TestRules,
    ValidityRules,
    network_faults,
)
from shared.documents.faults import Fault, raise_if_any
from shared.documents.versions import Document


class ValidityDocument(Document, frozen=True, kw_only=True):
    """What the first filter goes by; see :class:`services.ingest.domain.validity.rules.ValidityRules`."""

    agents: list[str]
    tests: TestRules
    staff: StaffRules
    blocked_domains: list[str]
    placeholders: list[str]
    burst: BurstRules
    reasons: list[str]


class NetworksDocument(Document, frozen=True, kw_only=True):
    """Ranges of addresses from which no person browses."""

    ranges: list[str]


def complete_validity(told: ValidityDocument, networks: NetworksDocument) -> ValidityRules:
    """Return the rules of the first filter.

    :raises DocumentFaults: with every fault and its path.
    """
    raise_if_any(list(_faults(told)), about="documents of kind validity")
    raise_if_any(network_faults(networks.ranges), about="documents of kind validity_networks")
    return ValidityRules(
        agents=tuple(told.agents),
        networks=tuple(networks.ranges),
        tests=told.tests,
        staff=told.staff,
        blocked_domains=frozenset(told.blocked_domains),
        placeholders=frozenset(told.placeholders),
        burst=told.burst,
        reasons=tuple(told.reasons),
    )


def _faults(told: ValidityDocument) -> Iterator[Fault]:
    for place, pattern in enumerate(told.agents):
        try:
            re.compile(pattern)
        except re.error as error:
            yield Fault(f"agents[{place}]", f"is no pattern: {error}")
    for path, values in (
        ("tests.addresses", told.tests.addresses),
        ("tests.domains", told.tests.domains),
        ("staff.domains", told.staff.domains),
        ("staff.addresses", told.staff.addresses),
        ("blocked_domains", told.blocked_domains),
    ):
        for value in sorted(values):
            if value != value.lower().strip():
                yield Fault(path, f"{value} is written in lower case")
    if told.burst.count < 2 or told.burst.seconds <= 0:
        yield Fault("burst", "is at least two acts within some time")
    if not told.reasons:
        yield Fault("reasons", "names at least one reason")
