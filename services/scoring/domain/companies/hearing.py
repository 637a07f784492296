"""What companies hear of their leads: who they are, what they asked for, what became of deals.

A lead tells all of it to each company that any of its facts names; the company knows from the same
facts when they worked there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.vocabulary import OUTCOMES
from shared.conditions.attributes import STANDARD_ATTRIBUTES

COMPANY: Final = "company/id"
"""A field of an attributes fact that names where somebody works; no client can call an attribute so."""

REQUESTS: Final = frozenset({"demo_requested", "trial_requested"})
"""Acts that companies hear of."""


def is_for_companies(fact: Fact) -> bool:
    """Return whether companies hear of a fact."""
    if fact.name == ATTRIBUTES:
        return any(name == COMPANY or name in STANDARD_ATTRIBUTES for name in fact.fields)
    return fact.name in OUTCOMES or fact.name in REQUESTS


def for_companies(fact: Fact) -> Fact:
    """Return a fact as companies hear it: without anything that no rule of theirs can speak of."""
    if fact.name in REQUESTS:
        return Fact(fact.id, fact.profile, fact.occurred, fact.received, fact.name, {})
    if fact.name != ATTRIBUTES:
        return fact
    fields = {
        name: value for name, value in fact.fields.items() if name == COMPANY or name in STANDARD_ATTRIBUTES
    }
    return Fact(fact.id, fact.profile, fact.occurred, fact.received, fact.name, fields)


def company_in(fact: Fact) -> str | None:
    """Return the company that a fact names, if it names one."""
    company = fact.fields.get(COMPANY) if fact.name == ATTRIBUTES else None
    return company if isinstance(company, str) else None


def companies_in(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Return every company that these facts name, in order of their ids."""
    return tuple(sorted({company for fact in facts if (company := company_in(fact)) is not None}))
