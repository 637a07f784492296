"""What LinkedIn's notices and leads say; pure.

A lead is kept together with its form, because answers name questions by number only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from services.ingest.domain.channels.classifying import PAID_SOCIAL, SOCIAL
from services.ingest.domain.dialects.hooks import UNEXPECTED, Errand, HookLead
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.intake import Refusal
from services.ingest.providers.payloads import NOT_ABOUT_A_LEAD
from services.ingest.providers.values import (
    id_of,
    moment_of_milliseconds,
    object_of,
    objects_of,
    present,
    read_object,
)

PROVIDER: Final = "linkedin"
NOTICE: Final = "linkedin.notice"
UNSIGNED: Final = "linkedin.unsigned"
LEAD: Final = "linkedin.lead"

ERASURE_UNSIGNED: Final = Refusal("hook.erasure_unsigned")
"""A notice that asks for an erasure and is not signed: a person decides, by `POST /v1/erasures`."""

_NAMES: Final[Mapping[str, str]] = {
    "WORK_EMAIL": "email",
    "EMAIL": "email",
    "WORK_PHONE_NUMBER": "phone",
    "PHONE_NUMBER": "phone",
    "MOBILE_PHONE_NUMBER": "phone",
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "COMPANY_NAME": "company_name",
    "COMPANY_SIZE": "size",
    "INDUSTRY": "industry",
    "JOB_TITLE": "title",
    "SENIORITY": "title_level",
    "COUNTRY": "country",
    "STATE": "region",
    "CITY": "city",
}
"""LinkedIn's own questions under our names; of two that mean the same the first here counts."""

_ORDER: Final = {name: place for place, name in enumerate(_NAMES)}
_WHAT: Final[Mapping[object, Literal["fetch_lead", "erase"]]] = {"CREATED": "fetch_lead", "DELETED": "erase"}


def tail_of(urn: object) -> str | None:
    """Return the id at the end of an URN: 3162 of urn:li:leadGenForm:3162, of a version of it, too."""
    text = clean_text(urn)
    if text is None:
        return None
    inner = text.partition("(")[2].partition(",")[0] or text
    return inner.rpartition(":")[2].strip(" )") or None


def notice_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what names a notice: what was done to which lead."""
    lead_id = tail_of(given.get("leadGenFormResponse"))
    action = clean_text(given.get("leadAction"))
    return None if lead_id is None or action is None else f"{NOTICE}-{action.lower()}-{lead_id}"


def lead_message_id_of(lead_id: str) -> str:
    """Return what names a lead, however it was found."""
    return f"{PROVIDER}-{lead_id}"


def owner_of(given: Mapping[str, Any]) -> str:
    """Return the URN of the account or organisation that owns a lead."""
    owner = object_of(given.get("owner"))
    return clean_text(owner.get("sponsoredAccount")) or clean_text(owner.get("organization")) or ""


def read_notice(body: bytes) -> Errand | Refusal:
    """Return what a notice asks for: it carries ids only."""
    given = read_object(body)
    what = _WHAT.get(given.get("leadAction")) if given.get("type") == "LEAD_ACTION" else None
    if what is None:
        return NOT_ABOUT_A_LEAD
    lead_id = tail_of(given.get("leadGenFormResponse"))
    if lead_id is None:
        return UNEXPECTED
    return Errand(
        provider=PROVIDER,
        what=what,
        external_id=lead_id,
        message_id=notice_id_of(given),
        form=tail_of(given.get("leadGenForm")) or "",
        account=owner_of(given),
        occurred=moment_of_milliseconds(given.get("occurredAt")),
    )


def read_unsigned_notice(body: bytes) -> Errand | Refusal:
    """Return what a notice asks for that nobody signed: a lead may be fetched, and nobody erased."""
    found = read_notice(body)
    if isinstance(found, Errand) and found.what == "erase":
        return ERASURE_UNSIGNED
    return found


def read_lead(body: bytes) -> HookLead:
    """Return what a lead says: ``response`` as LinkedIn has it, and its ``form``."""
    given = read_object(body)
    response, form = object_of(given.get("response")), object_of(given.get("form"))
    lead_id = id_of(response.get("id"))
    fields = find_fields(response, form)
    metadata = object_of(object_of(response.get("leadMetadata")).get("sponsoredLeadMetadata"))
    entity = object_of(response.get("associatedEntity"))
    is_paid = response.get("leadType") in {None, "SPONSORED"}
    return HookLead(
        fields=fields,
        external_id=lead_id,
        message_id=None if lead_id is None else lead_message_id_of(lead_id),
        occurred=moment_of_milliseconds(response.get("submittedAt")),
        is_test=response.get("testLead") is True,
        form=tail_of(response.get("versionedLeadGenFormUrn")) or "",
        channel=PAID_SOCIAL if is_paid else SOCIAL,
        campaign=tail_of(metadata.get("campaign")),
        ad=tail_of(entity.get("associatedCreative") or entity.get("sponsoredCreative")),
    )


def find_fields(response: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, object]:
    """Return the answers of a lead under our names, and what the form says of itself."""
    told = object_of(response.get("formResponse"))
    fields = present(_answers(told, object_of(form.get("content"))))
    for hidden in objects_of(form.get("hiddenFields")):
        name, value = clean_text(hidden.get("name")), clean_text(hidden.get("value"))
        if name is not None and value is not None:
            fields.setdefault(name, value)
    for consent in objects_of(told.get("consentResponses")):
        number = id_of(consent.get("consentId"))
        if number is not None:
            fields.setdefault(f"linkedin_consent_{number}", consent.get("accepted") is True)
    return fields


def _answers(told: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    questions = {id_of(one.get("questionId")): one for one in objects_of(content.get("questions"))}
    found = []
    for answer in objects_of(told.get("answers")):
        number = id_of(answer.get("questionId"))
        question = questions.get(number, {})
        own = clean_text(question.get("predefinedField")) or ""
        name = _NAMES.get(own) or own.lower() or _label(question.get("question"))
        name = name or clean_text(answer.get("name")) or clean_text(question.get("name")) or number
        value = _value(object_of(answer.get("answerDetails")), question)
        if name is not None and value is not None:
            found.append((_ORDER.get(own, len(_ORDER)), name, value))
    for _, name, value in sorted(found, key=lambda one: one[0]):
        yield name, value


def _value(details: Mapping[str, Any], question: Mapping[str, Any]) -> object:
    text = clean_text(object_of(details.get("textQuestionAnswer")).get("answer"))
    if text is not None:
        return text
    chosen = object_of(details.get("multipleChoiceAnswer")).get("options")
    if not isinstance(chosen, list):
        return None
    choice = object_of(object_of(question.get("questionDetails")).get("multipleChoiceQuestionDetails"))
    options = {id_of(one.get("id")): _label(one.get("text")) for one in objects_of(choice.get("options"))}
    texts = [options.get(clean_text(one)) or clean_text(one) for one in chosen]
    return [text for text in texts if text] or None


def _label(told: object) -> str | None:
    """Return a text that may be there in several languages: the first."""
    localized = object_of(object_of(told).get("localized"))
    return clean_text(told) or next(filter(None, map(clean_text, localized.values())), None)
