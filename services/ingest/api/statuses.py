"""The HTTP statuses of ingest's own codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATUSES: Final[Mapping[str, int]] = {
    "write_key.invalid": 401,
    "write_key.out_of_scope": 403,
    "intake.unknown_lead": 404,
    "intake.erased": 409,
    "lead.not_merged": 409,
    "import.unknown": 404,
    "import.not_ready": 409,
    "import.dates_ambiguous": 409,
    "import.too_large": 413,
    "lead.already_one": 409,
    "lead.too_large": 409,
    "conflict.unknown": 404,
    "conflict.settled": 409,
    "conflict.of_one": 409,
    "lead.unknown": 404,
    "lead.reason_unknown": 422,
    "lead.erased": 410,
    "lead.not_yours": 403,
    "lead.version_changed": 412,
    "lead.identifier_taken": 409,
    "lead.too_many_identifiers": 409,
    "lead.anonymous": 409,
    "correction.value_unknown": 422,
    "correction.nothing": 422,
    "correction.too_much": 422,
    "correction.said_twice": 422,
    "correction.nothing_in_bulk": 422,
    "cloudevent.format_unknown": 415,
    "idempotency.in_flight": 409,
    "idempotency.key_reused": 422,
}
"""What a refusal is answered with, by its code; others are 400."""
