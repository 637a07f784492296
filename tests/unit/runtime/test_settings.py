"""Settings: read once, all faults at once, secrets never shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings.durations import Duration, format_duration, parse_duration
from shared.runtime.settings.environment import (
    Fault,
    Settings,
    SettingsFaulty,
    describe_settings,
    explain_settings,
    find_unknown,
    load_settings,
)
from shared.runtime.settings.process import ProcessSettings


class MailSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="LEADMILL_NURTURE_")

    mail_host: str = Field(description="the mail server's name")
    mail_port: int = Field(587, ge=1, le=65_535, description="the mail server's port")
    mail_password: SecretStr = Field(SecretStr(""), description="the mail server's password")
    window: Duration = Field(timedelta(minutes=5), description="how long a batch of mails may wait")
    smallest: int = 1
    largest: int = 10

    def find_faults(self) -> Iterable[Fault]:
        if self.smallest > self.largest:
            yield Fault("LEADMILL_NURTURE_SMALLEST", "is larger than LEADMILL_NURTURE_LARGEST; lower it")


def faults_of(environment: dict[str, str], **more: object) -> dict[str, str]:
    with pytest.raises(SettingsFaulty) as caught:
        load_settings(MailSettings, environment=environment, **more)
    return {fault.variable: fault.what for fault in caught.value.faults}


class TestSettings:
    def test_come_from_variables_with_the_prefix_of_their_group(self) -> None:
        environment = {
            "LEADMILL_NURTURE_MAIL_HOST": "mail.example",
            "LEADMILL_NURTURE_WINDOW": "90s",
            "MAIL_PORT": "1",
        }
        settings = load_settings(MailSettings, environment=environment)
        assert (settings.mail_host, settings.window, settings.mail_port) == (
            "mail.example",
            timedelta(seconds=90),
            587,
        )

    def test_from_a_command_line_come_first(self) -> None:
        environment = {"LEADMILL_NURTURE_MAIL_HOST": "mail.example"}
        assert load_settings(MailSettings, environment=environment, mail_host="other").mail_host == "other"

    def test_that_are_empty_are_not_set(self) -> None:
        assert (
            load_settings(
                MailSettings, environment={"LEADMILL_NURTURE_MAIL_PORT": ""}, mail_host="x"
            ).mail_port
            == 587
        )

    def test_come_from_files_too(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("hunter2\n")
        environment = {"LEADMILL_NURTURE_MAIL_PASSWORD_FILE": str(tmp_path / "password")}
        settings = load_settings(MailSettings, environment=environment, mail_host="x")
        assert settings.mail_password.get_secret_value() == "hunter2"

    def test_do_not_change_once_they_are_read(self) -> None:
        settings = load_settings(MailSettings, environment={}, mail_host="x")
        with pytest.raises(ValueError, match="frozen"):
            settings.mail_host = "y"  # type: ignore[misc]


class TestFaults:
    def test_are_all_told_at_once_each_with_its_variable_and_what_to_do(self) -> None:
        faults = faults_of(
            {
                "LEADMILL_NURTURE_MAIL_PORT": "70000",
                "LEADMILL_NURTURE_WINDOW": "90",
                "LEADMILL_NURTURE_SMALLEST": "11",
                "LEADMILL_NURTURE_MAIL_PASSWORD_FILE": "/nowhere/at/all",
            },
        )
        assert {variable.removeprefix("LEADMILL_NURTURE_"): what for variable, what in faults.items()} == {
            "MAIL_PASSWORD_FILE": "the file cannot be read (FileNotFoundError); check its path",
            "MAIL_HOST": "is not set and is needed (the mail server's name)",
            "MAIL_PORT": "input should be less than or equal to 65535 (the mail server's port)",
            "WINDOW": (
                "a duration has a unit: 250ms, 30s, 5m, 1h30m or 7d (how long a batch of mails may wait)"
            ),
        }

    def test_between_settings_are_told_beside_the_others(self) -> None:
        environment = {"LEADMILL_NURTURE_SMALLEST": "11", "LEADMILL_NURTURE_MAIL_PORT": "x"}
        assert set(faults_of(environment, mail_host="x")) == {
            "LEADMILL_NURTURE_SMALLEST",
            "LEADMILL_NURTURE_MAIL_PORT",
        }

    def test_name_a_value_that_is_given_twice(self, tmp_path: Path) -> None:
        (tmp_path / "host").write_text("mail.example")
        environment = {
            "LEADMILL_NURTURE_MAIL_HOST": "x",
            "LEADMILL_NURTURE_MAIL_HOST_FILE": str(tmp_path / "host"),
        }
        assert "keep one of them" in faults_of(environment)["LEADMILL_NURTURE_MAIL_HOST"]

    def test_never_show_what_was_set(self) -> None:
        with pytest.raises(SettingsFaulty) as caught:
            load_settings(
                ProcessSettings, environment={"LEADMILL_POSTGRES": "hunter2", "LEADMILL_PEPPER": "hunter2"}
            )
        assert {fault.variable for fault in caught.value.faults} == {"LEADMILL_POSTGRES", "LEADMILL_PEPPER"}
        assert "hunter2" not in str(caught.value)

    def test_name_variables_that_nobody_reads_and_what_was_meant(self) -> None:
        environment = {
            "LEADMILL_GRACE_PERIDO": "5s",
            "LEADMILL_XYZZY": "1",
            "LEADMILL_PEPPER_FILE": "x",
            "PATH": "x",
        }
        assert find_unknown([ProcessSettings], environment=environment) == [
            Fault("LEADMILL_GRACE_PERIDO", "is not a setting; did you mean LEADMILL_GRACE_PERIOD?"),
            Fault("LEADMILL_XYZZY", "is not a setting"),
        ]
        assert (
            find_unknown([ProcessSettings], environment={"LEADMILL_XYZZY": "1"}, also=["LEADMILL_XYZZY"])
            == []
        )


class TestProcessSettings:
    def test_need_nothing(self) -> None:
        settings = load_settings(ProcessSettings, environment={})
        assert (settings.log, settings.port, settings.partitions) == ("embedded", 8080, 12)

    @pytest.mark.parametrize(
        ("environment", "variable"),
        [
            ({"LEADMILL_LOG": "kafka"}, "LEADMILL_KAFKA"),
            ({"LEADMILL_LOG": "rabbit"}, "LEADMILL_LOG"),
            ({"LEADMILL_PORT": "9080"}, "LEADMILL_ADMIN_PORT"),
            ({"LEADMILL_POSTGRES": "mysql://x"}, "LEADMILL_POSTGRES"),
            ({"LEADMILL_IDENTITY_KEY": "short"}, "LEADMILL_IDENTITY_KEY"),
            ({"LEADMILL_GRACE_PERIOD": "20"}, "LEADMILL_GRACE_PERIOD"),
            ({"LEADMILL_TRACES_ENDPOINT": "collector:4318"}, "LEADMILL_TRACES_ENDPOINT"),
            ({"LEADMILL_TRACES_ENDPOINT": "http://collector:43180000/v1/traces"}, "LEADMILL_TRACES_ENDPOINT"),
            ({"LEADMILL_TRACES_ENDPOINT": "http://collector:4318"}, "LEADMILL_TRACES_ENDPOINT"),
            ({"LEADMILL_TRACES_ENDPOINT": "http://me:pass@collector/v1/traces"}, "LEADMILL_TRACES_ENDPOINT"),
        ],
    )
    def test_refuse_what_cannot_work(self, environment: dict[str, str], variable: str) -> None:
        with pytest.raises(SettingsFaulty) as caught:
            load_settings(ProcessSettings, environment=environment)
        assert [fault.variable for fault in caught.value.faults] == [variable]

    def test_are_shown_without_secrets(self) -> None:
        environment = {
            "LEADMILL_POSTGRES": "postgresql://me:hunter2@db.example:5433/leads",
            "LEADMILL_PEPPER": "p" * 32,
        }
        shown = describe_settings(load_settings(ProcessSettings, environment=environment))
        assert shown["LEADMILL_POSTGRES"] == "postgresql://[redacted]@db.example:5433/leads"
        assert shown["LEADMILL_PEPPER"] == "[redacted]"
        assert shown["LEADMILL_IDENTITY_KEY"] == ""
        assert shown["LEADMILL_GRACE_PERIOD"] == "20s"

    def test_are_each_explained(self) -> None:
        rows = {
            variable: (default, meaning) for variable, default, meaning in explain_settings(ProcessSettings)
        }
        assert rows["LEADMILL_PORT"] == ("8080", "the port of the public API")
        assert all(meaning for _, meaning in rows.values())


class TestDurations:
    @given(st.integers(0, 10**11))
    def test_are_read_as_they_are_written(self, milliseconds: int) -> None:
        span = timedelta(milliseconds=milliseconds)
        assert parse_duration(format_duration(span)) == span

    @pytest.mark.parametrize("text", ["", "5", "-5s", "5 parsecs", "s", "1h30", "1.5"])
    def test_without_a_unit_are_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="a duration has a unit"):
            parse_duration(text)

    def test_may_have_decimals_and_spaces(self) -> None:
        assert parse_duration(" 1.5h 10s ") == timedelta(hours=1, minutes=30, seconds=10)
