"""CSV and its relatives: the encoding and the separator are found, and rows are given one by one."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from shared.kernel.errors import Rejected

BROKEN: Final = "\ufffd"
_PIECE: Final = 1024 * 1024
_LONGEST_FIELD: Final = 128 * 1024
_HEAD: Final = 64 * 1024
_DELIMITERS: Final = (",", ";", "\t", "|")
_ENCODINGS: Final = {
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
    "latin1": "cp1252",
    "iso-8859-1": "cp1252",
    "big5": "big5",
}
_HIGH_RUN: Final = re.compile(rb"[\x80-\xff]+")


class EncodingUnknown(Rejected):
    """There is no such encoding; name utf-8, gb18030, utf-16, big5 or cp1252."""

    code = "import.encoding_unknown"


class BrokenRow(NamedTuple):
    """A row that cannot be taken apart; ``code`` says why."""

    code: str


class TextTable(NamedTuple):
    """How a text is read: its encoding, what parts its columns."""

    encoding: str
    delimiter: str


def look_at_text(file: BinaryIO, *, encoding: str = "", delimiter: str = "") -> TextTable:
    """Return how a text is to be read, by what was said, else by what it shows.

    :raises EncodingUnknown: if the encoding that was said is none of ours.
    """
    if encoding:
        known = _ENCODINGS.get(encoding.strip().lower())
        if known is None:
            raise EncodingUnknown(field="encoding")
    else:
        known = _find_encoding(file)
    file.seek(0)
    head = file.read(_HEAD).decode(known, "replace").removeprefix("\ufeff")
    file.seek(0)
    parts = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    return TextTable(known, parts or _find_delimiter(head))


def read_text(file: BinaryIO, table: TextTable) -> Iterator[Sequence[str] | BrokenRow]:
    """Yield the rows; what cannot be read of a row is U+FFFD, and hurts that row only."""
    file.seek(0)
    text = io.TextIOWrapper(_Lent(file), encoding=table.encoding, errors="replace", newline="")
    if table.encoding in {"utf-8", "utf-16-le", "utf-16-be", "gb18030"} and text.read(1) != "\ufeff":
        text.seek(0)
    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.reader(text, delimiter=table.delimiter, strict=False)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield BrokenRow("row.malformed")
        else:
            yield row


class _Lent(io.BufferedReader):
    """A file that stays open when its text is done with."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)  # type: ignore[arg-type]

    def close(self) -> None:
        """Leave the file open; who opened it closes it."""
        self.detach()


def _find_encoding(file: BinaryIO) -> str:
    """Return the encoding that reads all of it; UTF-8 with some broken bytes is UTF-8 still."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8"
    even, odd = head[0:400:2].count(0), head[1:400:2].count(0)
    if max(even, odd) > len(head[:400]) // 8:
        return "utf-16-le" if odd > even else "utf-16-be"
    utf8 = _faults(file, "utf-8")
    if not utf8.broken or utf8.broken * 10 < utf8.high:
        return "utf-8"
    if _looks_western(head):
        return "cp1252"
    return "gb18030"


class _Faults(NamedTuple):
    broken: int
    high: int


def _faults(file: BinaryIO, encoding: str) -> _Faults:
    """Count what does not read in an encoding, and the characters beyond ASCII."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    broken = high = 0
    while piece := file.read(_PIECE):
        if piece.isascii():
            decoder.decode(piece)
            continue
        text = decoder.decode(piece)
        broken += text.count(BROKEN)
        high += len(text) - len(text.encode("ascii", "ignore"))
    broken += decoder.decode(b"", final=True).count(BROKEN)
    return _Faults(broken, high)


def _looks_western(head: bytes) -> bool:
    """Return whether high bytes stand alone between letters, as in Müller; Chinese ones come in pairs."""
    runs = _HIGH_RUN.findall(head)
    alone = sum(1 for run in runs if len(run) == 1)
    return bool(runs) and alone * 2 > len(runs)


def _find_delimiter(head: str) -> str:
    """Return what parts the columns of the first line that says something."""
    line = ""
    is_quoted = False
    for character in head:
        if character == '"':
            is_quoted = not is_quoted
        elif character in "\r\n" and not is_quoted:
            if line.strip():
                break
            line = ""
        elif not is_quoted:
            line += character
    counts = {delimiter: line.count(delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","


def write_text(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV in UTF-8, with the mark by which spreadsheet programs see that it is."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return codecs.BOM_UTF8 + text.getvalue().encode()
