"""The environment of ingest: ``LEADMILL_INGEST_…``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.kernel.errors import Rejected
from shared.runtime.settings.durations import Duration
from shared.runtime.settings.environment import Fault, Settings
from shared.working_time.zones import load_zone

_SHORTEST_MEMORY = timedelta(days=7)


class IngestSettings(Settings):
    """What can be set per process; business rules are documents in ``config/ingest``."""

    model_config = SettingsConfigDict(env_prefix="LEADMILL_INGEST_")

    default_region: str = Field(
        "CN", pattern="^[A-Za-z]{2}$", description="the country of telephone numbers that name none"
    )
    default_currency: str = Field(
        "",
        pattern="^([A-Za-z]{3})?$",
        description="currency of amounts that name none, for example CNY; without it they go to quarantine",
    )
    zone: str = Field("Asia/Shanghai", description="where the dates of imported tables are that name no zone")
    spill: bool = Field(
        default=False,
        description="keep messages on this machine's disk while the log is away; needs a lasting data folder",
    )
    spill_bytes: int = Field(1024**3, ge=1024**2, description="bytes that may wait on disk per process")
    spill_reserve: int = Field(
        20, ge=0, le=90, description="percent of the spill for forms, beacons, links and hooks alone"
    )
    requests_per_second: int = Field(
        1_000, ge=1, description="requests a second that a write key without a rate of its own may send"
    )
    burst: int = Field(
        2_000, ge=1, description="requests that a write key without a rate of its own may send at once"
    )
    log_patience: Duration = Field(
        timedelta(seconds=1), description="how long the log may take to answer before the spill, or 503"
    )
    remember_messages: Duration = Field(
        timedelta(days=14), description="how long a message sent again is recognised; at least 7d"
    )
    remember_answers: Duration = Field(
        timedelta(hours=72), description="how long a request with an Idempotency-Key is answered as the first"
    )
    keep_quarantine: Duration = Field(
        timedelta(days=30), description="how long messages that cannot be used are kept"
    )
    turned_away_per_minute: int = Field(
        10, ge=0, description="requests that are refused, kept as a sample per process, source and reason"
    )
    link_patience: Duration = Field(
        timedelta(milliseconds=200),
        description="how long whoever follows a tracking link waits for the click to be kept",
    )
    public_url: str = Field(
        "",
        description="how others reach the front door, for example https://in.example.com; for links, forms"
        " and hooks",
    )
    hook_look_every: Duration = Field(
        timedelta(minutes=15), description="how often vendors' lists are looked through for missed leads"
    )
    hook_overlap: Duration = Field(
        timedelta(hours=6), description="how far such a look goes back behind the one before"
    )
    hook_gives_up: Duration = Field(
        timedelta(days=3), description="after how long what cannot be fetched waits for a person"
    )
    redirect_origins: str = Field(
        "", description="origins that forms may lead to, for example https://www.example.com, by comma"
    )

    @property
    def origins(self) -> frozenset[str]:
        """The origins that forms may lead to."""
        return frozenset(
            part.strip().rstrip("/") for part in self.redirect_origins.split(",") if part.strip()
        )

    def find_faults(self) -> Iterable[Fault]:
        """Return what does not fit together."""
        if self.remember_messages < _SHORTEST_MEMORY:
            yield Fault("LEADMILL_INGEST_REMEMBER_MESSAGES", "is at least 7d: clients send again for days")
        try:
            load_zone(self.zone)
        except Rejected:
            yield Fault("LEADMILL_INGEST_ZONE", "is no zone; write Asia/Shanghai or Europe/Berlin")
        address = urlsplit(self.public_url)
        if self.public_url and (address.scheme not in {"http", "https"} or not address.netloc):
            yield Fault("LEADMILL_INGEST_PUBLIC_URL", "is written https://in.example.com")
        for origin in self.origins:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path:
                yield Fault(
                    "LEADMILL_INGEST_REDIRECT_ORIGINS",
                    "holds something that is no origin; write https://www.example.com",
                )
