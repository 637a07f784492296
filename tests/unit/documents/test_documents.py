"""Business documents: parsed plainly, checked whole, fixed by their version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from shared.documents.checking import check_document
from shared.documents.faults import DocumentFaults
from shared.documents.files import read_documents
from shared.documents.versions import Document, DocumentKey, digest_of, load_document, refuse_silent_changes
from shared.documents.yaml_text import LONGEST, parse_yaml
from shared.kernel.errors import Rejected


class Round(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="round"
):
    size: Annotated[int, Meta(ge=1)]


class Square(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="square"
):
    side: float
    colour: Literal["red", "blue"] = "red"


class Box(Document, frozen=True, kw_only=True):
    shapes: tuple[Round | Square, ...]
    labels: Mapping[str, str] = {}
    weight: int | None = None


GOOD = """
name: box
version: 1
shapes:
  - {type: round, size: 2}
  - {type: square, side: 1.5}
"""


def faults_of(text: str) -> dict[str, str]:
    with pytest.raises(DocumentFaults) as raised:
        load_document(text, kind="box", shape=Box, about="box.yaml")
    return {fault.path: fault.text for fault in raised.value.faults}


class TestText:
    def test_becomes_plain_data(self) -> None:
        text = 'a: 1\nb: [1.5, true, null, ~, text, "1"]\nc: {d: -3}\n'
        assert parse_yaml(text, about="x") == {
            "a": 1,
            "b": [1.5, True, None, None, "text", "1"],
            "c": {"d": -3},
        }

    @pytest.mark.parametrize(
        "word", ["no", "on", "yes", "Off", "12:30", "2026-05-01", "0x1F", "1_000", "1e3", "007"]
    )
    def test_words_that_other_readers_take_for_something_else_stay_words(self, word: str) -> None:
        assert parse_yaml(f"a: {word}", about="x") == {"a": word}

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("a: 1\na: 2", "a: line 2: stands here twice"),
            ("a: &x 1\nb: *x", "anchors and aliases are not allowed"),
            ("a: !!python/object:os.system x", "tags are not allowed"),
            ("a: [1", "line 1"),
            ("a: 1\n---\nb: 2", "line 2"),
            ("[" * 60 + "]" * 60, "nests deeper"),
            ("? [a, b]\n: 1", "a key is a plain text"),
            ("a: \x00", "characters that YAML does not allow"),
            ("x" * (LONGEST + 1), "longer than"),
        ],
    )
    def test_what_hides_data_size_or_code_is_refused(self, text: str, fault: str) -> None:
        with pytest.raises(DocumentFaults) as raised:
            parse_yaml(text, about="x")
        assert fault in raised.value.message

    @given(st.text(max_size=60))
    def test_any_text_is_parsed_or_refused(self, text: str) -> None:
        try:
            data = parse_yaml(text, about="x")
        except DocumentFaults:
            return
        assert data is None or isinstance(data, bool | int | float | str | list | dict)


class TestShape:
    def test_a_good_document_becomes_its_struct(self) -> None:
        loaded = load_document(GOOD, kind="box", shape=Box)
        assert loaded.body.shapes == (Round(size=2), Square(side=1.5))
        assert loaded.key == DocumentKey("box", "box", 1)

    def test_all_faults_are_listed_at_once_with_their_paths(self) -> None:
        faults = faults_of(
            """
name: Box!
wieght: 3
shapes:
  - {type: round, size: 0}
  - {type: square, colour: green, sides: 2}
  - {type: triangle}
  - {size: 3}
  - 7
labels: {en: 1}
weight: heavy
"""
        )
        assert set(faults) == {
            "name",
            "version",
            "wieght",
            "shapes[0].size",
            "shapes[1].colour",
            "shapes[1].side",
            "shapes[1].sides",
            "shapes[2].type",
            "shapes[3].type",
            "shapes[4]",
            "labels.en",
            "weight",
        }
        assert "did you mean weight?" in faults["wieght"]
        assert "'triangle' is unknown; allowed: round, square" in faults["shapes[2].type"]
        assert faults["version"] == "is missing"

    def test_something_that_is_no_mapping_is_said_to_be_none(self) -> None:
        assert "is no mapping" in faults_of("- a")[""]

    def test_the_verdict_is_a_rejection_with_a_stable_code(self) -> None:
        with pytest.raises(Rejected) as raised:
            load_document("{}", kind="box", shape=Box, about="box.yaml")
        assert raised.value.reason == "document.faults"
        assert raised.value.message.startswith("box.yaml: 3 faults\n  name: is missing")

    @given(
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(["name", "version", "shapes", "type", "size", "labels"]),
                    inner,
                    max_size=4,
                ),
            ),
            max_leaves=12,
        )
    )
    def test_whatever_the_data_it_fits_or_has_faults(self, data: object) -> None:
        try:
            msgspec.convert(data, Box)
        except msgspec.ValidationError:
            with pytest.raises(DocumentFaults):
                check_document(data, Box, about="x")
        else:
            check_document(data, Box, about="x")


class TestVersions:
    KEY = DocumentKey("box", "box", 1)

    def test_a_digest_stands_for_what_is_said_not_for_how(self) -> None:
        other = (
            "# a comment\nversion: 1\nshapes: [{size: 2, type: round}, {side: 1.5, type: square}]\nname: box"
        )
        assert (
            load_document(GOOD, kind="box", shape=Box).digest
            == load_document(other, kind="box", shape=Box).digest
        )

    def test_a_changed_document_has_another_digest(self) -> None:
        assert digest_of({"a": 1}) != digest_of({"a": 2})

    def test_the_same_document_again_is_fine(self) -> None:
        refuse_silent_changes({self.KEY: "a"}, {self.KEY: "a"})

    def test_a_new_version_is_fine(self) -> None:
        refuse_silent_changes({self.KEY: "a"}, {self.KEY._replace(version=2): "b"})

    def test_a_change_under_an_old_version_is_refused_and_told_which_version_to_take(self) -> None:
        with pytest.raises(DocumentFaults, match="give the change version 2"):
            refuse_silent_changes({self.KEY: "a"}, {self.KEY: "b"})

    def test_an_unknown_version_below_the_newest_is_refused(self) -> None:
        with pytest.raises(DocumentFaults, match="use 4 or later"):
            refuse_silent_changes({self.KEY._replace(version=3): "a"}, {self.KEY._replace(version=2): "b"})


class TestFiles:
    def test_a_folder_is_read_whole(self, tmp_path: Path) -> None:
        (tmp_path / "box.yaml").write_text(GOOD)
        (tmp_path / "box.2.yaml").write_text(GOOD.replace("version: 1", "version: 2"))
        (tmp_path / "notes.txt").write_text("not a document")
        found = read_documents(tmp_path, kind="box", shape=Box)
        assert sorted(found) == [DocumentKey("box", "box", 1), DocumentKey("box", "box", 2)]

    def test_faults_of_all_files_are_listed_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("name: a")
        (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\xff")
        (tmp_path / "c.yaml").write_text(GOOD)
        (tmp_path / "box.yaml").write_text(GOOD)
        with pytest.raises(DocumentFaults) as raised:
            read_documents(tmp_path, kind="box", shape=Box)
        text = raised.value.message
        assert "a.yaml: version: is missing" in text
        assert "a.yaml: shapes: is missing" in text
        assert "b.yaml: is not UTF-8" in text
        assert "c.yaml: holds the document box" in text
        assert "c.yaml: box box, version 1 is in another file too" in text

    def test_a_folder_that_is_not_there_holds_no_documents(self, tmp_path: Path) -> None:
        assert read_documents(tmp_path / "nothing", kind="box", shape=Box) == {}
