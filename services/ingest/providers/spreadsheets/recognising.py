"""What a file is, by its content; what its name says does not count."""

from __future__ import annotations

import zipfile
from typing import BinaryIO, Final, Literal, TypeAlias

from shared.kernel.errors import Rejected

FileKind: TypeAlias = Literal["xlsx", "text"]

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNS: Final = (
    (_OLE, "an old Excel file (.xls), or one with a password"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"PAR1", "a Parquet file"),
)
_MARKUP: Final = (b"<!doctype html", b"<html", b"<table", b"<?xml", b"<head", b"<meta", b"<workbook")
_HEAD: Final = 4096


class FileNotATable(Rejected):
    """The file is no table that can be read; save it as XLSX or CSV and bring that."""

    code = "import.not_a_table"


class FileEmpty(Rejected):
    """The file is empty; save the table with its headings and rows."""

    code = "import.empty"


def recognise(file: BinaryIO) -> FileKind:
    """Return what a file is; afterwards it stands at its beginning again.

    :raises FileEmpty: if nothing is in it.
    :raises FileNotATable: if it is of another type; the text says which, and what to do.
    """
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    if not head.strip():
        raise FileEmpty
    for sign, name in _SIGNS:
        if head.startswith(sign):
            raise _other(name)
    if head.startswith(b"PK"):
        _must_be_xlsx(file)
        return "xlsx"
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if plain.startswith(_MARKUP):
        raise _other("a web page, or a table saved as one (Excel writes such files as .xls)")
    if plain.startswith(b"{\\rtf"):
        raise _other("a text document (RTF)")
    if plain[:1] in {b"{", b"["}:
        raise FileNotATable("the file is JSON; send it to /v1/leads, /v1/events, /v1/outcomes or /v1/costs")
    return "text"


def _must_be_xlsx(file: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, EOFError):
        raise FileNotATable(
            "the file is damaged: it begins as XLSX does and cannot be opened; save it anew"
        ) from None
    finally:
        file.seek(0)
    if "xl/workbook.xml" in names or any(name.endswith("/workbook.xml") for name in names):
        return
    if "xl/workbook.bin" in names:
        raise _other("a binary workbook (.xlsb)")
    if "mimetype" in names and "content.xml" in names:
        raise _other("an OpenDocument file (.ods)")
    if "word/document.xml" in names:
        raise _other("a Word document")
    raise _other("a ZIP archive; unpack it first")


def _other(name: str) -> FileNotATable:
    return FileNotATable(f"the file is {name}; save the table as XLSX or CSV (UTF-8) and bring that")
