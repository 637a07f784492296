"""Target accounts: the firms that sales wants, by the domain of an address or by their name (C3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from services.ingest.domain.evidence.likeness import company_key
from shared.kernel.instants import Instant

TARGET_ACCOUNT: Final = "target_account"
"""The attribute that says so."""

LIST: Final = "target_accounts"
"""Who says it, among the sources."""

BEFORE_ANY_WORD: Final[Instant] = 0
"""When the list says it, so that what anybody ever said of it goes before, whatever comes first."""


class TargetAccounts(msgspec.Struct, frozen=True):
    """Registered domains in small letters, and firms' names as they are compared."""

    domains: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def lists(self, contact: Mapping[str, str], *, domain: str | None) -> bool:
        """Return whether somebody works there; ``domain`` is the firm's of their address, if it is one's."""
        if domain is not None and domain in self.domains:
            return True
        name = contact.get("company_name") if self.names else None
        return name is not None and company_key(name) in self.names


NOBODY: Final = TargetAccounts()
"""A list with no firm on it."""


def target_accounts(domains: Iterable[str], names: Iterable[str]) -> TargetAccounts:
    """Return the list that people have written, however they spell what kind of firm it is."""
    folded = (company_key(name) for name in names)
    return TargetAccounts(frozenset(domain.lower() for domain in domains), frozenset(filter(None, folded)))
