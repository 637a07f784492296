"""Typeform's responses, understood. Pure.

An answer is called by its question's reference where a person gave one (``company``), else by the
question's text; the reference that Typeform itself makes is a UUID and says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.domain.intake import Refusal
from services.ingest.domain.moments import read_moment
from services.ingest.providers.payloads import NOT_ABOUT_A_LEAD, read_object
from services.ingest.providers.port import key_of
from services.ingest.providers.values import id_of, object_of, objects_of

NAME: Final = "typeform"
RESPONSE: Final = "form_response"
"""What Typeform calls the event of a response, and the response in it."""

_MADE_BY_MACHINE: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_LONGEST_NAME: Final = 64
_DEVICE: Final = "anonymous_id"
_REACHES: Final[Mapping[str, str]] = {"email": "email", "phone_number": "phone"}


def read_response(body: bytes) -> HookLead | Refusal:
    """Return what one response says."""
    given = read_object(body)
    response = given.get(RESPONSE)
    if given.get("event_type") != RESPONSE or not isinstance(response, dict):
        return NOT_ABOUT_A_LEAD
    hidden = object_of(response.get("hidden"))
    fields: dict[str, object] = {name: value for name, value in hidden.items() if name != _DEVICE}
    titles = _titles(response.get("definition"))
    for answer in objects_of(response.get("answers")):
        name, value = _name_of(answer, titles), _value_of(answer)
        if name and value is not None:
            fields.setdefault(name, value)
    return HookLead(
        fields=fields,
        message_id=message_id_of(given),
        anonymous_id=clean_text(hidden.get(_DEVICE)),
        occurred=read_moment(response.get("submitted_at")),
        form=id_of(response.get("form_id")) or NAME,
    )


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever a response is delivered again: its token."""
    token = id_of(object_of(given.get(RESPONSE)).get("token")) or id_of(given.get("event_id"))
    return None if token is None else f"{NAME}-{token}"


def key_of_response(given: Mapping[str, Any]) -> tuple[IdentifierKind, str] | None:
    """Return by what a response is kept in order with others of the same person."""
    answers = objects_of(object_of(given.get(RESPONSE)).get("answers"))
    found = {str(answer.get("type")): answer for answer in answers}
    return key_of(
        email=found.get("email", {}).get("email"), phone=found.get("phone_number", {}).get("phone_number")
    )


def _titles(definition: object) -> dict[str, str]:
    titles: dict[str, str] = {}
    for question in objects_of(object_of(definition).get("fields")):
        question_id, title = clean_text(question.get("id")), clean_text(question.get("title"))
        if question_id and title:
            titles[question_id] = title
    return titles


def _name_of(answer: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    if (ours := _REACHES.get(str(answer.get("type")))) is not None:
        return ours
    question = object_of(answer.get("field"))
    reference, question_id = clean_text(question.get("ref")), clean_text(question.get("id")) or ""
    if reference and not _MADE_BY_MACHINE.fullmatch(reference):
        return reference[:_LONGEST_NAME]
    return titles.get(question_id, question_id)[:_LONGEST_NAME]


def _value_of(answer: Mapping[str, Any]) -> object:
    kind = str(answer.get("type"))
    value = answer.get(kind)
    match kind:
        case "choice":
            return clean_text(object_of(value).get("label")) or clean_text(object_of(value).get("other"))
        case "choices":
            labels = [*(object_of(value).get("labels") or ()), object_of(value).get("other")]
            return ", ".join(filter(None, map(clean_text, labels))) or None
        case "payment":
            return None
        case _:
            return value if isinstance(value, bool) else clean_text(value)
