"""The settings that every process has, whichever services run in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from shared.runtime.settings.durations import Duration
from shared.runtime.settings.environment import Fault, Settings


class ProcessSettings(Settings):
    """Where things are, and how long they may take.

    Without any of them everything runs on this machine: the database and the log come along.
    """

    data_dir: Path = Field(Path(".leadmill"), description="the folder that holds what must survive a restart")
    log: Literal["embedded", "kafka"] = Field(
        "embedded", description="the event log: embedded on this machine, or kafka"
    )
    kafka: str = Field(
        "", description="addresses of Kafka's brokers, for example broker-1:9092,broker-2:9092"
    )
    postgres: SecretStr = Field(
        SecretStr(""),
        description="address of PostgreSQL, for example postgresql://user:password@host:5432/leadmill",
    )
    partitions: int = Field(
        12, ge=1, le=1_000, description="partitions of every topic; frozen once there is data"
    )

    host: str = Field("127.0.0.1", description="the address to listen on; 0.0.0.0 in a container")
    port: int = Field(8080, ge=0, le=65_535, description="the port of the public API")
    admin_host: str = Field("127.0.0.1", description="the address of the admin port; never a public one")
    admin_port: int = Field(
        9080, ge=0, le=65_535, description="the port of /livez, /readyz, /metrics and /info"
    )
    trusted_proxies: str = Field("", description="addresses whose X-Forwarded-For is believed, or *")

    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "info", description="what is logged; can be changed at run time on the admin port"
    )
    traces_endpoint: str = Field(
        "",
        description="where the spans of requests are sent, as OTLP over HTTP in JSON, for example "
        "http://collector:4318/v1/traces; without it none are recorded",
    )
    grace_period: Duration = Field(
        timedelta(seconds=20), description="how long a stop may take until what still runs is cancelled"
    )
    linger: Duration = Field(
        timedelta(0),
        description="how long to go on after readiness is off, until load balancers have noticed",
    )

    identity_key: SecretStr | None = Field(
        None, description="the key that ids of people are made with; 32 characters or more; never change it"
    )
    pepper: SecretStr | None = Field(
        None, description="the key that credentials are stored with; 32 characters or more; never change it"
    )
    revision: str = Field("", description="the commit that this was built from, for /info")

    def find_faults(self) -> Iterable[Fault]:
        """Return what does not fit together."""
        if self.log == "kafka" and not self.kafka:
            yield Fault(
                "LEADMILL_KAFKA", "is needed when LEADMILL_LOG is kafka; set it to the brokers' addresses"
            )
        if self.port and self.port == self.admin_port:
            yield Fault(
                "LEADMILL_ADMIN_PORT", "is the same as LEADMILL_PORT; the admin port is never the public one"
            )
        address = self.postgres.get_secret_value()
        if address and not address.startswith(("postgresql://", "postgres://")):
            yield Fault(
                "LEADMILL_POSTGRES",
                "begins with postgresql://, for example postgresql://user:password@host/db",
            )
        if self.traces_endpoint and (what := _fault_of_endpoint(self.traces_endpoint)):
            yield Fault("LEADMILL_TRACES_ENDPOINT", what)
        for name, secret in (("IDENTITY_KEY", self.identity_key), ("PEPPER", self.pepper)):
            if secret is not None and len(secret.get_secret_value().strip()) < 32:
                yield Fault(
                    f"LEADMILL_{name}", "has at least 32 characters; `openssl rand -hex 32` makes one"
                )


def _fault_of_endpoint(address: str) -> str:
    try:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            return "begins with http:// or https:// and names a host, for example http://collector:4318/v1/traces"
    except ValueError:
        return "is no address; write it like http://collector:4318/v1/traces"
    if parts.username or parts.password:
        return "holds no credentials, because settings are shown; let a collector of your own add them"
    if parts.path in {"", "/"}:
        return "has a path, too; most collectors take spans under /v1/traces"
    return ""
