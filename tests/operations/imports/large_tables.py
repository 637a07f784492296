"""Tables of any length, made by a seeded generator: CSV, or XLSX with shared texts as Excel keeps them.

Names, numbers and addresses are made up; no two rows are the same person. One row in 500 cannot be used,
because a spreadsheet took the digits of its number, and one in 2,000 is empty.
"""

from __future__ import annotations

import random
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HEADINGS: Final = (
    "Lead ID",
    "Name",
    "E-mail",
    "Phone",
    "Company",
    "Title",
    "Industry",
    "Region",
    "Created on",
)
REFUSED_EVERY: Final = 500
EMPTY_EVERY: Final = 2_000

_MAIN: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_FIRST: Final = ("Ada", "Bruno", "Clara", "David", "Elena", "Felix", "Grace", "Henrik", "Ines", "Jonas")
_LAST: Final = ("Weber", "Rossi", "Novak", "Silva", "Larsen", "Moreau", "Kowalski", "Byrne", "Haas", "Costa")
_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰"
_INDUSTRIES: Final = ("制造业", "互联网", "医药", "教育", "Technology", "Retail")
_REGIONS: Final = ("上海", "北京", "广东", "浙江")
_TITLES: Final = ("采购总监", "Manager", "工程师", "CEO", "Student")


def count_faulty(count: int) -> tuple[int, int]:
    """Return how many rows of a table of ``count`` cannot be used, and how many are empty."""
    empty = len(range(1, count, EMPTY_EVERY))
    return len(range(7, count, REFUSED_EVERY)), empty


def make_rows(count: int, *, seed: int = 6) -> Iterator[tuple[str, ...]]:
    """Yield rows of people; no two are the same person."""
    rng = random.Random(seed)
    for number in range(count):
        if number % EMPTY_EVERY == 1:
            yield ("",) * len(HEADINGS)
            continue
        if number % 2:
            name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
        else:
            name = rng.choice(_SURNAMES) + rng.choice(_GIVEN) + rng.choice(_GIVEN)
        yield (
            f"LD-{number}",
            name,
            f"p{number}@c{rng.randrange(count // 3 + 1)}.example",
            "1.38E+10" if number % REFUSED_EVERY == 7 else f"138{number:08d}",
            f"Company {rng.randrange(count // 3 + 1)} Ltd",
            rng.choice(_TITLES),
            rng.choice(_INDUSTRIES),
            rng.choice(_REGIONS),
            f"20{rng.randrange(20, 25)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        )


def write_csv(path: Path, count: int) -> None:
    """Write a table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(HEADINGS) + "\r\n")
        for row in make_rows(count):
            file.write(",".join(row) + "\r\n")


def write_xlsx(path: Path, count: int) -> None:
    """Write a table as XLSX; every text is shared, as Excel shares them."""
    known: dict[str, int] = {}
    total = 0
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        tempfile.TemporaryFile("w+", encoding="utf-8") as strings,
    ):
        archive.writestr("xl/workbook.xml", _WORKBOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", _RELATIONS)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f"<worksheet {_MAIN}><sheetData>".encode())
            for number, row in enumerate(_with_headings(count), start=1):
                cells = []
                for place, text in enumerate(row):
                    if not text:
                        continue
                    index = known.get(text)
                    if index is None:
                        index = total
                        total += 1
                        strings.write(f"<si><t>{text}</t></si>")
                        if len(known) < 10_000:
                            known[text] = index
                    cells.append(f'<c r="{chr(65 + place)}{number}" t="s"><v>{index}</v></c>')
                sheet.write(f'<row r="{number}">{"".join(cells)}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        strings.seek(0)
        with archive.open("xl/sharedStrings.xml", "w") as shared:
            shared.write(f"<sst {_MAIN}>".encode())
            while piece := strings.read(1024 * 1024):
                shared.write(piece.encode())
            shared.write(b"</sst>")


def _with_headings(count: int) -> Iterator[tuple[str, ...]]:
    yield HEADINGS
    yield from make_rows(count)


_WORKBOOK: Final = (
    f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets><sheet name="People" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>"
)
_RELATIONS: Final = (
    '<Relationships><Relationship Id="rId1" Type="worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
