"""Templates as files."""

from __future__ import annotations

from typing import Final

from services.ingest.domain.imports.faults import Language
from services.ingest.domain.imports.template import Template
from services.ingest.providers.spreadsheets.delimited import write_text
from services.ingest.providers.spreadsheets.xlsx_writing import Sheet, write_workbook

_NAMES: Final = {"en": ("Table", "Notes"), "zh": ("表格", "说明")}


def write_template(template: Template, *, language: Language, is_xlsx: bool) -> bytes:
    """Return the file that people fill in: a workbook whose second sheet explains the columns, or CSV."""
    if not is_xlsx:
        return write_text(template.rows)
    table, notes = _NAMES[language]
    return write_workbook([Sheet(table, template.rows, texts=template.texts), Sheet(notes, template.notes)])
