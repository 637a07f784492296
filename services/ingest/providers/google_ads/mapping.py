"""What a lead of a Google lead form says; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.ingest.domain.channels.classifying import PAID_SEARCH
from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.moments import read_moment
from services.ingest.providers.values import digest_of, id_of, objects_of, present, read_object

KIND: Final = "google-ads"

_COLUMNS: Final[Mapping[str, str]] = {
    "WORK_EMAIL": "email",
    "EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE": "phone",
    "FULL_NAME": "name",
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "COMPANY_NAME": "company_name",
    "JOB_TITLE": "title",
    "COUNTRY": "country",
    "REGION": "region",
    "CITY": "city",
    "POSTAL_CODE": "postal_code",
    "STREET_ADDRESS": "street_address",
}
"""Google's columns under our names. Of two that mean the same the first here counts, the other is kept
as free text; a business wants the address at work."""

_ORDER: Final = {column: place for place, column in enumerate(_COLUMNS)}


def message_id_of(given: Mapping[str, Any], body: bytes) -> str:
    """Return what names a delivery: the lead's id, which is the same whenever Google sends it again."""
    return f"{KIND}-{id_of(given.get('lead_id')) or digest_of(body)}"


def read_lead(body: bytes) -> HookLead:
    """Return what one delivery says. Every field is optional, and unknown ones are allowed."""
    given = read_object(body)
    lead_id = id_of(given.get("lead_id"))
    fields = present(_answers(given.get("user_column_data")))
    for name in ("adgroup_id", "asset_group_id", "lead_stage"):
        if (text := id_of(given.get(name))) is not None:
            fields.setdefault(name, text)
    if (click := clean_text(given.get("gcl_id"))) is not None:
        fields["gclid"] = click
    return HookLead(
        fields=fields,
        external_id=lead_id,
        message_id=message_id_of(given, body),
        occurred=read_moment(given.get("lead_submit_time")),
        is_test=given.get("is_test") is True,
        form=id_of(given.get("form_id")) or "",
        channel=PAID_SEARCH,
        campaign=id_of(given.get("campaign_id")),
        ad=id_of(given.get("creative_id")),
    )


def _answers(columns: object) -> Iterator[tuple[str, object]]:
    """Yield the answers, ours first; a question of the advertiser's own goes by its text."""
    rows = sorted(
        objects_of(columns), key=lambda column: _ORDER.get(str(column.get("column_id")), len(_ORDER))
    )
    for column in rows:
        column_id = clean_text(column.get("column_id"))
        name = _COLUMNS.get(column_id or "") or clean_text(column.get("column_name")) or column_id
        if name is not None:
            yield name, column.get("string_value")
