"""The settings of the whole platform: those of every process, where its documents are, how to reach Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr

from leadmill.embedded import choose_data_dir
from leadmill.platform.roster import settings_kinds
from shared.runtime.settings.durations import Duration
from shared.runtime.settings.environment import (
    Fault,
    Settings,
    SettingsFaulty,
    find_unknown,
    load_settings,
)
from shared.runtime.settings.process import ProcessSettings

CHECKOUT: Final = Path(__file__).resolve().parents[2]


class PlatformSettings(ProcessSettings):
    """What can be set for a process of the platform, whichever services run in it."""

    config: Path = Field(CHECKOUT / "config", description="the folder of business documents")
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how Kafka is spoken to"
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how to prove who we are, with the SASL protocols"
    )
    kafka_username: str = Field("", description="who we are to Kafka, with the SASL protocols")
    kafka_password: SecretStr = Field(SecretStr(""), description="and the password")
    kafka_ca: Path | None = Field(
        None, description="file with the authority that signed the brokers' certificates; else the machine's"
    )
    kafka_replication: int | None = Field(
        None, ge=1, le=9, description="copies of new topics; without it the cluster's own default"
    )
    kafka_session: Duration = Field(
        timedelta(seconds=30), description="how long a worker may be silent before it loses its partitions"
    )

    @property
    def uses_own_database(self) -> bool:
        """Whether the database is the one that comes along."""
        return not self.postgres.get_secret_value()

    @property
    def data_folder(self) -> Path:
        """The folder that holds what must survive a restart, absolute."""
        return choose_data_dir(self.data_dir if "data_dir" in self.model_fields_set else None)

    def find_faults(self) -> Iterable[Fault]:
        """Return what does not fit together."""
        yield from super().find_faults()
        if not self.config.is_dir():
            yield Fault("LEADMILL_CONFIG", "is no folder; name the one with the business documents")
        if self.kafka_protocol.startswith("SASL") and not (
            self.kafka_username and self.kafka_password.get_secret_value()
        ):
            yield Fault(
                "LEADMILL_KAFKA_USERNAME", f"is needed with {self.kafka_protocol}, and a password with it"
            )
        if not timedelta(seconds=2) <= self.kafka_session <= timedelta(minutes=5):
            yield Fault("LEADMILL_KAFKA_SESSION", "is between 2s and 5m")
        if self.kafka_ca is not None and not self.kafka_ca.is_file():
            yield Fault("LEADMILL_KAFKA_CA", "is no file; name the one with the authority's certificate")


def load_platform_settings(
    *, environment: Mapping[str, str] | None = None, given: Mapping[str, object] | None = None
) -> PlatformSettings:
    """Read everything that any part of the platform reads; ``given`` is the command line (None: not given).

    :raises SettingsFaulty: naming every fault of every part, and every variable that nobody reads.
    """
    named = {name: value for name, value in (given or {}).items() if value is not None}
    faults: list[Fault] = []
    settings: PlatformSettings | None = None
    try:
        settings = load_settings(PlatformSettings, environment=environment, **named)
    except SettingsFaulty as error:
        faults += error.faults
    for kind in settings_kinds():
        try:
            load_settings(kind, environment=environment)
        except SettingsFaulty as error:
            faults += error.faults
    faults += find_unknown(all_kinds(), environment=environment)
    if settings is None or faults:
        raise SettingsFaulty(faults)
    return settings


def all_kinds() -> tuple[type[Settings], ...]:
    """Return every group of settings that there is."""
    return (PlatformSettings, *settings_kinds())
