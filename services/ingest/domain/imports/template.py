"""The table that people fill in: its headings, one example, and what the columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.ingest.domain.imports.definitions import ImportRules, TableKind
from services.ingest.domain.imports.faults import Language

_PREFILLED: Final = 200
"""Rows in which the event's name stands already."""

_TYPES: Final = {
    "en": {
        "day": "a day, as 2026-03-02",
        "moment": "a day, as 2026-03-02, with a time if you like",
        "id": "text, not a number",
        "phone": "text, not a number",
        "amount": "an amount, as 1234.56",
        "number": "a number",
        "currency": "a code, as CNY",
        "owner": "the id of a rep; counts for history only",
        "status": "new, contacted, interested, activated or invalid; counts for history only",
    },
    "zh": {
        "day": "日期，例如 2026-03-02",
        "moment": "日期，例如 2026-03-02，可带时间",
        "id": "文本，不要用数字格式",
        "phone": "文本，不要用数字格式",
        "amount": "金额，例如 1234.56",
        "number": "数字",
        "currency": "货币代码，例如 CNY",
        "owner": "销售的编号；仅对历史导入有效",
        "status": "new、contacted、interested、activated 或 invalid；仅对历史导入有效",
    },
}


class Template(NamedTuple):
    """A table to fill in; ``texts`` are the places of columns that hold text whatever it looks like."""

    rows: Sequence[Sequence[str]]
    notes: Sequence[Sequence[str]]
    texts: frozenset[int]


def make_template(rules: ImportRules, kind: TableKind, *, language: Language, event: str = "") -> Template:
    """Return the template of a kind of table; of events with the event's name, if it is given (I1)."""
    definition = rules.kinds[kind]
    headings = [one.zh if language == "zh" else one.en for one in definition.fields]
    if kind == "events" and event:
        filled = [event if one.field == "live_event" else "" for one in definition.fields]
        rows = [headings, *[filled] * _PREFILLED]
    else:
        rows = [headings, [one.example for one in definition.fields]]
    needed = {field for group in definition.needs for field in group}
    words = ("必填（或其一）", "选填") if language == "zh" else ("needed (or another of these)", "if known")
    notes = [
        [heading, words[0] if one.field in needed else words[1], _TYPES[language].get(one.type, "")]
        for heading, one in zip(headings, definition.fields, strict=True)
    ]
    texts = frozenset(
        place for place, one in enumerate(definition.fields) if one.type in {"id", "phone", "text"}
    )
    return Template(rows, notes, texts)
