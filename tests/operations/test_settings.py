"""Wrong settings: every fault at once, each with its name and what to do, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operations.processes import leadmill

FAULTY = {
    "LEADMILL_PORT": "eighty",
    "LEADMILL_LOG": "kafka",
    "LEADMILL_POSTGRES": "mysql://somewhere",
    "LEADMILL_PEPPER": "short",
    "LEADMILL_GRACE_PERIOD": "20",
    "LEADMILL_KAFKA_PROTOCOL": "SASL_SSL",
    "LEADMILL_CONFIG": "/no/such/folder",
    "LEADMILL_INGEST_REMEMBER_MESSAGES": "1h",
    "LEADMILL_PROT": "8080",
}


@pytest.mark.parametrize("command", [["up"], ["run", "scoring"], ["audit"]])
def test_all_faults_are_told_at_once(command: list[str], tmp_path: Path) -> None:
    answer = leadmill(*command, "--data", str(tmp_path), environment=FAULTY)

    assert answer.code == 2
    told = {line.strip().partition(":")[0] for line in answer.error_lines[1:]}
    assert told == {
        "LEADMILL_PORT",
        "LEADMILL_KAFKA",
        "LEADMILL_POSTGRES",
        "LEADMILL_PEPPER",
        "LEADMILL_GRACE_PERIOD",
        "LEADMILL_KAFKA_USERNAME",
        "LEADMILL_CONFIG",
        "LEADMILL_INGEST_REMEMBER_MESSAGES",
        "LEADMILL_PROT",
    }
    assert "did you mean LEADMILL_PORT?" in answer.err
    assert not list(tmp_path.iterdir())


def test_no_secret_is_shown(tmp_path: Path) -> None:
    secret = "do-not-show-this-" + "x" * 32
    environment = {
        "LEADMILL_PEPPER": secret,
        "LEADMILL_POSTGRES": f"postgresql://leadmill:{secret}@db.example/leadmill",
    }
    answer = leadmill("settings", "--json", "--data", str(tmp_path), environment=environment)

    assert answer.code == 0
    assert secret not in answer.out + answer.err
    shown = {row["variable"]: row["value"] for row in answer.document["settings"]}
    assert shown["LEADMILL_POSTGRES"] == "postgresql://[redacted]@db.example/leadmill"
    assert shown["LEADMILL_INGEST_REMEMBER_MESSAGES"] == "14d"
    assert shown["LEADMILL_DATA_DIR"] == str(tmp_path)


def test_a_setting_may_come_from_a_file(tmp_path: Path) -> None:
    address = tmp_path / "address"
    address.write_text("postgresql://leadmill@db.example/leadmill\n")
    answer = leadmill("settings", "--json", environment={"LEADMILL_POSTGRES_FILE": str(address)})

    shown = {row["variable"]: row["value"] for row in answer.document["settings"]}
    assert shown["LEADMILL_POSTGRES"] == "postgresql://[redacted]@db.example/leadmill"


class TestBusinessDocuments:
    def test_those_that_ship_are_well(self) -> None:
        assert leadmill("config", "check").code == 0

    def test_every_fault_is_told_with_its_place(self, tmp_path: Path) -> None:
        import shutil

        from tests.operations.processes import CHECKOUT

        config = tmp_path / "config"
        shutil.copytree(CHECKOUT / "config", config)
        model = config / "scoring" / "models" / "mql.yaml"
        model.write_text(
            model.read_text()
            .replace("points: 15", "points: many", 1)
            .replace("at_least: 80", "at_least: no", 1)
        )
        answer = leadmill("config", "check", str(config), "--json")

        assert answer.code == 1
        faults = answer.document["faults"]
        assert len(faults) == 2
        assert all(fault.startswith("scoring/") and "mql.yaml" in fault for fault in faults)

    def test_faults_that_only_show_when_it_is_built_are_told_as_well(self, tmp_path: Path) -> None:
        import shutil

        from tests.operations.processes import CHECKOUT

        config = tmp_path / "config"
        shutil.copytree(CHECKOUT / "config", config)
        for file, right, wrong in (
            ("scoring/models/mql.yaml", "at_least: 80", "at_least: 10"),
            ("calendars/china.yaml", "zone: Asia/Shanghai", "zone: Asia/Shangri_La"),
        ):
            document = config / file
            document.write_text(document.read_text().replace(right, wrong, 1))
        answer = leadmill("config", "check", str(config), "--json")

        assert answer.code == 1
        assert any(fault.startswith("scoring/mql@1: tiers[1]: ") for fault in answer.document["faults"])
        places = [fault.split(":")[0] for fault in answer.document["faults"]]
        assert [place for place in places if "calendar" in place] == ["calendars/china, version 1"]

    def test_a_calendar_that_does_not_know_the_holidays_to_come_is_told_and_is_no_fault(
        self, tmp_path: Path
    ) -> None:
        import re
        import shutil

        from tests.operations.processes import CHECKOUT

        config = tmp_path / "config"
        shutil.copytree(CHECKOUT / "config", config)
        document = config / "calendars" / "china.yaml"
        document.write_text(re.sub("last: 20..", "last: 2024", document.read_text()))
        answer = leadmill("config", "check", str(config), "--json")

        assert answer.code == 0
        assert answer.document["faults"] == []
        assert [line for line in answer.document["warnings"] if line.startswith("calendars/china: ")]
        assert any("calendars/china" in line for line in answer.error_lines)
