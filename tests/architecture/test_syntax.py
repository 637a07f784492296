"""What imports cannot say and syntax can: where commits, topic names and sizes may be.

Each rule is a function from source text to faults, tried here on a planted fault first and then on
every module of the house. Exceptions stand beside the rule, each with its reason.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("leadmill", "services", "shared")

MAX_LINES: Final = 400
MAX_FILES: Final = 12

LONG_FILES: Final[Mapping[str, str]] = {}

FULL_FOLDERS: Final[Mapping[str, str]] = {
    "shared/contracts/schemas": "generated: one file for each event",
    "shared/contracts/examples": "one example for each event",
    "tests/cases/clients": "data: one file for each recorded request",
    "tests/cases/clients/expected": "data: one file for each recorded client",
}

COMMITS: Final[Mapping[str, str]] = {
    "shared/postgres/": "the one place where a transaction ends",
    "shared/log/kafka/": "moves the group's offsets in Kafka, which only lag tools read",
}

PURE_LIBRARIES: Final = {"holidays", "msgspec", "phonenumbers", "numpy", "sklearn"}
"""What the pure rooms may import besides the standard library and us: docs/adr/0007-dependencies.md."""

PURE_ROOMS: Final = re.compile(
    r"services/[^/]+/(domain|handlers)(/|\.py)|shared/(kernel|conditions|working_time|contracts)/"
)

TOPIC: Final = re.compile(
    r"leadmill\.(raw|contacts|leads|behaviour|scores|tier-changes|assignments|nurture|outcomes"
    r"|internal(\.\w+)?|dlq(\.\w+)?)"
)

FORBIDDEN_NAMES: Final = {
    "base", "common", "core", "helper", "helpers", "manager", "managers", "misc", "models", "types", "util",
    "utils",
}  # fmt: skip
FORBIDDEN_IN_CLASSES: Final = re.compile(r"(Helper|Manager|Util)s?$")

_ENDS: Final = re.compile(r"\s*(commit|rollback|end)\s*(;|$|work|transaction)", re.IGNORECASE)

Faults = Iterator[tuple[int, str]]


def find_commits(tree: ast.AST) -> Faults:
    """Calls that end a transaction: ``x.commit()``, or the SQL word."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "commit"
            and not _is_step(call.func.value)
        ):
            yield call.lineno, "commits; only shared.postgres ends a transaction"
        for argument in call.args:
            if isinstance(argument, ast.Constant) and _ENDS.match(str(argument.value)):
                yield call.lineno, "ends a transaction in SQL; only shared.postgres does"


def _is_step(value: ast.expr) -> bool:
    """``transaction.commit(step, …)`` is the processor's own step, told by the module's name."""
    return isinstance(value, ast.Name) and value.id == "transaction"


def find_topic_literals(tree: ast.AST) -> Faults:
    """Names of topics in strings; they are declared once, in ``shared/contracts/topics.py``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TOPIC.fullmatch(node.value):
            yield node.lineno, f"names the topic {node.value}; take it from shared.contracts.topics"


def find_impure_libraries(tree: ast.AST) -> Faults:
    """Third-party packages that no ADR names as pure."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        from_module = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in from_module or [alias.name for alias in node.names]:
            package = name.partition(".")[0]
            if package not in {*PACKAGES, *PURE_LIBRARIES, *sys.stdlib_module_names}:
                yield (
                    node.lineno,
                    f"imports {package}, which docs/adr/0007-dependencies.md does not call pure",
                )


def find_empty_names(tree: ast.AST) -> Faults:
    """Classes named after nothing in particular."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and FORBIDDEN_IN_CLASSES.search(node.name):
            yield node.lineno, f"{node.name} says what it is for nobody; name what it does"


def modules() -> list[Path]:
    """Return every module that ships, relative to the root."""
    return [file.relative_to(ROOT) for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


@cache
def tree_of(file: Path) -> ast.AST:
    """Return what a module says; every rule looks at every module."""
    return ast.parse((ROOT / file).read_text(), filename=str(file))


def faults(rule: Callable[[ast.AST], Faults], files: list[Path]) -> list[str]:
    """Return the rule's faults in the files, as ``path:line: what``."""
    found = []
    for file in files:
        found += [f"{file}:{line}: {what}" for line, what in rule(tree_of(file))]
    return found


class TestRules:
    """Each rule catches what it is there for."""

    @pytest.mark.parametrize(
        ("rule", "source"),
        [
            (find_commits, "await connection.commit()"),
            (find_commits, "session.begin().commit()"),
            (find_commits, "await connection.execute('COMMIT')"),
            (find_commits, "await connection.execute('rollback;')"),
            (find_topic_literals, "TOPIC = 'leadmill.tier-changes'"),
            (find_topic_literals, "send('leadmill.dlq.scoring')"),
            (find_impure_libraries, "from pydantic import BaseModel"),
            (find_impure_libraries, "import httpx._client"),
            (find_empty_names, "class LeadManager: ..."),
            (find_empty_names, "class ScoreUtils: ..."),
        ],
    )
    def test_catch_a_planted_fault(self, rule: Callable[[ast.AST], Faults], source: str) -> None:
        assert list(rule(ast.parse(source)))

    @pytest.mark.parametrize(
        ("rule", "source"),
        [
            (find_commits, "await transaction.commit(step, batch)"),
            (find_commits, "print('commit to it')"),
            (find_topic_literals, "TYPE = 'leadmill.lead_captured.v1'"),
            (find_impure_libraries, "import msgspec, math\nfrom shared.kernel import ids"),
            (find_empty_names, "class Clock: ..."),
        ],
    )
    def test_let_the_rest_pass(self, rule: Callable[[ast.AST], Faults], source: str) -> None:
        assert not list(rule(ast.parse(source)))


class TestHouse:
    """Every module keeps the rules."""

    def test_transactions_end_in_shared_postgres_only(self) -> None:
        assert faults(find_commits, [f for f in modules() if not str(f).startswith(tuple(COMMITS))]) == []

    def test_topics_are_named_in_the_registry_only(self) -> None:
        registry = Path("shared/contracts/topics.py")
        assert faults(find_topic_literals, [file for file in modules() if file != registry]) == []

    def test_pure_rooms_import_pure_libraries_only(self) -> None:
        writes_files = Path("shared/contracts/generation.py")
        pure = [file for file in modules() if PURE_ROOMS.match(str(file)) and file != writes_files]
        assert pure
        assert faults(find_impure_libraries, pure) == []

    def test_classes_are_named_after_what_they_do(self) -> None:
        assert faults(find_empty_names, modules()) == []

    def test_rooms_and_files_are_named_after_what_they_hold(self) -> None:
        named = [f"{file}" for file in modules() if {*file.parts[:-1], file.stem} & FORBIDDEN_NAMES]
        assert named == []

    def test_no_file_is_longer_than_a_reader_can_hold(self) -> None:
        files = modules() + [file.relative_to(ROOT) for file in (ROOT / "tests").rglob("*.py")]
        long = {str(f): n for f in files if (n := len((ROOT / f).read_text().splitlines())) > MAX_LINES}
        assert {name: lines for name, lines in long.items() if name not in LONG_FILES} == {}
        assert set(LONG_FILES) <= set(long), "an exception that is no longer needed"

    def test_no_folder_holds_more_than_a_reader_can_see(self) -> None:
        full = {}
        for package in (*PACKAGES, "tests"):
            for folder in [ROOT / package, *(ROOT / package).rglob("*/")]:
                if folder.is_dir() and folder.name not in {"__pycache__", "migrations"}:
                    files = [
                        file for file in folder.iterdir() if file.is_file() and file.name != "__init__.py"
                    ]
                    full[str(folder.relative_to(ROOT))] = len(files)
        full = {name: count for name, count in full.items() if count > MAX_FILES}
        assert {name: count for name, count in full.items() if name not in FULL_FOLDERS} == {}
