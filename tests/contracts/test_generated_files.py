"""The generated files are those of the declarations, and generation refuses to break a promise."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.contracts import generation
from shared.contracts.events import DECLARATIONS
from shared.contracts.topics import SERVICES, all_topics


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    generation.write(tmp_path, generation.files())
    return tmp_path


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((generation.HERE / "asyncapi.yaml").read_text(encoding="utf-8"))
    return loaded


def change_schema(directory: Path, event: str, **fields: Any) -> None:
    """Plant fields in a committed schema; None takes one out."""
    path = directory / "schemas" / f"{event}.json"
    schema = json.loads(path.read_text())
    for name, field in fields.items():
        schema["properties"].pop(name, None)
        if field is None:
            schema["required"] = [each for each in schema["required"] if each != name]
        else:
            schema["properties"][name] = field
    path.write_text(json.dumps(schema))


class TestTheCommittedFiles:
    def test_are_up_to_date(self) -> None:
        assert generation.out_of_date(generation.HERE, generation.files()) == []

    def test_break_no_promise(self) -> None:
        assert generation.broken_promises(generation.HERE, generation.files()) == []

    def test_are_the_same_whenever_they_are_made(self) -> None:
        assert generation.files() == generation.files()


class TestChecking:
    def test_passes_what_was_just_written(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert generation.run(["--check"], directory=directory) == 0
        assert "up to date" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "name", ["schemas/page_viewed.v1.json", "examples/page_viewed.v1.json", "asyncapi.yaml"]
    )
    def test_names_a_file_that_is_missing(
        self, directory: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (directory / name).unlink()
        assert generation.run(["--check"], directory=directory) == 1
        assert f"{name}: missing" in capsys.readouterr().err
        assert not (directory / name).exists()

    def test_names_a_file_that_was_changed_by_hand(
        self, directory: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (directory / "asyncapi.yaml").write_text("asyncapi: 3.0.0\n")
        assert generation.run(["--check"], directory=directory) == 1
        assert "asyncapi.yaml: out of date" in capsys.readouterr().err

    def test_names_an_example_of_nothing(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (directory / "examples" / "lead_sold.v1.json").write_text("{}")
        assert generation.run(["--check"], directory=directory) == 1
        assert "examples/lead_sold.v1.json: not generated any more" in capsys.readouterr().err


class TestWriting:
    def test_fills_an_empty_directory(self, tmp_path: Path) -> None:
        assert generation.run([], directory=tmp_path) == 0
        assert generation.run(["--check"], directory=tmp_path) == 0

    def test_adds_a_new_optional_field(self, directory: Path) -> None:
        change_schema(directory, "page_viewed.v1", kind=None)
        assert generation.run(["--check"], directory=directory) == 1
        assert generation.run([], directory=directory) == 0
        assert generation.run(["--check"], directory=directory) == 0

    def test_takes_away_an_example_that_is_not_wanted_any_more(self, directory: Path) -> None:
        stray = directory / "examples" / "page_viewed.v1-9.json"
        stray.write_text("{}")
        assert generation.run([], directory=directory) == 0
        assert not stray.exists()

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"seconds": {"type": "integer", "default": 0}}, "$.seconds: removed field"),
            ({"path": {"type": "integer"}}, "$.path: changed type"),
            ({"path": None}, "$.path: new required field"),
            ({"kind": {"type": "string", "default": "home"}}, "$.kind: changed default"),
        ],
    )
    def test_refuses_to_break_what_others_read_by(
        self, directory: Path, fields: dict[str, Any], complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        change_schema(directory, "page_viewed.v1", **fields)
        before = (directory / "schemas" / "page_viewed.v1.json").read_text()
        assert generation.run([], directory=directory) == 1
        assert f"schemas/page_viewed.v1.json: {complaint}" in capsys.readouterr().err
        assert (directory / "schemas" / "page_viewed.v1.json").read_text() == before

    def test_refuses_to_narrow_a_choice(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        change_schema(directory, "tier_changed.v1", direction={"enum": ["down", "level", "up"]})
        assert generation.run([], directory=directory) == 1
        assert '$.direction: narrowed enum, "level" is gone' in capsys.readouterr().err

    def test_refuses_to_forget_an_event_whose_records_are_kept(
        self, directory: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (directory / "schemas" / "lead_sold.v1.json").write_text("{}")
        assert generation.run([], directory=directory) == 1
        assert "schemas/lead_sold.v1.json: removed event" in capsys.readouterr().err

    def test_answers_wrong_usage_with_two(self, directory: Path) -> None:
        assert generation.run(["--force"], directory=directory) == 2


class TestTheAsyncApiDocument:
    def test_has_a_channel_for_every_topic_with_its_owner(self, document: dict[str, Any]) -> None:
        channels = document["channels"].values()
        assert document["asyncapi"] == "3.0.0"
        assert {each["address"]: each["x-owner"] for each in channels} == {
            topic.name: topic.owner for topic in all_topics()
        }

    def test_has_every_event_on_its_channels(self, document: dict[str, Any]) -> None:
        for each in DECLARATIONS:
            assert document["components"]["messages"][each.file_stem]["name"] == each.type
            for topic in each.topics:
                assert each.file_stem in document["channels"][topic.short_name]["messages"]

    def test_says_what_each_service_writes_and_reads(self, document: dict[str, Any]) -> None:
        operations = document["operations"]
        for topic in all_topics():
            for service in SERVICES:
                assert (f"{service}.send.{topic.short_name}" in operations) == (service in topic.producers)
                assert (f"{service}.receive.{topic.short_name}" in operations) == (service in topic.consumers)

    def test_refers_to_nothing_that_is_not_there(self, document: dict[str, Any]) -> None:
        def references(node: Any) -> list[str]:
            if isinstance(node, dict):
                own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
                return own + [found for value in node.values() for found in references(value)]
            return [found for item in node for found in references(item)] if isinstance(node, list) else []

        found = references(document)
        assert len(found) > 100
        for reference in found:
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
            assert target

    def test_spells_tuples_as_its_dialect_does(self, document: dict[str, Any]) -> None:
        assert "prefixItems" not in str(document)
