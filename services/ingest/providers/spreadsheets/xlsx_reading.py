"""Reads XLSX row by row, in memory that does not grow with the table (ADR 23).

Written for what spreadsheet programs write (ECMA-376 part 1, 18.3 and 18.4): shared, inline and formula
texts, numbers, dates by their format, both date systems, rows and cells that are left out.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final
from xml.parsers import expat

from services.ingest.domain.imports.cells import Cell, Number
from services.ingest.providers.spreadsheets.number_formats import date_text, shows_date
from services.ingest.providers.spreadsheets.recognising import FileNotATable
from services.ingest.providers.spreadsheets.shared_strings import SharedStrings, TooMuchText
from shared.kernel.errors import Rejected

_PIECE: Final = 64 * 1024
_MOST_COLUMNS: Final = 1_000
_MOST_ROWS: Final = 1_048_576
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DAMAGED: Final = (expat.ExpatError, zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError, TooMuchText)


class SheetUnknown(Rejected):
    """The workbook has no sheet of this name."""

    code = "import.sheet_unknown"


class Workbook:
    """An open workbook; close it to let go of what it keeps on disk.

    :raises FileNotATable: if it is damaged.
    :raises SheetUnknown: if it has no sheet called ``sheet``; without a name it is the first that is shown.
    """

    def __init__(self, file: BinaryIO, *, sheet: str = "") -> None:
        self._strings = SharedStrings()
        try:
            self._archive = zipfile.ZipFile(file)
            self._read_workbook(sheet)
            self._read_styles()
            self._read_strings()
        except _DAMAGED:
            self.close()
            raise _damaged() from None
        except Rejected:
            self.close()
            raise

    def close(self) -> None:
        """Let go of everything but the file, which whoever opened it closes."""
        self._strings.close()

    def rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Yield the number and the cells of each row that is there; empty rows may be left out.

        :raises FileNotATable: if the sheet turns out to be damaged.
        """
        reader = _SheetReader(self._strings, self._dates, since_1904=self._since_1904)
        try:
            with self._archive.open(self._path) as stream:
                while piece := stream.read(_PIECE):
                    reader.feed(piece)
                    yield from reader.take()
                reader.feed(b"", is_last=True)
                yield from reader.take()
        except _DAMAGED:
            raise _damaged() from None

    def _read_workbook(self, wanted: str) -> None:
        root = next(name for name in self._archive.namelist() if name.endswith("workbook.xml"))
        folder = posixpath.dirname(root)
        targets = {
            one["Id"]: one["Target"]
            for name, one in self._elements(f"{folder}/_rels/{posixpath.basename(root)}.rels")
            if name == "Relationship"
        }
        sheets: list[tuple[str, str, bool]] = []
        self._since_1904 = False
        for name, given in self._elements(root):
            if name == "sheet":
                target = targets[next(value for key, value in given.items() if key.endswith("id"))]
                path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                is_shown = given.get("state", "visible") == "visible" and "chartsheet" not in target
                sheets.append((given["name"], posixpath.normpath(path), is_shown))
            elif name == "workbookPr":
                self._since_1904 = given.get("date1904") in {"1", "true"}
        self._folder = folder
        if wanted:
            found = next((one for one in sheets if one[0].strip() == wanted.strip()), None)
            if found is None:
                names = ", ".join(name for name, _, _ in sheets)
                raise SheetUnknown(f"there is no sheet {wanted}; there are {names}", field="sheet")
        else:
            found = next((one for one in sheets if one[2]), sheets[0] if sheets else None)
        if found is None:
            raise FileNotATable("the workbook has no sheet; save it anew")
        self.sheet, self._path, _ = found

    def _read_styles(self) -> None:
        """Find out which styles of cells show dates."""
        self._dates: list[bool] = []
        path = f"{self._folder}/styles.xml"
        if path not in self._archive.namelist():
            return
        codes: dict[int, str] = {}
        is_inside = False
        for name, given in self._elements(path, with_ends=True):
            if name in {"cellXfs", "/cellXfs"}:
                is_inside = name == "cellXfs"
            elif name == "numFmt":
                codes[int(given["numFmtId"])] = given.get("formatCode", "")
            elif name == "xf" and is_inside:
                number = int(given.get("numFmtId", 0))
                self._dates.append(shows_date(number, codes.get(number)))

    def _read_strings(self) -> None:
        path = f"{self._folder}/sharedStrings.xml"
        if path not in self._archive.namelist():
            return
        parts: list[str] = []
        depth = {"t": 0, "rPh": 0}

        def start(name: str, _given: Mapping[str, str]) -> None:
            name = _local(name)
            if name == "si":
                parts.clear()
            elif name in depth:
                depth[name] += 1

        def end(name: str) -> None:
            name = _local(name)
            if name == "si":
                self._strings.add(_plain("".join(parts)))
            elif name in depth:
                depth[name] -= 1

        def text(data: str) -> None:
            if depth["t"] and not depth["rPh"]:
                parts.append(data)

        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = text
        with self._archive.open(path) as stream:
            while piece := stream.read(_PIECE):
                parser.Parse(piece)
            parser.Parse(b"", True)
        self._strings.finish()

    def _elements(self, path: str, *, with_ends: bool = False) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Return the elements of a small part, in order, with their attributes."""
        found: list[tuple[str, Mapping[str, str]]] = []
        parser = _parser()
        parser.StartElementHandler = lambda name, given: found.append((_local(name), given))
        if with_ends:
            parser.EndElementHandler = lambda name: found.append((f"/{_local(name)}", {}))
        with self._archive.open(path) as stream:
            while piece := stream.read(_PIECE):
                parser.Parse(piece)
            parser.Parse(b"", True)
        return iter(found)


class _SheetReader:
    """Takes the XML of a sheet apart as it comes."""

    def __init__(self, strings: SharedStrings, dates: Sequence[bool], *, since_1904: bool) -> None:
        self._strings = strings
        self._dates = dates
        self._since_1904 = since_1904
        self._rows: list[tuple[int, Sequence[Cell]]] = []
        self._number = 0
        self._cells: list[Cell] = []
        self._place = 0
        self._kind = ""
        self._style = 0
        self._parts: list[str] = []
        self._is_text = False
        self._phonetic = 0
        self._columns: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._parser = _parser()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, piece: bytes, *, is_last: bool = False) -> None:
        """Take the next bytes."""
        self._parser.Parse(piece, is_last)

    def take(self) -> Sequence[tuple[int, Sequence[Cell]]]:
        """Return the rows that are complete."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, name: str, given: Mapping[str, str]) -> None:
        name = self._names.get(name) or self._names.setdefault(name, _local(name))
        if name == "c":
            reference = given.get("r")
            if reference:
                letters = reference.rstrip("0123456789")
                place = self._columns.get(letters)
                self._place = self._columns.setdefault(letters, _place(letters)) if place is None else place
            self._kind = given.get("t", "n")
            self._style = int(given.get("s", 0))
            self._parts.clear()
        elif name in {"v", "t"}:
            self._is_text = not self._phonetic
        elif name == "row":
            number = given.get("r")
            self._number = int(number) if number else self._number + 1
            self._cells = []
            self._place = 0
        elif name == "rPh":
            self._phonetic += 1

    def _end(self, name: str) -> None:
        name = self._names[name]
        if name == "c":
            if self._place < _MOST_COLUMNS:
                cells = self._cells
                while len(cells) < self._place:
                    cells.append(None)
                if len(cells) == self._place:
                    cells.append(self._value("".join(self._parts)))
            self._place += 1
        elif name in {"v", "t"}:
            self._is_text = False
        elif name == "row":
            if self._number <= _MOST_ROWS:
                self._rows.append((self._number, self._cells))
        elif name == "rPh":
            self._phonetic -= 1

    def _text(self, data: str) -> None:
        if self._is_text:
            self._parts.append(data)

    def _value(self, text: str) -> Cell:
        if not text:
            return None
        match self._kind:
            case "s":
                return self._strings.find(int(text)) if text.isdigit() else None
            case "inlineStr" | "str":
                return _plain(text)
            case "b":
                return "true" if text.strip() == "1" else "false"
            case "e":
                return None
            case "d":
                return text.replace("T", " ")
        return self._number_of(text)

    def _number_of(self, text: str) -> Cell:
        try:
            number = float(text)
        except ValueError:
            return text
        if self._style < len(self._dates) and self._dates[self._style]:
            return date_text(number, since_1904=self._since_1904)
        return Number(number)


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_given: object) -> None:
    raise _damaged()


def _local(name: str) -> str:
    return name.rsplit(":", 1)[-1]


def _place(letters: str) -> int:
    place = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z":
            return _MOST_COLUMNS
        place = place * 26 + ord(letter) - 64
    return place - 1


def _plain(text: str) -> str:
    """Return a text without the escapes that stand for control characters."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _damaged() -> FileNotATable:
    return FileNotATable("the workbook is damaged; open it, save it anew as XLSX, and bring that")
