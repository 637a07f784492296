"""One way to read a table, whatever its file is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from services.ingest.domain.imports.cells import Cell, text_of
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.providers.spreadsheets.delimited import BrokenRow, look_at_text, read_text
from services.ingest.providers.spreadsheets.recognising import FileEmpty, recognise
from services.ingest.providers.spreadsheets.xlsx_reading import Workbook


class TableRow(NamedTuple):
    """A row below the headings; its number is the one that a spreadsheet shows beside it.

    ``code`` says why it cannot be taken apart, else it is empty.
    """

    number: int
    cells: Sequence[Cell]
    code: str = ""


class Table:
    """An open table; its headings, and how it is read. Close it when its rows have been read.

    :raises Rejected: if it is no table, or not as the options say.
    """

    def __init__(self, file: BinaryIO, options: ImportOptions) -> None:
        self._workbook: Workbook | None = None
        self.encoding = self.delimiter = self.sheet = ""
        if recognise(file) == "xlsx":
            self._workbook = Workbook(file, sheet=options.sheet)
            self.sheet = self._workbook.sheet
            numbered = self._workbook.rows()
            self._rows: Iterator[TableRow] = (TableRow(number, cells) for number, cells in numbered)
        else:
            text = look_at_text(file, encoding=options.encoding, delimiter=options.delimiter)
            self.encoding, self.delimiter = text.encoding, text.delimiter
            self._rows = _text_rows(read_text(file, text))
        self.headings = self._find_headings()

    def rows(self) -> Iterator[TableRow]:
        """Yield the rows below the headings, once."""
        return self._rows

    def close(self) -> None:
        """Let go of everything but the file."""
        if self._workbook is not None:
            self._workbook.close()

    def _find_headings(self) -> list[str]:
        """Return the first row that says something; blank columns at its end are none."""
        try:
            for row in self._rows:
                headings = [text_of(cell) for cell in row.cells]
                while headings and not headings[-1]:
                    headings.pop()
                if headings:
                    return headings
        except BaseException:
            self.close()
            raise
        self.close()
        raise FileEmpty


def _text_rows(rows: Iterator[Sequence[str] | BrokenRow]) -> Iterator[TableRow]:
    for number, row in enumerate(rows, start=1):
        if isinstance(row, BrokenRow):
            yield TableRow(number, (), row.code)
        else:
            yield TableRow(number, row)
