"""What the first filter goes by: the content of its documents."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

import msgspec

from services.ingest.domain.evidence.bursts import BurstRules
from shared.kernel.faults import Fault


class TestRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what tests give themselves away.

    ``sources`` only ever send tests. ``names`` are whole names, ``addresses`` local parts of addresses
    (digits behind them do not matter), ``domains`` those of addresses.
    """

    sources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()


class StaffRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who belongs to the own organisation: domains with what lies below them, and single addresses."""

    domains: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


class ValidityRules(msgspec.Struct, frozen=True, kw_only=True):
    """All that the first filter goes by.

    ``agents`` are patterns of the User-Agent, ``networks`` ranges of addresses from which no person
    browses, ``blocked_domains`` those of addresses that nobody wants to hear of, ``placeholders`` whole
    names that are none. ``reasons`` are those that a person may give.
    """

    agents: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    tests: TestRules = TestRules()
    staff: StaffRules = StaffRules()
    blocked_domains: frozenset[str] = frozenset()
    placeholders: frozenset[str] = frozenset()
    burst: BurstRules = BurstRules()
    reasons: tuple[str, ...] = ()


def network_faults(ranges: Iterable[str]) -> list[Fault]:
    """Return which of these are no ranges of addresses."""
    faults = []
    for place, text in enumerate(ranges):
        try:
            ip_network(text)
        except ValueError as error:
            faults.append(Fault(f"ranges[{place}]", f"is no range such as 192.0.2.0/24: {error}"))
    return faults


def is_within(domain: str, domains: frozenset[str]) -> bool:
    """Return whether a domain is one of these, or lies below one."""
    while domain:
        if domain in domains:
            return True
        domain = domain.partition(".")[2]
    return False
