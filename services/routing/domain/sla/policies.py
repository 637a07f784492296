"""Policies of response and follow-up: the document, and which of them counts for a lead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from services.routing.domain.assignment.rules import compile_when
from services.routing.domain.attributes import MODELS
from shared.conditions.compiler import Condition
from shared.kernel.faults import Fault, allowed
from shared.kernel.instants import HOUR, Instant
from shared.working_time.calendar import Calendar

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
Share = Annotated[float, Meta(gt=0, lt=1)]


class LimitDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount of working time: hours that are worked, or whole working days at the same clock time."""

    working_hours: Annotated[float, Meta(gt=0, le=1000)] | None = None
    working_days: Annotated[int, Meta(ge=1, le=365)] | None = None


class PolicyDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One policy; without ``when`` it always holds, without ``recall_after`` the breach is the recall."""

    policy: Name
    when: Any = None
    respond_within: LimitDocument
    recall_after: LimitDocument | None = None
    warn_at: tuple[Share, ...] = ()


class FollowUpDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """After the first follow-up: calendar days to the reminder, working days from there to the return.

    ``grade_model`` says whose tiers the grades are, before the first won deal and after it (R10).
    """

    days: Annotated[int, Meta(ge=1, le=365)]
    days_by_grade: Mapping[str, Annotated[int, Meta(ge=1, le=365)]] = {}
    grade_model: str = "mql"
    grade_model_of_customers: str = "customer_grade"
    return_after_working_days: Annotated[int, Meta(ge=1, le=365)]


class SlaDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All policies, the first that holds counts; ``calendar`` names a document of ``config/calendars``."""

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    calendar: Name
    policies: Annotated[tuple[PolicyDocument, ...], Meta(min_length=1)]
    follow_up: FollowUpDocument
    expiring_within_hours: Annotated[int, Meta(ge=1, le=1000)]


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of working time after some instant."""

    hours: float | None
    days: int | None

    def due(self, calendar: Calendar, start: Instant) -> Instant:
        """Return when it is over: an instant of working time, or a closing."""
        if self.days is not None:
            return calendar.add_working_days(start, self.days)
        return calendar.add_working(start, round((self.hours or 0) * HOUR))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as it computes. ``recall`` is the limit after which the lead is taken away."""

    name: str
    when: Condition | None
    respond: Limit
    recall: Limit
    warn_at: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """Everything about deadlines, under one version of the document."""

    version: int
    calendar: Calendar
    policies: tuple[Policy, ...]
    follow_up: FollowUpDocument
    expiring_within: int

    def policy_for(self, values: Mapping[str, object]) -> Policy:
        """Return the first policy that holds; the last always does."""
        return next(
            policy for policy in self.policies if policy.when is None or policy.when.test(values) is True
        )

    def follow_up_days(self, tiers: Mapping[str, str], *, is_customer: bool) -> int:
        """Return how many calendar days may pass until the next follow-up, by the lead's grade (R4, R10)."""
        rhythm = self.follow_up
        model = rhythm.grade_model_of_customers if is_customer else rhythm.grade_model
        return rhythm.days_by_grade.get(tiers.get(model, ""), rhythm.days)


def compile_sla(document: SlaDocument, calendars: Mapping[str, Calendar]) -> tuple[Sla | None, list[Fault]]:
    """Return the policies, and every fault that was found on the way; None if the calendar is missing."""
    faults: list[Fault] = []
    policies = tuple(
        Policy(
            name=one.policy,
            when=compile_when(one.when, f"policies[{place}].when", faults),
            respond=_limit(one.respond_within, f"policies[{place}].respond_within", faults),
            recall=_limit(one.recall_after or one.respond_within, f"policies[{place}].recall_after", faults),
            warn_at=tuple(sorted(one.warn_at)),
        )
        for place, one in enumerate(document.policies)
    )
    if document.policies[-1].when is not None:
        faults.append(Fault("policies", "the last one counts for all others and has no `when`"))
    _check_names(document, faults)
    calendar = calendars.get(document.calendar)
    if calendar is None:
        faults.append(Fault("calendar", f"{document.calendar} is no calendar; {allowed(calendars)}"))
        return None, faults
    sla = Sla(
        version=document.version,
        calendar=calendar,
        policies=policies,
        follow_up=document.follow_up,
        expiring_within=document.expiring_within_hours * HOUR,
    )
    return sla, faults


def _check_names(document: SlaDocument, faults: list[Fault]) -> None:
    names: Collection[str] = [one.policy for one in document.policies]
    if len(set(names)) < len(names):
        faults.append(Fault("policies", "two bear the same name; names are unique"))
    faults += [
        Fault(f"follow_up.{field}", f"{model} is no model; {allowed(MODELS)}")
        for field in ("grade_model", "grade_model_of_customers")
        if (model := getattr(document.follow_up, field)) not in MODELS
    ]


def _limit(document: LimitDocument, path: str, faults: list[Fault]) -> Limit:
    if (document.working_hours is None) == (document.working_days is None):
        faults.append(Fault(path, "needs either working_hours or working_days"))
        return Limit(1.0, None)
    return Limit(document.working_hours, document.working_days)
