"""Captures: a lead told in one message, by the native API or by a form.

A native lead is one JSON object whose fields are traits; ``external_id``, ``user_id``,
``anonymous_id``, ``message_id`` and ``timestamp`` tell whose and when. A form's fields are traits
under whatever labels the page gave them; names that begin with ``_`` are for us.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.domain.acts import FORM, Act, ActReader
from services.ingest.domain.dialects.acquisition import AcquisitionReader
from services.ingest.domain.dialects.form_fields import Fields, read_fields
from services.ingest.domain.forms.checking import check, take_up
from services.ingest.domain.forms.definitions import HONEYPOT_FIELDS, FormDocument, Forms
from services.ingest.domain.identifiers import (
    HashIdentifier,
    IdentifierKind,
    IdentityRules,
    clean_text,
)
from services.ingest.domain.intake import Claims, Intake, Refusal, identify, show_message_id
from services.ingest.domain.links.addresses import click_that_counts
from services.ingest.domain.moments import correct_moment, read_moment
from services.ingest.domain.scrubbing import Scalar, scrub_label
from services.ingest.domain.traits import TraitReader, fold_name
from shared.kernel.instants import Instant

MALFORMED: Final = Refusal("intake.malformed_json")
NO_IDENTITY: Final = Refusal("intake.no_identity")
HONEYPOT: Final = Refusal("intake.honeypot")
NO_FIELDS: Final = Refusal("intake.empty_form")

FORM_UNKNOWN: Final = Refusal("form.unknown")
FOREIGN_ORIGIN: Final = Refusal("form.origin_not_allowed")

FORM_NAME: Final = "_form"
IDEMPOTENCY_KEY: Final = "_idempotency_key"
_LANDING_PAGE_VERSION: Final = frozenset({"landingpageversion", "landingversion", "pageversion"})

_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class Submission(NamedTuple):
    """What is known of a submission besides its body.

    ``form`` names its document, empty if it has none; ``version`` is the one that the visitor saw, None
    if that cannot be told. ``origin`` is the page's that sent it, where that is not our own. One that
    ``is_refused`` was sent back to the visitor, and is judged anew when it goes round.
    """

    form: str = ""
    version: int | None = None
    origin: str = ""
    is_refused: bool = False


FREE: Final = Submission()
"""A submission of a form that has no document."""


class CaptureReader:
    """Reads native leads and forms."""

    def __init__(
        self,
        *,
        traits: TraitReader,
        acts: ActReader,
        acquisition: AcquisitionReader,
        forms: Forms,
        rules: IdentityRules,
        hash_identifier: HashIdentifier,
    ) -> None:
        self._acts = acts
        self._acquisition = acquisition
        self._forms = forms
        self._traits = traits
        self._rules = rules
        self._hash = hash_identifier

    def read_lead(
        self, body: bytes | str, *, source: str, record_id: str, received: Instant, message_id: str | None
    ) -> Intake | Refusal:
        """Return what a native lead says; ``message_id`` is what the request itself was called."""
        try:
            given = _read_object(body)
        except _UNREADABLE:
            return MALFORMED
        return self.lead_of(
            given, source=source, record_id=record_id, received=received, message_id=message_id
        )

    def lead_of(
        self,
        fields: Mapping[str, object],
        *,
        source: str,
        record_id: str,
        received: Instant,
        message_id: str | None,
    ) -> Intake | Refusal:
        """Return what the fields of a native lead say."""
        given = dict(fields)
        traits = given.pop("traits", None)
        claims = Claims(
            given.pop("user_id", None), (given.pop("anonymous_id", None),), given.pop("external_id", None)
        )
        own_id = clean_text(given.pop("message_id", None))
        original = read_moment(given.pop("timestamp", None))
        sent = read_moment(given.pop("sent_at", None))
        if isinstance(traits, dict):
            given = {**given, **traits}
        return self._capture(
            claims,
            given,
            source=source,
            record_id=record_id,
            occurred=correct_moment(original=original, sent=sent, received=received),
            message_id=message_id or own_id,
            form=None,
        )

    def read_form(
        self,
        body: bytes,
        *,
        enctype: str,
        source: str,
        record_id: str,
        received: Instant,
        submission: Submission = FREE,
    ) -> Intake | Refusal:
        """Return what a form says; ``enctype`` is urlencoded, multipart, text or json."""
        fields = read_fields(body, enctype=enctype)
        if not fields:
            return NO_FIELDS
        given: dict[str, object] = {}
        for name, value in fields:
            if value:
                before = given.get(name)
                given[name] = f"{before}, {value}" if before else value
        if any(given.get(name) for name in HONEYPOT_FIELDS):
            return HONEYPOT
        form = None
        if submission.form:
            form = self._forms.find(submission.form, submission.version) or self._forms.find(submission.form)
            refusal = FORM_UNKNOWN if form is None else self._judge(form.name, fields, submission)
            if refusal is not None:
                return refusal
        hidden = {name: given.pop(name) for name in list(given) if name.startswith("_")}
        by_name = {fold_name(name): name for name in given}
        claims = Claims(
            None,
            (hidden.get("_anonymous_id") or _take(given, by_name, "anonymousid"),),
            _take(given, by_name, "externalid"),
        )
        intake = self._capture(
            claims,
            given,
            source=source,
            record_id=record_id,
            occurred=received,
            message_id=clean_text(hidden.get(IDEMPOTENCY_KEY)),
            form=submission.form or clean_text(hidden.get(FORM_NAME)) or source,
        )
        if isinstance(intake, Intake):
            intake.form = self._form_hash(fields, source=source, form=submission.form)
        if form is not None and isinstance(intake, Intake):
            self._add_what_the_document_says(intake, form, fields, submission)
        return intake

    def _form_hash(self, fields: Fields, *, source: str, form: str) -> str:
        """Return what is the same for the same form with the same values, by whatever name it was sent."""
        told = "\x1e".join(
            f"{name}\x1f{value.strip()}"
            for name, value in fields
            if value.strip() and name != IDEMPOTENCY_KEY
        )
        return self._hash(IdentifierKind.FORM, f"{source}\x1d{form}\x1d{told}").hash

    def _judge(self, name: str, fields: Fields, submission: Submission) -> Refusal | None:
        """Return why a submission is of no use: it comes from elsewhere, or was refused and still is."""
        form = self._forms.newest[name]
        if submission.origin and form.allowed_origins and submission.origin not in form.allowed_origins:
            return FOREIGN_ORIGIN
        if submission.is_refused:
            filled = take_up(form, fields, find_name=self._traits.find_name)
            faults = check(form, filled, rules=self._rules)
            return Refusal(faults[0].code) if faults else None
        return None

    def _add_what_the_document_says(
        self, intake: Intake, form: FormDocument, fields: Fields, submission: Submission
    ) -> None:
        assert intake.act is not None
        assert intake.traits is not None
        intake.act = intake.act._replace(
            fields={**intake.act.fields, "form_version": form.version}, tags=form.tags
        )
        intake.further_acts = [self._acts.read(one.act, one.properties) for one in form.acts]
        if submission.version is not None:
            for channel in sorted(take_up(form, fields, find_name=self._traits.find_name).agreed):
                intake.traits.terms[channel] = form.terms_of(channel)

    def _capture(
        self,
        claims: Claims,
        given: Mapping[str, object],
        *,
        source: str,
        record_id: str,
        occurred: Instant,
        message_id: str | None,
        form: str | None,
    ) -> Intake | Refusal:
        fields = dict(given)
        page_version = _take_page_version(fields)
        click = click_that_counts(self._acquisition.take_click(fields), occurred=occurred)
        acquisition = self._acquisition.take_fields(fields)
        traits = self._traits.read(fields)
        anchors, anonymous, external = identify(
            claims, traits, source=source, record_id=record_id, rules=self._rules, hash_identifier=self._hash
        )
        if not anchors and not anonymous:
            return NO_IDENTITY
        act = None
        if form is not None:
            told: dict[str, Scalar] = {
                "form": scrub_label(form),
                "start_within_months": traits.start_within_months,
            }
            if page_version:
                told["landing_page_version"] = page_version
            act = Act(FORM, told, is_declared=True)
        return Intake(
            source=source,
            occurred=occurred,
            anchors=anchors,
            anonymous=anonymous,
            message_id=show_message_id(message_id),
            external=external,
            traits=traits,
            act=act,
            acquisition=acquisition,
            click=None if click is None else self._hash(IdentifierKind.CLICK, click),
        )


def _take_page_version(given: dict[str, object]) -> str:
    text = ""
    for name in [name for name in given if fold_name(name) in _LANDING_PAGE_VERSION]:
        text = scrub_label(clean_text(given.pop(name)) or "")
    return text


def _take(given: dict[str, object], by_name: Mapping[str, str], folded: str) -> object:
    name = by_name.get(folded)
    return None if name is None else given.pop(name, None)
