"""Writes a small workbook: texts, headings that stay in view, columns that are text whatever is typed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_WHEN: Final = (2026, 1, 1, 0, 0, 0)
_GENERAL, _BOLD, _TEXT = 0, 1, 2

_STYLES: Final = f"""{_HEAD}<styleSheet xmlns="{_MAIN}">
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill>
<fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border/></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>
</styleSheet>"""


class Sheet:
    """One sheet to write: its name, its rows, and the places of columns that are text."""

    def __init__(self, name: str, rows: Sequence[Sequence[str]], *, texts: Collection[int] = ()) -> None:
        self.name = name
        self.rows = rows
        self.texts = texts


def write_workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return a workbook; the same sheets give the same bytes."""
    file = io.BytesIO()
    numbers = range(1, len(sheets) + 1)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = {
            "[Content_Types].xml": _types(numbers),
            "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
            "xl/workbook.xml": _workbook(sheets),
            "xl/_rels/workbook.xml.rels": _relations(
                [
                    *(("worksheet", f"worksheets/sheet{number}.xml") for number in numbers),
                    ("styles", "styles.xml"),
                ]
            ),
            "xl/styles.xml": _STYLES,
        }
        for number, sheet in zip(numbers, sheets, strict=True):
            parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(sheet)
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _WHEN), text, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _types(numbers: Sequence[int]) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{kind}.worksheet+xml"/>'
        for number in numbers
    )
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{sheets}</Types>'
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'


def _workbook(sheets: Sequence[Sheet]) -> str:
    lines = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, sheet in enumerate(sheets, start=1)
    )
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{lines}</sheets></workbook>'


def _sheet(sheet: Sheet) -> str:
    width = max((len(row) for row in sheet.rows), default=1)
    columns = "".join(
        f'<col min="{place + 1}" max="{place + 1}" width="20" customWidth="1"'
        f' style="{_TEXT if place in sheet.texts else _GENERAL}"/>'
        for place in range(width)
    )
    rows = []
    for number, row in enumerate(sheet.rows, start=1):
        cells = "".join(
            f'<c r="{_letters(place)}{number}" s="{_style(number, place, sheet.texts)}" t="inlineStr">'
            f'<is><t xml:space="preserve">{escape(text)}</t></is></c>'
            for place, text in enumerate(row)
            if text
        )
        rows.append(f'<row r="{number}">{cells}</row>')
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews>'
        f'<sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>{''.join(rows)}</sheetData></worksheet>"
    )


def _style(number: int, place: int, texts: Collection[int]) -> int:
    return _BOLD if number == 1 else _TEXT if place in texts else _GENERAL


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
