"""From a raw record to an intake, or to the reason why it cannot be one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from services.ingest.domain.acts import ActReader
from services.ingest.domain.choices import Added, Choices
from services.ingest.domain.dialects.acquisition import AcquisitionReader
from services.ingest.domain.dialects.captures import FREE, CaptureReader, Submission
from services.ingest.domain.dialects.clicks import ClickReader
from services.ingest.domain.dialects.event_types import Meaning
from services.ingest.domain.dialects.events import EventReader
from services.ingest.domain.dialects.hooks import Errand, HookDialect, HookReader
from services.ingest.domain.dialects.outcomes import OutcomeReader, ReportContext
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.dialects.sdk import SdkReader
from services.ingest.domain.forms.definitions import Forms
from services.ingest.domain.identifiers import HashIdentifier, Identifier, IdentifierKind
from services.ingest.domain.identity.companies import CompanyReader
from services.ingest.domain.identity.target_accounts import TARGET_ACCOUNT
from services.ingest.domain.imports.holding import Imported
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.domain.scrubbing import drop_zeros
from services.ingest.domain.traits import FieldNames, TraitReader
from services.ingest.domain.validity.senders import Senders
from services.ingest.handlers.own_events import OWN_EVENTS
from shared.contracts.events.raw import RawReceived
from shared.kernel.instants import Instant, from_datetime

OVERSIZE_KIND: Final = "oversize"
"""The kind under which the edge keeps the beginning of an event that was too large."""

EXCESS_KIND: Final = "excess"
"""The kind under which the edge keeps what a batch has beyond the events that it may have."""

RELEASE_KIND: Final = "release"
"""The kind of the platform's own messages that release a lead which an import holds."""

_OF_TABLES: Final = frozenset({"lead", "event", "outcome", "cost"})

NOT_UTF8: Final = Refusal("intake.not_utf8")
OVERSIZE: Final = Refusal("intake.oversize")
EXCESS: Final = Refusal("intake.batch_excess")
_FROM_BROWSERS: Final = frozenset({"sdk", "form", "lead", "link"})
_KEPT_APART: Final = {OVERSIZE_KIND: OVERSIZE, EXCESS_KIND: EXCESS}


class RequestContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a request said outside its body; travels as the record's batch context.

    A native lead has an ``idempotency_key``. A row of a table has an ``import_id`` and what is beside it,
    see :class:`services.ingest.domain.imports.holding.Imported`; ``release`` names the import that is to
    hold a lead no longer. The rest is of forms, see
    :class:`services.ingest.domain.dialects.captures.Submission`.
    """

    idempotency_key: str | None = None
    form: str = ""
    form_version: int | None = None
    origin: str = ""
    is_refused: bool = False
    import_id: str = ""
    is_history: bool = False
    owner: str = ""
    status: str = ""
    release: str = ""


_read_context: Final = msgspec.json.Decoder(RequestContext).decode


class RawReader:
    """Reads records of the raw topic by the documents it was made with; pure."""

    def __init__(
        self,
        rulebook: Rulebook,
        *,
        hash_identifier: HashIdentifier,
        currency: str = "",
        hooks: Mapping[str, HookReader] | None = None,
        added: Iterable[Added] = (),
    ) -> None:
        """``added`` are the spellings that people added, which go before those of the documents."""
        self._companies = CompanyReader(
            rulebook.free_mail, hash_identifier=hash_identifier, targets=rulebook.target_accounts
        )
        traits = TraitReader(
            names=FieldNames(rulebook.field_names),
            choices=Choices(rulebook.choices, added, currency=currency),
            rules=rulebook.identity,
        )
        acts = ActReader(names=rulebook.act_names, page_kinds=rulebook.page_kinds)
        acquisition = AcquisitionReader(rulebook.channels)
        self._senders = Senders(rulebook.validity)
        self._sdk = SdkReader(
            traits=traits,
            acts=acts,
            acquisition=acquisition,
            rules=rulebook.identity,
            hash_identifier=hash_identifier,
        )
        self._captures = CaptureReader(
            traits=traits,
            acts=acts,
            acquisition=acquisition,
            forms=Forms(rulebook.forms),
            rules=rulebook.identity,
            hash_identifier=hash_identifier,
        )
        self._clicks = ClickReader(
            acquisition=acquisition, machines=rulebook.machines, hash_identifier=hash_identifier
        )
        self._outcomes = OutcomeReader(
            names=rulebook.outcome_names,
            traits=traits,
            rules=rulebook.identity,
            hash_identifier=hash_identifier,
            currency=currency,
        )
        self._events = EventReader(
            rulebook.event_names,
            own=OWN_EVENTS,
            traits=traits,
            acts=acts,
            acquisition=acquisition,
            captures=self._captures,
            outcomes=self._outcomes,
            rules=rulebook.identity,
            hash_identifier=hash_identifier,
        )

        self._hooks = HookDialect(
            hooks or {},
            traits=traits,
            acts=acts,
            acquisition=acquisition,
            rules=rulebook.identity,
            hash_identifier=hash_identifier,
        )

    def meaning_of(self, name: str) -> Meaning:
        """Return what an event of this name tells."""
        return self._events.meaning_of(name)

    def find_refusal(self, raw: RawReceived, *, record_id: str, received: Instant) -> str | None:
        """Return the code under which a raw record will go to quarantine, None if it can be used."""
        reading = self.on_raw_received(raw, record_id=record_id, received=received)
        return reading.code if isinstance(reading, Refusal) else None

    def on_raw_received(
        self, raw: RawReceived, *, record_id: str, received: Instant
    ) -> Intake | Errand | Refusal:
        """Return what a raw record says, what it wants to be done, or why it goes to quarantine."""
        if raw.body is not None and (body := drop_zeros(raw.body)) is not raw.body:
            raw = msgspec.structs.replace(raw, body=body)
        apart = _KEPT_APART.get(raw.kind)
        if apart is not None:
            return apart
        if raw.kind == RELEASE_KIND and raw.is_internal:
            return _read_release(raw, received=received)
        reading = self._read(raw, record_id=record_id, received=received)
        if isinstance(reading, Intake) and raw.batch_context and raw.channel in _OF_TABLES:
            reading.imported = _imported(_read_context(raw.batch_context))
        if isinstance(reading, Intake) and reading.traits is not None and reading.addressed is None:
            reading.company = self._companies.keys_of(reading.traits.contact)
            if self._companies.is_target(reading.traits.contact):
                reading.traits.implied = {TARGET_ACCOUNT: True}
        if isinstance(reading, Intake) and reading.imported is None and not raw.is_internal:
            reading.dismissed = self._dismiss(raw, reading)
        return reading

    def _dismiss(self, raw: RawReceived, reading: Intake) -> str:
        """Return why what a message tells of was done by nobody; what systems send is not asked."""
        if raw.channel not in _FROM_BROWSERS:
            return ""
        return self._senders.dismiss(
            source=raw.source,
            agent=raw.client.user_agent or "",
            told_agent=reading.agent,
            address=raw.client.ip,
            is_staff=raw.client.is_staff,
        )

    def _read(self, raw: RawReceived, *, record_id: str, received: Instant) -> Intake | Errand | Refusal:
        match raw.channel:
            case "sdk":
                return self._read_sdk(raw, record_id=record_id, received=received)
            case "lead":
                return self._read_lead(raw, record_id=record_id, received=received)
            case "form":
                return self._captures.read_form(
                    raw.content,
                    enctype=raw.kind,
                    source=raw.source,
                    record_id=record_id,
                    received=received,
                    submission=_submission(raw),
                )
            case "outcome" | "cost":
                return self._read_report(raw, record_id=record_id, received=received)
            case "event" | "cloudevent":
                return self._read_event(raw, record_id=record_id, received=received)
            case "hook":
                return self._hooks.read(
                    raw.content,
                    kind=raw.kind,
                    source=raw.source,
                    record_id=record_id,
                    received=received,
                )
            case "link":
                return self._clicks.read(
                    raw.content,
                    source=raw.source,
                    received=received,
                    agent=raw.client.user_agent or "",
                    referrer=raw.client.referrer_origin,
                )

    def _read_sdk(self, raw: RawReceived, *, record_id: str, received: Instant) -> Intake | Refusal:
        if raw.body is None:
            return NOT_UTF8
        return self._sdk.read(
            raw.body,
            call=raw.kind,
            source=raw.source,
            record_id=record_id,
            received=received,
            sent=None if raw.sent is None else from_datetime(raw.sent),
            batch_context=raw.batch_context,
            is_internal=raw.is_internal,
        )

    def _read_lead(self, raw: RawReceived, *, record_id: str, received: Instant) -> Intake | Refusal:
        if raw.body is None:
            return NOT_UTF8
        return self._captures.read_lead(
            raw.body,
            source=raw.source,
            record_id=record_id,
            received=received,
            message_id=_idempotency_key(raw),
        )

    def _read_event(self, raw: RawReceived, *, record_id: str, received: Instant) -> Intake | Refusal:
        if raw.body is None:
            return NOT_UTF8
        context = _context_of(raw, record_id, received)
        if raw.channel == "cloudevent":
            return self._events.read_cloudevent(raw.body, context)
        return self._events.read_native(raw.body, context)

    def _read_report(self, raw: RawReceived, *, record_id: str, received: Instant) -> Intake | Refusal:
        if raw.body is None:
            return NOT_UTF8
        context = _context_of(raw, record_id, received)
        if raw.channel == "cost":
            return self._outcomes.read_cost(raw.body, context)
        return self._outcomes.read_outcome(raw.body, context)


def _context_of(raw: RawReceived, record_id: str, received: Instant) -> ReportContext:
    return ReportContext(
        *(raw.source, record_id, received),
        message_id=_idempotency_key(raw),
        is_internal=raw.is_internal,
    )


class _Release(msgspec.Struct):
    lead_id: str


_read_which: Final = msgspec.json.Decoder(_Release).decode


def _read_release(raw: RawReceived, *, received: Instant) -> Intake | Refusal:
    try:
        which = _read_which(raw.content)
        context = _read_context(raw.batch_context or "{}")
    except msgspec.MsgspecError:
        return Refusal("intake.malformed_json")
    return Intake(
        source=raw.source,
        occurred=received,
        anchors=(),
        anonymous=(),
        addressed=Identifier(IdentifierKind.LEAD, which.lead_id),
        release=context.release,
    )


def _imported(context: RequestContext) -> Imported | None:
    if not context.import_id:
        return None
    return Imported(context.import_id, context.is_history, context.owner, context.status)


def _idempotency_key(raw: RawReceived) -> str | None:
    return _read_context(raw.batch_context).idempotency_key if raw.batch_context else None


def _submission(raw: RawReceived) -> Submission:
    if not raw.batch_context:
        return FREE
    context = _read_context(raw.batch_context)
    return Submission(context.form, context.form_version, context.origin, context.is_refused)
