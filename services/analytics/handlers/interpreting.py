"""From events on topics to facts: the one place that knows both vocabularies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from services.analytics.domain.derivation import Derivation
from services.analytics.domain.desk import Learned
from services.analytics.domain.facts import NO_PROFILE, Fact
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events import leads, outcomes, tier_changes
from shared.kernel import changes
from shared.kernel.errors import Rejected


class Unusable(Rejected):
    """An id, a name or an amount that no table here takes; correct the producer and replay the record."""

    code = "analytics.unusable"


_LONGEST_NAME: Final = 200
_INT64: Final = 2**63 - 1
_NUL: Final = b"\\u0000"

_NAMES: Final = ("opportunity", "payment", "assignment", "message", "act")
"""Fields that tables are searched by, so that their length is bounded."""

_LEFT_OUT: Final = frozenset(
    {"lead", "profile", "message_id", "properties", "external_ids", "reasons", "handover", "acts"}
)
"""What no report needs: ids have their own columns, lines of a score are scoring's to tell."""


class Interpreter:
    """Turns every event of the topics into what analytics learns."""

    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation

    def __call__(self, envelope: Envelope) -> changes.Fact:
        """Return what analytics learns from an event, keyed by the profile it concerns.

        :raises Rejected: if the event does not keep its contract, or holds what cannot be stored; such a
            record would otherwise spoil the whole batch that it is saved with.
        """
        event = decode_event(envelope)
        fact = fact_of(envelope, event)
        _check(envelope, fact)
        learned = Learned(fact, tuple(self._derivation.rows_of(fact)))
        key = fact.profile or envelope.partitionkey
        return changes.Fact(
            fact.id, key, fact.received, learned, envelope.correlationid, envelope.traceparent
        )


def fact_of(envelope: Envelope, event: Event) -> Fact:
    """Return the fact that an event is."""
    return Fact(
        id=envelope.id,
        kind=DECLARED.of_struct(type(event)).name,
        profile=_profile_of(event),
        occurred=envelope.occurred,
        received=envelope.received,
        cause=envelope.causationid,
        message_id=getattr(event, "message_id", None),
        fields=dict(_fields_of(event)),
    )


def _profile_of(event: Event) -> str:
    if isinstance(event, outcomes.CostRecorded | tier_changes.CompanyTierChanged):
        return NO_PROFILE
    profile = getattr(event, "profile", None) or getattr(event, "lead", None)
    if not isinstance(profile, str):
        raise Unusable("the event names neither a profile nor a lead")
    return profile


def _fields_of(event: Event) -> Iterator[tuple[str, Any]]:
    is_move = isinstance(event, leads.LeadMerged | leads.LeadUnmerged)
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if value is None or value in ([], {}) or (name in _LEFT_OUT and not (is_move and name == "lead")):
            continue
        yield name, msgspec.to_builtins(value)


def _check(envelope: Envelope, fact: Fact) -> None:
    names = [fact.id, fact.profile, *(fact.fields.get(name, "") for name in _NAMES)]
    amount = fact.fields.get("amount")
    if (
        any(len(name) > _LONGEST_NAME for name in names)
        or fact.fields.get("opportunity") == ""
        or (amount is not None and abs(amount["minor"]) > _INT64)
        or any(abs(fact.fields.get(name, 0)) > _INT64 for name in ("version", "verdict"))
    ):
        raise Unusable
    if (_NUL in bytes(envelope.data) or "\0" in fact.id) and _has_nul(
        (fact.id, fact.profile, fact.message_id, fact.fields)
    ):
        raise Unusable


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_nul(key) or _has_nul(part) for key, part in value.items())
    return isinstance(value, Collection) and any(_has_nul(part) for part in value)
