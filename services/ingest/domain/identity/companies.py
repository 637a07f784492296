"""Companies: where somebody works, by the domain of their address, else by the firm's name.

A company has an opaque id, the keyed hash of what it was first known by, and never brings people
together. Addresses of mail providers that anybody can have say nothing about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.evidence.likeness import company_key
from services.ingest.domain.identifiers import HashIdentifier, IdentifierKind
from services.ingest.domain.identity.target_accounts import NOBODY, TargetAccounts
from services.ingest.domain.intake import CompanyKeys

DOMAIN: Final = "domain"
NAME: Final = "name"
_SHORTEST_NAME: Final = 2


class FreeMail(msgspec.Struct, frozen=True):
    """Domains that say nothing about where somebody works.

    ``domains`` are those of providers, ``second_level`` what stands before a country where firms register
    below it: com in com.cn.
    """

    domains: frozenset[str] = frozenset()
    second_level: frozenset[str] = frozenset()


class CompanyReader:
    """Reads from contact data where somebody works."""

    def __init__(
        self,
        free_mail: FreeMail,
        *,
        hash_identifier: HashIdentifier,
        targets: TargetAccounts = NOBODY,
    ) -> None:
        self._free = free_mail
        self._hash = hash_identifier
        self._targets = targets

    def keys_of(self, contact: Mapping[str, str]) -> CompanyKeys | None:
        """Return what the company is known by, None if nothing was said about it."""
        address, name = contact.get("email"), contact.get("company_name")
        domain = self.domain_of(address) if address else None
        folded = company_key(name) if name else ""
        by_domain = self._hash(IdentifierKind.COMPANY, f"{DOMAIN}\x1f{domain}").hash if domain else ""
        by_name = ""
        if len(folded) >= _SHORTEST_NAME:
            by_name = self._hash(IdentifierKind.COMPANY, f"{NAME}\x1f{folded}").hash
        return CompanyKeys(by_domain, by_name) if by_domain or by_name else None

    def is_target(self, contact: Mapping[str, str]) -> bool:
        """Return whether somebody works at one of the target accounts."""
        address = contact.get("email")
        return self._targets.lists(contact, domain=self.domain_of(address) if address else None)

    def domain_of(self, address: str) -> str | None:
        """Return the domain that a firm registered, of a normalised address; None for free mail."""
        domain = address.rpartition("@")[2]
        labels = domain.split(".")
        is_below = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in self._free.second_level
        registered = ".".join(labels[-3:] if is_below else labels[-2:])
        free = self._free.domains
        return None if registered in free or domain in free else registered


def place(directory: Directory, lead: Lead, keys: CompanyKeys | None, said: Mapping[str, str]) -> Lead:
    """Return the lead with the company that a message tells of; the same object if it tells nothing new.

    The newest word counts. A name does not take away the company of an address, and neither does a
    private address.
    """
    if keys is None:
        return lead
    known = lead.contact.known
    if keys.domain and "email" in known and known["email"].value == said.get("email"):
        found = Placed(_find(directory, keys), DOMAIN)
    elif (
        keys.name
        and lead.company_by != DOMAIN
        and "company_name" in known
        and known["company_name"].value == said.get("company_name")
    ):
        found = Placed(_find(directory, CompanyKeys("", keys.name)), NAME)
    else:
        return lead
    if found == (lead.company, lead.company_by):
        return lead
    return msgspec.structs.replace(lead, version=lead.version + 1, company=found.id, company_by=found.by)


class Placed(NamedTuple):
    """A company and what it was told by."""

    id: str
    by: str


def _find(directory: Directory, keys: CompanyKeys) -> str:
    """Return the company that keys stand for; one that nobody knew is named after its first key.

    A domain takes over the company of a name that no domain had yet; a second domain of one name is
    another firm.
    """
    known = directory.companies
    if not keys.domain:
        return directory.name_company(keys.name, known.get(keys.name, keys.name))
    company = known.get(keys.domain)
    if company is None:
        named = known.get(keys.name) if keys.name else None
        is_free = named is not None and named not in directory.companies_with_domain
        company = named if named is not None and is_free else keys.domain
        directory.name_company(keys.domain, company, has_domain=True)
    if keys.name and keys.name not in known:
        directory.name_company(keys.name, company)
    return company


def company_of_both(merged: Lead, stays: Lead, leaves: Lead) -> Placed:
    """Return the company of two leads that became one: an address's before a name's, the newer first."""
    first, second = Placed(stays.company, stays.company_by), Placed(leaves.company, leaves.company_by)
    if not second.id or (first.by == DOMAIN != second.by):
        return first
    if not first.id or second.by == DOMAIN != first.by:
        return second
    name = "email" if first.by == DOMAIN else "company_name"
    told = merged.contact.known.get(name)
    return second if told is not None and told == leaves.contact.known.get(name) else first
