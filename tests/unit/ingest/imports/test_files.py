"""Files: what they are is told by their content, and every way of writing a table gives the same rows."""

from __future__ import annotations

import io
import zipfile

import pytest

from services.ingest.domain.imports.cells import Number
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.providers.spreadsheets.recognising import FileEmpty, FileNotATable, recognise
from services.ingest.providers.spreadsheets.tables import Table, TableRow
from services.ingest.providers.spreadsheets.xlsx_reading import SheetUnknown
from services.ingest.providers.spreadsheets.xlsx_writing import Sheet, write_workbook
from shared.kernel.errors import Rejected
from tests.unit.ingest.imports.tables import open_table, read_all, text_row, workbook

CHINESE = "姓名,手机\r\n张伟,13800138000\r\n李娜,13900139000\r\n"


def cells(rows: list[TableRow]) -> list[list[object]]:
    return [list(row.cells) for row in rows]


def refusal(content: bytes) -> str:
    with pytest.raises(FileNotATable) as raised:
        recognise(io.BytesIO(content))
    assert "save" in raised.value.message or "send it to" in raised.value.message
    return raised.value.message


class TestWhatAFileIs:
    def test_content_decides_and_no_name_is_asked(self) -> None:
        assert recognise(io.BytesIO(write_workbook([Sheet("a", [["x"]])]))) == "xlsx"
        assert recognise(io.BytesIO(b"a,b\n1,2\n")) == "text"

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel file"),
            (b"%PDF-1.7\n", "a PDF"),
            (b"<html><table><tr><td>x", "a web page"),
            (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", "a web page"),
            (b'<?xml version="1.0"?><Workbook>', "a web page"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"\x89PNG\r\n", "a picture"),
            (b'{"leads": []}', "JSON"),
            (b"PK\x03\x04 and no more of it", "damaged"),
        ],
    )
    def test_another_type_is_refused_with_what_it_is_and_what_to_do(self, content: bytes, told: str) -> None:
        assert told in refusal(content)

    @pytest.mark.parametrize(
        ("name", "told"),
        [("xl/workbook.bin", "xlsb"), ("word/document.xml", "Word"), ("a.txt", "ZIP archive")],
    )
    def test_another_archive_is_refused_too(self, name: str, told: str) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, "x")
        assert told in refusal(file.getvalue())

    @pytest.mark.parametrize("content", [b"", b"  \r\n", b",,,\r\n"])
    def test_an_empty_file_says_so(self, content: bytes) -> None:
        with pytest.raises(FileEmpty):
            open_table(content)


class TestText:
    @pytest.mark.parametrize(
        ("encoding", "found"),
        [
            ("utf-8", "utf-8"),
            ("utf-8-sig", "utf-8"),
            ("gb18030", "gb18030"),
            ("gbk", "gb18030"),
            ("utf-16", "utf-16"),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16-be"),
        ],
    )
    def test_the_encoding_is_found(self, encoding: str, found: str) -> None:
        content = (CHINESE * 3 if encoding.startswith("utf-16-") else CHINESE).encode(encoding)
        if encoding in {"utf-16-le", "utf-16-be"}:
            content = ("Name,Phone,Company\r\n" + CHINESE).encode(encoding)
        table = open_table(content)
        assert table.encoding == found
        assert any("张伟" in row.cells for row in table.rows())

    def test_western_text_is_not_taken_for_chinese(self) -> None:
        table = open_table("Name;Firma\r\nMüller;Käsehaus Größe\r\n".encode("cp1252"))
        assert (table.encoding, table.delimiter) == ("cp1252", ";")
        assert list(next(table.rows()).cells) == ["Müller", "Käsehaus Größe"]

    def test_one_broken_byte_hurts_its_row_only(self) -> None:
        content = CHINESE.encode() + b"\xe7\xff,1\r\n" + "王芳,2\r\n".encode() * 20
        table = open_table(content)
        assert table.encoding == "utf-8"
        broken = [row.number for row in table.rows() if "\ufffd" in "".join(map(str, row.cells))]
        assert broken == [4]

    def test_an_encoding_that_was_said_is_used_and_an_unknown_one_refused(self) -> None:
        assert open_table("姓名\r\n張偉\r\n".encode("big5"), encoding="big5").headings == ["姓名"]
        with pytest.raises(Rejected) as raised:
            open_table(b"a,b\n", encoding="klingon")
        assert raised.value.reason == "import.encoding_unknown"

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found_by_the_headings(self, delimiter: str) -> None:
        content = f'Name{delimiter}"Company, Ltd; etc"\nAda{delimiter}"a,b;c"\n'.encode()
        table = open_table(content)
        assert table.delimiter == delimiter
        assert cells(list(table.rows())) == [["Ada", "a,b;c"]]

    def test_lines_within_quotes_are_one_row_and_empty_lines_count(self) -> None:
        _, rows = read_all(b'Name,Note\n\nAda,"one\ntwo"\nBob,x\n')
        assert [(row.number, list(row.cells)) for row in rows] == [
            (2, []),
            (3, ["Ada", "one\ntwo"]),
            (4, ["Bob", "x"]),
        ]

    def test_a_cell_without_end_is_the_fault_of_its_row(self) -> None:
        _, rows = read_all(b"Name,Note\nAda," + b"x" * 200_000 + b"\nBob,y\n")
        assert [row.code for row in rows] == ["row.malformed", ""]

    def test_the_file_stays_open_for_the_next_reading(self) -> None:
        file = io.BytesIO(CHINESE.encode())
        for _ in range(2):
            table = Table(file, ImportOptions())
            assert len(list(table.rows())) == 2
            table.close()


class TestWorkbooks:
    def test_texts_numbers_booleans_errors_and_gaps(self) -> None:
        content = workbook(
            text_row(1, "Name", "Phone", "Ok", "Note"),
            '<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2"><v>13800138000</v></c>'
            '<c r="C2" t="b"><v>1</v></c><c r="D2" t="e"><v>#N/A</v></c></row>',
            '<row r="5"><c r="B5" t="str"><f>A1</f><v>formula</v></c><c r="D5"><v></v></c></row>',
            '<row><c><v>1.5E3</v></c><c t="inlineStr"><is><r><t>two </t></r>'
            "<r><t>parts</t></r></is></c></row>",
            strings=[
                "<si><t>first</t></si>",
                '<si><r><t>张</t></r><r><t>伟</t></r><rPh sb="0"><t>x</t></rPh></si>',
            ],
        )
        headings, rows = read_all(content)
        assert headings == ["Name", "Phone", "Ok", "Note"]
        assert [(row.number, list(row.cells)) for row in rows] == [
            (2, ["张伟", Number(13800138000.0), "true", None]),
            (5, [None, "formula", None, None]),
            (6, [Number(1500.0), "two parts"]),
        ]

    @pytest.mark.parametrize(
        ("code", "shown"),
        [
            ("yyyy-mm-dd", True),
            ('yyyy"年"m"月"d"日"', True),
            ("[$-804]d mmmm yyyy;@", True),
            ("mmm", True),
            ("0.00", False),
            ('"day "0', False),
            ("[Red]#,##0.00", False),
            ("General", False),
            ("#,##0 \\d", False),
        ],
    )
    def test_a_number_is_a_date_if_it_is_shown_as_one(self, code: str, shown: bool) -> None:
        styles = (
            f"<numFmts><numFmt numFmtId='165' formatCode='{code.replace(chr(39), '')}'/></numFmts>"
            "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
            "<cellXfs><xf numFmtId='0'/><xf numFmtId='165'/></cellXfs>"
        )
        content = workbook(
            text_row(1, "When"), '<row r="2"><c r="A2" s="1"><v>46083</v></c></row>', styles=styles
        )
        _, rows = read_all(content)
        assert rows[0].cells[0] == ("2026-03-02" if shown else Number(46083.0))

    def test_built_in_formats_times_and_the_other_date_system(self) -> None:
        styles = "<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='22'/></cellXfs>"
        row = (
            '<row r="2"><c r="A2" s="1"><v>44621</v></c><c r="B2" s="2"><v>44621.75</v></c>'
            '<c r="C2" s="2"><v>0.5</v></c></row>'
        )
        headings = text_row(1, "a", "b", "c")
        _, rows = read_all(workbook(headings, row, styles=styles))
        assert list(rows[0].cells) == ["2022-03-01", "2022-03-01 18:00:00", "12:00:00"]
        _, rows = read_all(workbook(headings, row, styles=styles, workbook_pr='<workbookPr date1904="1"/>'))
        assert rows[0].cells[0] == "2026-03-02"

    def test_the_first_sheet_that_is_shown_is_read_or_the_one_that_was_named(self) -> None:
        sheets = (
            '<sheet name="Hidden" sheetId="1" state="hidden" r:id="rId1"/>'
            '<sheet name="Shown" sheetId="2" r:id="rId2"/>'
        )
        main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        second = f"<worksheet {main}><sheetData>{text_row(1, 'Second')}</sheetData></worksheet>"
        content = workbook(text_row(1, "First"), sheets=sheets, **{"xl/worksheets/sheet2.xml": second})
        assert open_table(content).headings == ["Second"]
        assert open_table(content, sheet="Hidden").headings == ["First"]
        with pytest.raises(SheetUnknown) as raised:
            open_table(content, sheet="Third")
        assert "Hidden, Shown" in raised.value.message

    def test_names_with_a_prefix_are_the_same_names(self) -> None:
        rows = (text_row(1, "Name"), text_row(2, "Ada"))
        prefixed = [row.replace("<", "<x:").replace("<x:/", "</x:") for row in rows]
        _, found = read_all(workbook(*prefixed, prefix="x"))
        assert cells(found) == [["Ada"]]

    def test_escaped_characters_are_themselves(self) -> None:
        _, rows = read_all(workbook(text_row(1, "Name"), text_row(2, "a_x000D_b _x5F20_")))
        assert rows[0].cells[0] == "a\rb 张"

    def test_a_damaged_workbook_says_so_and_what_to_do(self) -> None:
        whole = workbook(text_row(1, "Name"), *(text_row(n, f"Ada {n} {n * 7919}") for n in range(2, 3000)))
        middle = whole[: len(whole) // 3] + bytes(200) + whole[len(whole) // 3 + 200 :]
        for content in (middle, workbook("<row><c></row>")):
            with pytest.raises(Rejected) as raised:
                read_all(content)
            assert raised.value.reason == "import.not_a_table"

    def test_no_document_type_is_followed(self) -> None:
        bomb = '<!DOCTYPE a [<!ENTITY x "xx">]><worksheet><sheetData/></worksheet>'
        with pytest.raises(FileNotATable):
            read_all(workbook(**{"xl/worksheets/sheet1.xml": bomb}))

    def test_what_we_write_we_read(self) -> None:
        rows = [["Name", "Note"], ["Ö & <张>", ""], ["", "last"]]
        headings, found = read_all(write_workbook([Sheet("T", rows), Sheet("N", [["x"]])]))
        assert headings == rows[0]
        assert cells(found) == [["Ö & <张>"], [None, "last"]]
