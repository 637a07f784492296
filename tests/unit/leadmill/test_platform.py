"""What the platform knows before anything runs: its services, topics, settings, its directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadmill.platform.deployment import DeploymentUnreadable, OtherDeployment, settle
from leadmill.platform.roster import ROSTER, ServiceUnknown, entry_of
from leadmill.platform.settings import PlatformSettings, load_platform_settings
from leadmill.platform.topics import PlannedTopic, layouts
from shared.contracts.topics import SERVICES, all_topics
from shared.log.port import TopicLayout
from shared.runtime.settings.environment import SettingsFaulty


class TestRoster:
    def test_holds_services_in_the_order_in_which_a_lead_meets_them(self) -> None:
        assert list(ROSTER) == [name for name in SERVICES if name in ROSTER]

    def test_one_service_answers_at_the_root_and_the_others_below_their_name(self) -> None:
        assert [entry.path for entry in ROSTER.values()].count("") == 1
        assert all(entry.path in {"", f"/{name}"} for name, entry in ROSTER.items())

    def test_says_which_services_there_are_when_asked_for_another(self) -> None:
        with pytest.raises(ServiceUnknown, match="ingest, scoring"):
            entry_of("kitchen")


class TestTopics:
    def test_every_declared_topic_is_laid_out(self) -> None:
        wanted = {layout.name: layout for layout in layouts(partitions=5)}
        assert set(wanted) == {topic.name for topic in all_topics()}
        assert {layout.partitions for layout in wanted.values()} == {5}

    def test_a_plan_creates_what_is_missing_keeps_what_fits_and_refuses_another_count(self) -> None:
        wanted = TopicLayout(name="t", partitions=5, retention_ms=1000)
        assert PlannedTopic(wanted, None).action == "create"
        assert PlannedTopic(wanted, wanted).action == "keep"
        assert PlannedTopic(wanted, TopicLayout(name="t", partitions=4)).action == "conflict"
        assert PlannedTopic(wanted, TopicLayout(name="t", partitions=5)).differs
        assert not PlannedTopic(wanted, wanted).differs


def settings(**given: object) -> PlatformSettings:
    return load_platform_settings(environment={}, given=given)


class TestDirectory:
    def test_keeps_what_it_was_started_with(self, tmp_path: Path) -> None:
        settle(settings(partitions=5), tmp_path)
        assert settle(settings(), tmp_path).partitions == 5

    def test_refuses_to_be_taken_for_another(self, tmp_path: Path) -> None:
        settle(settings(), tmp_path)
        with pytest.raises(OtherDeployment, match="was started with log embedded, not kafka"):
            settle(settings(log="kafka", kafka="broker:9092"), tmp_path)

    def test_takes_the_same_said_again(self, tmp_path: Path) -> None:
        settle(settings(partitions=7), tmp_path)
        assert settle(settings(partitions=7), tmp_path).partitions == 7

    def test_says_so_when_its_note_is_spoilt(self, tmp_path: Path) -> None:
        (tmp_path / "deployment.json").write_text(json.dumps(["log"]))
        with pytest.raises(DeploymentUnreadable):
            settle(settings(), tmp_path)


class TestSettings:
    def test_the_command_line_comes_before_the_environment(self) -> None:
        read = load_platform_settings(environment={"LEADMILL_PORT": "1"}, given={"port": 2, "host": None})
        assert (read.port, read.host) == (2, "127.0.0.1")

    def test_faults_of_every_part_are_told_together(self) -> None:
        environment = {"LEADMILL_PORT": "x", "LEADMILL_INGEST_SPILL": "x", "LEADMILL_SPIL": "1"}
        with pytest.raises(SettingsFaulty) as told:
            load_platform_settings(environment=environment)
        assert {fault.variable for fault in told.value.faults} == set(environment)
