"""Webhooks of tools that sign nothing and call their fields as their user likes, understood. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.moments import read_moment
from services.ingest.domain.traits import fold_name
from services.ingest.providers.payloads import read_object

NAME: Final = "webhook"

_ENTRY: Final = frozenset({"id", "entryid", "externalid", "leadid", "submissionid", "responseid"})
_FORM: Final = frozenset({"form", "formid", "formname", "formtitle"})
_WHEN: Final = frozenset({"timestamp", "datecreated", "createdat", "submittedat", "occurredat"})
_DEVICE: Final = frozenset({"anonymousid"})
_MESSAGE: Final = frozenset({"messageid", "eventid", "idempotencykey"})


def read_fields(body: bytes) -> HookLead:
    """Return what the fields say, read by their names as those of a native lead are."""
    given = read_object(body)
    message_id, form = message_id_of(given), _take(given, _FORM)
    _take(given, _MESSAGE)
    return HookLead(
        fields=given,
        external_id=_take(given, _ENTRY),
        message_id=message_id,
        anonymous_id=_take(given, _DEVICE),
        occurred=read_moment(_take(given, _WHEN)),
        form=form or NAME,
    )


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever the tool sends it again: its own id of the message or entry."""
    for names in (_MESSAGE, _ENTRY):
        if (own := _take(dict(given), names)) is not None:
            return f"{NAME}-{own}"
    return None


def _take(given: dict[str, Any], names: frozenset[str]) -> str | None:
    found = None
    for name in [name for name in given if fold_name(name) in names]:
        text = clean_text(given.pop(name))
        found = found or text
    return found
