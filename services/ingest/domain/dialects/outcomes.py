"""Outcomes and costs as JSON objects.

An outcome names what happened (``kind``), the opportunity, and the lead, as any lead is named: in an
object ``lead`` or beside the rest by ``external_id``, ``user_id``, ``email`` or ``phone``. One that
names nobody belongs to whoever the opportunity belonged to before; where that is nobody, it opens a
stub. An opportunity has several contacts, so it never brings two leads together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple, cast

import msgspec

from services.ingest.domain.identifiers import (
    HashIdentifier,
    Identifier,
    IdentifierKind,
    IdentityRules,
    clean_id,
    clean_text,
)
from services.ingest.domain.intake import Claims, Intake, Refusal, address, identify, show_message_id
from services.ingest.domain.moments import correct_moment, read_moment
from services.ingest.domain.outcomes import (
    COST_KINDS,
    AmountUnreadable,
    Cost,
    CostKind,
    Outcome,
    OutcomeKind,
    OutcomeNames,
    read_amount,
)
from services.ingest.domain.scrubbing import identifies, scrub_label, scrub_text
from services.ingest.domain.traits import TraitReader, fold_name
from shared.kernel.instants import Instant

MALFORMED: Final = Refusal("intake.malformed_json")
NO_IDENTITY: Final = Refusal("intake.no_identity")
UNKNOWN_KIND: Final = Refusal("outcome.unknown_kind")
NO_OPPORTUNITY: Final = Refusal("outcome.no_opportunity")
NO_STAGE: Final = Refusal("outcome.no_stage")
NO_AMOUNT: Final = Refusal("outcome.no_amount")
COST_UNKNOWN_KIND: Final = Refusal("cost.unknown_kind")
COST_NO_CAMPAIGN: Final = Refusal("cost.no_campaign")
COST_DAY: Final = Refusal("cost.day_malformed")
COST_NO_AMOUNT: Final = Refusal("cost.no_amount")

_IDS: Final = ("external_id", "user_id", "anonymous_id", "lead_id")
_PERSON: Final = (*_IDS, "email", "phone")
_LONGEST_NAME: Final = 100

_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class ReportContext(NamedTuple):
    """Where one report came from: ``is_internal`` sources may name leads by our ids."""

    source: str
    record_id: str
    received: Instant
    message_id: str | None = None
    is_internal: bool = False


class OutcomeReader:
    """Reads outcomes and costs; ``currency`` is taken where none is named, unless it is empty."""

    def __init__(
        self,
        *,
        names: OutcomeNames,
        traits: TraitReader,
        rules: IdentityRules,
        hash_identifier: HashIdentifier,
        currency: str,
    ) -> None:
        self._traits = traits
        self._rules = rules
        self._hash = hash_identifier
        self._currency = currency
        self._kinds = _spellings({kind.value: () for kind in OutcomeKind}, names.kinds)
        self._stages = _spellings({}, names.stages)
        self._costs = _spellings(dict.fromkeys(COST_KINDS, ()), names.costs)

    def read_outcome(self, body: bytes | str, context: ReportContext) -> Intake | Refusal:
        """Return what an outcome says."""
        try:
            given = _read_object(body)
        except _UNREADABLE:
            return MALFORMED
        return self.outcome_of(given, context)

    def outcome_of(self, given: Mapping[str, Any], context: ReportContext) -> Intake | Refusal:
        """Return what the fields of an outcome say."""
        outcome = self._outcome(given, context)
        if isinstance(outcome, Refusal):
            return outcome
        person = given["lead"] if isinstance(given.get("lead"), dict) else given
        person = {name: value for name, value in person.items() if person is not given or name in _PERSON}
        traits = self._traits.read({name: value for name, value in person.items() if name not in _IDS})
        opportunity = self._hash(IdentifierKind.OPPORTUNITY, f"{context.source}\x1f{outcome.opportunity}")
        addressed = address(person.get("lead_id"), is_internal=context.is_internal)
        anchors: list[Identifier] = []
        devices: list[Identifier] = []
        external = None
        if addressed is None:
            anchors, devices, external = identify(
                Claims(person.get("user_id"), (person.get("anonymous_id"),), person.get("external_id")),
                traits,
                source=context.source,
                record_id=context.record_id,
                rules=self._rules,
                hash_identifier=self._hash,
            )
        return Intake(
            source=context.source,
            occurred=_occurred(given, context),
            anchors=anchors,
            anonymous=[*devices, opportunity],
            addressed=addressed,
            message_id=_message_id(given, context),
            external=external,
            traits=None if traits.is_empty else traits,
            outcome=outcome,
        )

    def _outcome(self, given: Mapping[str, Any], context: ReportContext) -> Outcome | Refusal:
        kind = _find(self._kinds, given.get("kind") or given.get("type"))
        if kind is None:
            return UNKNOWN_KIND
        opportunity = self._name(given.get("opportunity") or given.get("opportunity_id"))
        if opportunity is None:
            return NO_OPPORTUNITY
        stage = clean_text(given.get("stage"))
        if stage is not None:
            stage = self._stages.get(fold_name(stage)) or scrub_text(stage)[:_LONGEST_NAME]
        if kind == OutcomeKind.STAGE_CHANGED and not stage:
            return NO_STAGE
        wanted = given.get("amount")
        if kind == OutcomeKind.CREATED and wanted is None:
            wanted = given.get("expected")
        try:
            amount = read_amount(
                wanted,
                given.get("currency"),
                default=self._currency,
                signed=kind == OutcomeKind.PAID,
            )
        except AmountUnreadable as error:
            return Refusal(f"outcome.{error.code}")
        if amount is None and kind in {OutcomeKind.WON, OutcomeKind.PAID}:
            return NO_AMOUNT
        payment = self._name(given.get("payment") or given.get("payment_id"))
        return Outcome(
            OutcomeKind(kind),
            opportunity,
            stage=stage or "",
            amount=amount,
            reason=scrub_text(clean_text(given.get("reason")) or ""),
            payment=(payment or context.record_id) if kind == OutcomeKind.PAID else "",
        )

    def read_cost(self, body: bytes | str, context: ReportContext) -> Intake | Refusal:
        """Return what a cost says; it is about nobody."""
        try:
            given = _read_object(body)
        except _UNREADABLE:
            return MALFORMED
        return self.cost_of(given, context)

    def cost_of(self, given: Mapping[str, Any], context: ReportContext) -> Intake | Refusal:
        """Return what the fields of a cost say."""
        kind = _find(self._costs, given.get("kind"))
        if kind is None:
            return COST_UNKNOWN_KIND
        campaign = clean_text(given.get("campaign"))
        if campaign is None:
            return COST_NO_CAMPAIGN
        day = _read_day(given.get("day"))
        if day is None:
            return COST_DAY
        try:
            amount = read_amount(given.get("amount"), given.get("currency"), default=self._currency)
        except AmountUnreadable as error:
            return Refusal(f"cost.{error.code}")
        if amount is None:
            return COST_NO_AMOUNT
        channel = clean_text(given.get("channel")) or ""
        return Intake(
            source=context.source,
            occurred=_occurred(given, context),
            anchors=(),
            anonymous=(),
            message_id=_message_id(given, context),
            cost=Cost(
                scrub_label(campaign),
                scrub_text(channel).lower().replace(" ", "_"),
                cast("CostKind", kind),
                day,
                amount,
            ),
        )

    def _name(self, value: object) -> str | None:
        """Return the name of a thing as it may stand in events: one that names a person is hashed."""
        text = clean_id(value, self._rules)
        if text is None:
            return None
        if "@" in text or (identifies(text) and not text.isdigit()) or len(text) > _LONGEST_NAME:
            return self._hash(IdentifierKind.OPPORTUNITY, text).hash
        return text


def _spellings(own: Mapping[str, tuple[str, ...]], given: Mapping[str, list[str]]) -> dict[str, str]:
    return {
        fold_name(spelling): name
        for name in dict.fromkeys((*own, *given))
        for spelling in (name, *given.get(name, ()))
    }


def _find(spellings: Mapping[str, str], value: object) -> str | None:
    text = clean_text(value)
    return None if text is None else spellings.get(fold_name(text))


def _occurred(given: Mapping[str, Any], context: ReportContext) -> Instant:
    return correct_moment(
        original=read_moment(given.get("timestamp") or given.get("occurred_at")),
        sent=read_moment(given.get("sent_at")),
        received=context.received,
    )


def _message_id(given: Mapping[str, Any], context: ReportContext) -> str | None:
    return show_message_id(context.message_id or clean_text(given.get("message_id")))


def _read_day(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        day = date.fromisoformat(value.strip())
    except ValueError:
        return None
    return day.isoformat() if len(value.strip()) == 10 else None
