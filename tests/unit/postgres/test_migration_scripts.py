"""Migrations by their file names alone: which there are, and which are still to be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.kernel.errors import Rejected, code_of
from shared.postgres.migrations import MigrationScript, choose_scripts, list_scripts


def a_script(text: str) -> MigrationScript:
    number, phase, _ = text.split("_", 2)
    return MigrationScript(number, "pre" if phase == "pre" else "post", text)


def names(scripts: list[MigrationScript]) -> list[str]:
    return [script.name for script in scripts]


LINE = [a_script(text) for text in ("0001_pre_start", "0002_pre_score", "0003_post_old_score")]


class TestAFolderOfMigrations:
    def test_is_listed_in_order_of_number(self, tmp_path: Path) -> None:
        for name in ("0002_post_b.py", "0001_pre_a.py", "__init__.py", "notes.txt"):
            (tmp_path / name).touch()
        assert list_scripts(tmp_path) == [
            MigrationScript("0001", "pre", "0001_pre_a"),
            MigrationScript("0002", "post", "0002_post_b"),
        ]

    @pytest.mark.parametrize("name", ["1_pre_a.py", "0001_a.py", "0001_mid_a.py", "0001_pre_A.py", "env.py"])
    def test_refuses_a_name_that_does_not_say_when_it_runs(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).touch()
        with pytest.raises(ValueError, match="NNNN_pre_<what>"):
            list_scripts(tmp_path)

    def test_refuses_one_number_twice(self, tmp_path: Path) -> None:
        for name in ("0001_pre_a.py", "0001_pre_b.py"):
            (tmp_path / name).touch()
        with pytest.raises(ValueError, match="same number"):
            list_scripts(tmp_path)


class TestWhatIsToBeRun:
    def test_is_everything_in_an_empty_database(self) -> None:
        assert choose_scripts(LINE, present=None, phase="all") == LINE

    def test_is_what_comes_after_the_present_version(self) -> None:
        assert names(choose_scripts(LINE, present="0001", phase="all")) == [
            "0002_pre_score",
            "0003_post_old_score",
        ]

    def test_leaves_contracting_for_later_before_new_code_starts(self) -> None:
        assert names(choose_scripts(LINE, present="0001", phase="pre")) == ["0002_pre_score"]

    def test_is_nothing_where_the_database_is_ahead_of_the_code(self) -> None:
        assert choose_scripts(LINE, present="0009", phase="all") == []

    def test_is_refused_where_contracting_of_an_earlier_release_comes_first(self) -> None:
        line = [*LINE, a_script("0004_pre_more")]
        with pytest.raises(Rejected, match="0003_post_old_score") as refused:
            choose_scripts(line, present="0002", phase="pre")
        assert code_of(refused.value) == "database.migration_order"
