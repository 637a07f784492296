"""Who sent a message: a person, or somebody whose acts count for nothing.

Only what comes from browsers is looked at: what other systems send says nothing about the person whom
it is about. The address is used here and goes nowhere else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

from services.ingest.domain.validity.rules import ValidityRules

BOT: Final = "bot"
NETWORK: Final = "network"
STAFF: Final = "staff"
TEST: Final = "test"

_BROWSER: Final = "mozilla/"
_REMEMBERED: Final = 4096


class Networks:
    """Ranges of addresses; asking takes a search, however many there are."""

    def __init__(self, ranges: Iterable[str]) -> None:
        self._bounds: dict[int, tuple[list[int], list[int]]] = {}
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for text in ranges:
            network = ip_network(text)
            spans[network.version].append((int(network[0]), int(network[-1])))
        for version, found in spans.items():
            starts: list[int] = []
            ends: list[int] = []
            for start, end in sorted(found):
                if ends and start <= ends[-1] + 1:
                    ends[-1] = max(ends[-1], end)
                else:
                    starts.append(start)
                    ends.append(end)
            self._bounds[version] = (starts, ends)
        self.is_empty = not any(starts for starts, _ in self._bounds.values())

    def hold(self, address: str) -> bool:
        """Return whether an address lies in one of the ranges; what is no address does not."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if (mapped := getattr(parsed, "ipv4_mapped", None)) is not None:
            parsed = mapped
        starts, ends = self._bounds[parsed.version]
        place = bisect_right(starts, int(parsed)) - 1
        return place >= 0 and int(parsed) <= ends[place]


class Senders:
    """Tells by one set of rules who sent a message."""

    def __init__(self, rules: ValidityRules) -> None:
        self._tests = rules.tests.sources
        agents = re.compile("|".join(f"(?:{one})" for one in rules.agents) or "(?!)", re.IGNORECASE)
        networks = Networks(rules.networks)
        self._are_networks = not networks.is_empty
        self._is_bot = lru_cache(_REMEMBERED)(lambda agent: agents.search(agent) is not None)
        self._is_network = lru_cache(_REMEMBERED)(networks.hold)

    def dismiss(
        self, *, source: str, agent: str, told_agent: str, address: str | None, is_staff: bool
    ) -> str:
        """Return why what was done counts for nothing: staff, test, bot or network; empty if it counts.

        ``agent`` is the connection's own User-Agent, ``told_agent`` what the message says of the browser,
        which a server that passes messages on puts in. An address counts only for a browser's own
        connection: servers live in data centres, and rightly so.
        """
        if is_staff:
            return STAFF
        if source in self._tests:
            return TEST
        if self._is_bot(agent) or (told_agent and self._is_bot(told_agent)):
            return BOT
        if self._are_networks and address and agent.lower().startswith(_BROWSER):
            return NETWORK if self._is_network(address) else ""
        return ""
