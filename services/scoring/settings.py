"""The environment of scoring: ``LEADMILL_SCORING_…``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings.environment import Settings


class ScoringSettings(Settings):
    """What can be set per process; models and patience are documents in ``config/scoring``."""

    model_config = SettingsConfigDict(env_prefix="LEADMILL_SCORING_")

    webhooks_to_loopback: bool = Field(
        default=False,
        description="let webhooks go to this machine itself, by http too; for trials, never in production",
    )
