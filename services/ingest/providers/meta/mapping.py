"""What Meta's notices and leads say; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from services.ingest.domain.channels.classifying import PAID_SOCIAL, SOCIAL
from services.ingest.domain.dialects.hooks import UNEXPECTED, Errand, HookLead
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.intake import Refusal
from services.ingest.providers.values import (
    id_of,
    moment_of_seconds,
    objects_of,
    present,
    read_object,
)
from shared.kernel.instants import Instant, from_datetime

PROVIDER: Final = "meta"
NOTICE: Final = "meta.notice"
LEAD: Final = "meta.lead"

_TEST: Final = "test lead: dummy data for"
_NAMES: Final[Mapping[str, str]] = {
    "work_email": "email",
    "email": "email",
    "work_phone_number": "phone",
    "phone_number": "phone",
    "phone": "phone",
    "full_name": "name",
    "first_name": "first_name",
    "last_name": "last_name",
    "company_name": "company_name",
    "job_title": "title",
    "country": "country",
    "state": "region",
    "province": "region",
    "city": "city",
}
"""Meta's names of its own questions under ours; of two that mean the same the first here counts."""

_ORDER: Final = {name: place for place, name in enumerate(_NAMES)}
_KEPT: Final = ("adset_id", "platform")


def notice_id_of(lead_id: str) -> str:
    """Return what names the notice about a lead; notices come again for a day and a half."""
    return f"{NOTICE}-{lead_id}"


def lead_message_id_of(lead_id: str) -> str:
    """Return what names a lead, however it was found."""
    return f"{PROVIDER}-{lead_id}"


def read_notice(body: bytes) -> Errand | Refusal:
    """Return what a notice asks for: it carries ids only."""
    given = read_object(body)
    lead_id = id_of(given.get("leadgen_id"))
    if lead_id is None:
        return UNEXPECTED
    return Errand(
        provider=PROVIDER,
        what="fetch_lead",
        external_id=lead_id,
        message_id=notice_id_of(lead_id),
        form=id_of(given.get("form_id")) or "",
        account=id_of(given.get("page_id")) or "",
        occurred=moment_of_seconds(given.get("created_time")),
    )


def read_lead(body: bytes) -> HookLead:
    """Return what a lead says, as the Graph API has it."""
    given = read_object(body)
    lead_id = id_of(given.get("id"))
    answers = objects_of(given.get("field_data"))
    fields = present(_answers(answers))
    for box in objects_of(given.get("custom_disclaimer_responses")):
        name = clean_text(box.get("checkbox_key"))
        if name is not None:
            fields.setdefault(name, _is_checked(box.get("is_checked")))
    for name in _KEPT:
        if (text := id_of(given.get(name))) is not None:
            fields.setdefault(name, text)
    return HookLead(
        fields=fields,
        external_id=lead_id,
        message_id=None if lead_id is None else lead_message_id_of(lead_id),
        occurred=_moment_of(given.get("created_time")),
        is_test=any(_TEST in text for answer in answers for text in _texts(answer.get("values"))),
        form=id_of(given.get("form_id")) or "",
        channel=SOCIAL if given.get("is_organic") is True else PAID_SOCIAL,
        campaign=id_of(given.get("campaign_id")),
        ad=id_of(given.get("ad_id")),
    )


def find_reach(given: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return e-mail and number of a lead, if it has them."""
    fields = present(_answers(objects_of(given.get("field_data"))))
    return clean_text(fields.get("email")), clean_text(fields.get("phone"))


def _answers(answers: list[dict[str, Any]]) -> Iterator[tuple[str, object]]:
    for answer in sorted(answers, key=lambda one: _ORDER.get(str(one.get("name")).lower(), len(_ORDER))):
        name = clean_text(answer.get("name"))
        texts = _texts(answer.get("values"))
        if name is None or not texts:
            continue
        ours = _NAMES.get(name.lower())
        yield (ours, texts[0]) if ours else (name, texts[0] if len(texts) == 1 else texts)


def _texts(values: object) -> list[str]:
    listed = values if isinstance(values, list) else [values]
    return [text for text in map(clean_text, listed) if text is not None]


def _is_checked(value: object) -> bool:
    return value is True or str(value).strip().lower() in {"1", "true", "yes"}


def _moment_of(value: object) -> Instant | None:
    """Read 2026-11-21T20:30:00+0000, as the Graph API writes it, or seconds since 1970."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return moment_of_seconds(value)
        return from_datetime(moment) if moment.tzinfo is not None else None
    return moment_of_seconds(value)
