"""Files as spreadsheet programs write them, made by hand so that every corner can be put in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from services.ingest.domain.imports.cells import Cell
from services.ingest.domain.imports.columns import ColumnMatcher
from services.ingest.domain.imports.definitions import ImportRules, TableKind
from services.ingest.domain.imports.faults import RowFault
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.domain.imports.rows import Row, RowReader
from services.ingest.domain.imports.survey import find_manner
from services.ingest.domain.traits import FieldNames
from services.ingest.providers.spreadsheets.tables import Table, TableRow
from services.ingest.store.imports.documents import read_import_rules
from shared.kernel.instants import Instant, parse_instant
from shared.working_time.zones import load_zone
from tests.unit.ingest.requests import ROOT, RULEBOOK

NOW: Instant = parse_instant("2026-03-10T02:00:00Z")
SHANGHAI = load_zone("Asia/Shanghai")
NAMES = FieldNames(RULEBOOK.field_names)


@cache
def rules() -> ImportRules:
    """The shipped document."""
    return read_import_rules(Path(ROOT) / "config" / "ingest")


OPENED: list[Table] = []
"""Tables that a test has opened; each is closed when the test is over."""


def open_table(content: bytes, **options: Any) -> Table:
    table = Table(io.BytesIO(content), ImportOptions(**options))
    OPENED.append(table)
    return table


def read_all(content: bytes, **options: Any) -> tuple[list[str], list[TableRow]]:
    """The headings and the rows of a file."""
    table = open_table(content, **options)
    return table.headings, list(table.rows())


def read_rows(
    kind: TableKind, headings: Sequence[str], *rows: Sequence[Cell], **options: Any
) -> list[Row | RowFault | None]:
    """What the rows of a table say, as an import reads them."""
    given = ImportOptions(**options)
    matcher = ColumnMatcher(kind, rules().kinds[kind], names=NAMES)
    columns = matcher.match(headings, said=given.columns, saved={})
    manner = find_manner(columns, rows, given)
    reader = RowReader(
        kind,
        columns,
        rules=rules(),
        mode=given.mode,
        orders=manner.orders,
        marks=manner.marks,
        zone=SHANGHAI,
        now=NOW,
        currency=given.currency,
        event=given.event,
    )
    return [reader.read(number, cells) for number, cells in enumerate(rows, start=2)]


def read_row(kind: TableKind, **options: Any) -> Any:
    """What one row says; its cells are given by their heading."""
    cells = {
        name: options.pop(name) for name in tuple(options) if name not in ImportOptions.__struct_fields__
    }
    (told,) = read_rows(kind, list(cells), list(cells.values()), **options)
    return told


def workbook(
    *rows: str,
    strings: Sequence[str] = (),
    styles: str = "",
    workbook_pr: str = "",
    sheets: str = '<sheet name="People" sheetId="1" r:id="rId1"/>',
    prefix: str = "",
    **parts: str,
) -> bytes:
    """A workbook from the XML of its rows; ``prefix`` is what some programs put before every name."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    if prefix:
        main = main.replace("xmlns=", f"xmlns:{prefix}=")
    office = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    p = f"{prefix}:" if prefix else ""
    files = {
        "xl/workbook.xml": f"<workbook {main.replace(f':{prefix}', '') if prefix else main} {office}>"
        f"{workbook_pr}<sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": "<Relationships>"
        '<Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
        '<Relationship Id="rId2" Type="x/worksheet" Target="/xl/worksheets/sheet2.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<{p}worksheet {main}><{p}sheetData>{''.join(rows)}</{p}sheetData>"
        f"</{p}worksheet>",
        **parts,
    }
    if strings:
        files["xl/sharedStrings.xml"] = f"<sst {main}>{''.join(strings)}</sst>"
    if styles:
        files["xl/styles.xml"] = f"<styleSheet {main}>{styles}</styleSheet>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


def text_row(number: int, *texts: str) -> str:
    """The XML of a row of texts."""
    cells = "".join(
        f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        for place, text in enumerate(texts)
        if text
    )
    return f'<row r="{number}">{cells}</row>'
