"""Whoever asks the command for help gets a complete answer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

from leadmill.cli.commands import app
from tests.operations.processes import CHECKOUT, leadmill

PROMISED = {
    "demo", "up", "run", "migrate", "settings", "audit", "explain", "topics plan", "topics apply",
    "config check", "key add", "key list", "key rotate", "key revoke", "token create", "token revoke",
    "dlq list", "dlq show", "dlq replay", "dlq resume", "quarantine list", "quarantine show",
    "quarantine replay", "hook add", "hook list", "hook show", "hook remove", "hook retry", "hook backfill",
    "link add", "link list", "link retire", "link qr", "form list", "form show", "form snippet",
    "import leads", "import events", "import outcomes", "import costs", "import suppressions",
    "webhooks create", "webhooks list", "webhooks change", "webhooks rotate", "webhooks disable",
    "webhooks enable", "webhooks delete", "webhooks deliveries", "webhooks attempts", "webhooks retry",
    "import template", "import list", "import show", "import release", "import cancel",
}  # fmt: skip
LASTING = {"demo", "up", "run"}
"""Commands that print as they go instead of printing a result."""
WITHOUT_DATA = {
    "config check", "config schemas", "hook providers", "form list", "form show", "form snippet",
    "import template",
}  # fmt: skip


def commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix}{name} ")
        else:
            assert isinstance(command, TyperCommand)
            yield prefix + name, command


ROOT = typer.main.get_group(app)
assert isinstance(ROOT, TyperGroup)
ALL = dict(commands(ROOT))


def options(command: TyperCommand) -> set[str]:
    return {text for option in command.params if isinstance(option, TyperOption) for text in option.opts}


def test_every_promised_command_is_there() -> None:
    assert set(ALL) >= PROMISED


@pytest.mark.parametrize("name", sorted(ALL))
class TestEveryCommand:
    def test_says_what_it_does(self, name: str) -> None:
        assert len((ALL[name].help or "").split()) >= 4

    def test_says_what_each_option_means(self, name: str) -> None:
        silent = [
            parameter.name
            for parameter in ALL[name].params
            if parameter.name != "help" and not getattr(parameter, "help", None)
        ]
        assert not silent

    def test_prints_its_result_as_json_where_it_has_one(self, name: str) -> None:
        assert ("--json" in options(ALL[name])) is (name not in LASTING)

    def test_takes_a_data_directory_where_it_touches_data(self, name: str) -> None:
        assert ("--data" in options(ALL[name])) is (name not in WITHOUT_DATA)


def test_help_names_the_exit_codes() -> None:
    answer = leadmill("--help")
    assert answer.code == 0
    assert "Exit codes" in answer.out


def test_modules_of_commands_import_nothing_heavy() -> None:
    light = {
        "contextvars",
        "__future__",
        "collections",
        "contextlib",
        "datetime",
        "enum",
        "gc",
        "json",
        "pathlib",
        "sys",
        "typing",
        "typer",
    }
    heavy = []
    for file in (CHECKOUT / "leadmill" / "cli").rglob("*.py"):
        for node in ast.parse(file.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            heavy += [
                f"{file.name}: {name}"
                for name in names
                if name.partition(".")[0] not in light and not name.startswith("leadmill.cli")
            ]
    assert not heavy


def test_wrong_usage_is_exit_code_2() -> None:
    assert leadmill("audit", "--no-such-option").code == 2
    assert leadmill("no-such-command").code == 2
    assert leadmill("run", "kitchen").code == 2
