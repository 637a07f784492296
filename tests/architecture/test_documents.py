"""The documents speak of what is there: files, make targets, tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TOP: Final = (
    "leadmill/", "services/", "shared/", "tests/", "docs/", "config/", "console/", "deploy/", "requirements/",
)  # fmt: skip

_CODE: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_TEST: Final = re.compile(r"^(tests/[\w/]+\.py)::(\w+)(?:::(\w+))?$")


def documents() -> list[Path]:
    """Return every page of the repository, relative to the root."""
    pages = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "services").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
    ]
    return sorted(page.relative_to(ROOT) for page in pages)


def find_missing(text: str, *, folder: Path) -> Iterator[str]:
    """Yield what ``text``, a page in ``folder``, names that does not exist."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for code in _CODE.findall(text):
        if code.startswith("make "):
            is_there = set(code.split()[1:]) <= targets
        elif test := _TEST.match(code):
            is_there = _has_test(ROOT / test[1], [name for name in test.groups()[1:] if name])
        else:
            is_a_path = code.startswith(TOP) and not re.search(r"[<>*…{ ]", code)
            is_there = not is_a_path or (ROOT / code).exists()
        if not is_there:
            yield code
    for link in _LINK.findall(text):
        if not re.match(r"[a-z]+:", link) and not (folder / link).exists():
            yield link


def _has_test(file: Path, names: list[str]) -> bool:
    source = file.read_text() if file.exists() else ""
    return all(re.search(rf"(def|class) {name}\b", source) for name in names)


@pytest.mark.parametrize("page", documents(), ids=str)
def test_a_page_names_only_what_exists(page: Path) -> None:
    assert list(find_missing((ROOT / page).read_text(), folder=(ROOT / page).parent)) == []


@pytest.mark.parametrize("page", documents(), ids=str)
def test_a_page_holds_no_mark_of_a_merge_that_was_left_half_done(page: Path) -> None:
    lines = (ROOT / page).read_text().splitlines()
    assert [line for line in lines if re.match(r"(<{7}|={7}|>{7})( |$)", line)] == []


@pytest.mark.parametrize(
    "text",
    [
        "see `shared/nowhere.py`",
        "see [this](docs/nowhere.md)",
        "run `make coffee`",
        "proved by `tests/architecture/test_documents.py::test_that_was_renamed`",
        "proved by `tests/nowhere.py::test_anything`",
    ],
)
def test_a_page_that_names_what_is_not_there_is_caught(text: str) -> None:
    assert list(find_missing(text, folder=ROOT))


def test_each_decision_has_its_four_headings_on_one_page() -> None:
    for page in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        text = page.read_text()
        headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], page.name
        assert len(text.split()) <= 600, page.name


def test_each_requirement_has_exactly_one_row() -> None:
    rows = re.findall(
        r"^\| ([A-Z]\d+) \|", (ROOT / "docs" / "requirements.md").read_text(), flags=re.MULTILINE
    )
    counts = {"I": 11, "C": 17, "R": 13, "N": 11, "A": 11}
    assert rows == [f"{letter}{n}" for letter, count in counts.items() for n in range(1, count + 1)]
