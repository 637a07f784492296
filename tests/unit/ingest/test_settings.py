"""What an operator may set, and what is refused."""

from __future__ import annotations

import pytest

from services.ingest.settings import IngestSettings
from shared.runtime.settings.environment import SettingsFaulty, load_settings


class TestSettings:
    def test_need_nothing(self) -> None:
        settings = load_settings(IngestSettings, environment={})
        assert settings.remember_messages.days == 14
        assert settings.origins == frozenset()

    def test_list_origins(self) -> None:
        variables = {"LEADMILL_INGEST_REDIRECT_ORIGINS": "https://a.test/, https://b.test"}
        assert load_settings(IngestSettings, environment=variables).origins == {
            "https://a.test",
            "https://b.test",
        }

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("REMEMBER_MESSAGES", "6d"),
            ("REDIRECT_ORIGINS", "example.com"),
            ("REDIRECT_ORIGINS", "https://example.com/thanks"),
            ("DEFAULT_REGION", "China"),
        ],
    )
    def test_are_refused_by_name(self, name: str, value: str) -> None:
        with pytest.raises(SettingsFaulty) as refused:
            load_settings(IngestSettings, environment={f"LEADMILL_INGEST_{name}": value})
        assert [fault.variable for fault in refused.value.faults] == [f"LEADMILL_INGEST_{name}"]
