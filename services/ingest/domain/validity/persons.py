"""Who a lead is, by what is known of it: own staff, a test, somebody nobody wants, or nobody at all."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from services.ingest.domain.choices import fold
from services.ingest.domain.directory import Lead, is_there
from services.ingest.domain.identifiers import IdentityRules
from services.ingest.domain.validity.gibberish import is_gibberish
from services.ingest.domain.validity.rules import ValidityRules, is_within

_DIGITS: Final = re.compile(r"[\d._+-]*$")


class Finding(NamedTuple):
    """Why a lead is nobody for sales, and the rule that says so."""

    reason: str
    rule: str


class Persons:
    """Judges leads by their contact data, under one set of rules."""

    def __init__(self, rules: ValidityRules, identity: IdentityRules) -> None:
        self._rules = rules
        self._disposable = identity.disposable_domains
        self._test_names = frozenset(fold(name) for name in rules.tests.names)
        self._placeholders = frozenset(fold(name) for name in rules.placeholders)

    def find(self, lead: Lead) -> Finding | None:
        """Return why a lead is nobody, None if nothing speaks against it.

        Students and interns are somebody: they lose points, and no more (C2).
        """
        contact = lead.contact
        email, name = contact.text("email") or "", contact.text("name") or ""
        local, _, domain = email.rpartition("@")
        staff, tests = self._rules.staff, self._rules.tests
        if email and (email in staff.addresses or is_within(domain, staff.domains)):
            return Finding("staff", "staff_address")
        if email and (_DIGITS.sub("", local) in tests.addresses or is_within(domain, tests.domains)):
            return Finding("test", "test_address")
        folded = fold(name)
        if folded in self._test_names:
            return Finding("test", "test_name")
        if email and is_within(domain, self._rules.blocked_domains):
            return Finding("blocked", "blocked_domain")
        if name and (folded in self._placeholders or is_gibberish(name)):
            return Finding("gibberish", "gibberish_name")
        if email and is_within(domain, self._disposable) and contact.text("phone") is None:
            return Finding("disposable", "disposable_domain")
        if not lead.is_reachable and any(is_there(contact.free_text.get(one)) for one in ("email", "phone")):
            return Finding("undeliverable", "unreadable_contact")
        return None
