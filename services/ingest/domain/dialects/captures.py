"""Captures: a lead told in one message, by the native API or by a form.

A native lead is one JSON object whose fields are traits; ``external_id``, ``user_id``,
``anonymous_id``, ``message_id`` and ``timestamp`` tell whose and when. A form's fields are traits
under whatever labels the page gave them; names that begin with ``_`` are for us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from services.ingest.domain.acts import FORM, Act
from services.ingest.domain.dialects.acquisition import AcquisitionReader
from services.ingest.domain.identifiers import (
    HashIdentifier,
    IdentifierKind,
    IdentityRules,
    clean_text,
)
from services.ingest.domain.intake import Claims, Intake, Refusal, identify, show_message_id
from services.ingest.domain.links.addresses import click_that_counts
from services.ingest.domain.moments import correct_moment, read_moment
from services.ingest.domain.scrubbing import Scalar, drop_zeros, scrub_label
from services.ingest.domain.traits import TraitReader, fold_name
from shared.kernel.instants import Instant

MALFORMED: Final = Refusal("intake.malformed_json")
NO_IDENTITY: Final = Refusal("intake.no_identity")
HONEYPOT: Final = Refusal("intake.honeypot")
NO_FIELDS: Final = Refusal("intake.empty_form")

FORM_NAME: Final = "_form"
IDEMPOTENCY_KEY: Final = "_idempotency_key"
HONEYPOT_FIELDS: Final = ("website", "_gotcha", "_honeypot")
"""Fields that a person cannot see; whoever fills them is a machine."""

_MOST_FIELDS: Final = 200

_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)

Fields = Sequence[tuple[str, str]]


class CaptureReader:
    """Reads native leads and forms."""

    def __init__(
        self,
        *,
        traits: TraitReader,
        acquisition: AcquisitionReader,
        rules: IdentityRules,
        hash_identifier: HashIdentifier,
    ) -> None:
        self._acquisition = acquisition
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
        message_id: str | None,
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
        hidden = {name: given.pop(name) for name in list(given) if name.startswith("_")}
        by_name = {fold_name(name): name for name in given}
        claims = Claims(
            None,
            (hidden.get("_anonymous_id") or _take(given, by_name, "anonymousid"),),
            _take(given, by_name, "externalid"),
        )
        return self._capture(
            claims,
            given,
            source=source,
            record_id=record_id,
            occurred=received,
            message_id=clean_text(hidden.get(IDEMPOTENCY_KEY)) or message_id,
            form=clean_text(hidden.get(FORM_NAME)) or source,
        )

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


def _take(given: dict[str, object], by_name: Mapping[str, str], folded: str) -> object:
    name = by_name.get(folded)
    return None if name is None else given.pop(name, None)


def read_fields(body: bytes, *, enctype: str) -> Fields:
    """Return the fields of a form in order, names as often as they stand there; at most 200."""
    fields = _split_fields(body, enctype)
    return [(drop_zeros(name), drop_zeros(value)) for name, value in fields] if _has_zeros(body) else fields


def _has_zeros(body: bytes) -> bool:
    return b"%00" in body or b"\0" in body or b"\\u0000" in body


def _split_fields(body: bytes, enctype: str) -> Fields:
    match enctype:
        case "multipart":
            return _read_multipart(body)[:_MOST_FIELDS]
        case "text":
            return _read_lines(body.decode("utf-8", "replace"))[:_MOST_FIELDS]
        case "json":
            try:
                given = _read_object(body)
            except _UNREADABLE:
                return []
            texts = [(name, clean_text(value)) for name, value in given.items()]
            return [(name, text) for name, text in texts if text is not None][:_MOST_FIELDS]
        case _:
            text = body.decode("utf-8", "replace")
            try:
                return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
            except ValueError:
                return []


def _read_lines(text: str) -> list[tuple[str, str]]:
    """Read ``name=value`` lines; a line without "=" goes on with the value before."""
    fields: list[tuple[str, str]] = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip():
            fields.append((name.strip(), value))
        elif fields and line:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]}\n{line}")
    return fields


def _read_multipart(body: bytes) -> list[tuple[str, str]]:
    """Read the text parts; the boundary is the first line, and files are passed over."""
    boundary = body.partition(b"\r\n")[0]
    if not boundary.startswith(b"--") or len(boundary) > 200:
        return []
    fields: list[tuple[str, str]] = []
    for part in body.split(boundary)[1:]:
        head, gap, content = part.partition(b"\r\n\r\n")
        disposition = head.decode("utf-8", "replace")
        if not gap or "filename=" in disposition:
            continue
        _, _, rest = disposition.partition('name="')
        name, quote, _ = rest.partition('"')
        if quote and name:
            fields.append(
                (name.replace("%22", '"'), content.removesuffix(b"\r\n").decode("utf-8", "replace"))
            )
    return fields
