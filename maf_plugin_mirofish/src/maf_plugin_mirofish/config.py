"""What the refresher can be told: MAF_MIROFISH_* over `plugins.mirofish` in maf.yaml over these defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from maf_core import PluginSettings

_HOUR, _DAY = 3600.0, 86_400


def _address(value: str) -> str:
    if not value.startswith(("http://", "https://")) or "@" in value:
        raise ValueError("write it as http://host:port")
    return value.rstrip("/")


class MiroFishSettings(PluginSettings):
    """Where MiroFish is, what it may cost, and how patient to be with it. Durations are seconds.

    `url=None`: nothing is simulated. `daily_budget`: simulations begun on one UTC day, by all services together.
    `ask`: whom to ask for the probability, the next one when nobody before gave a number. `attempts`: of each stage.
    `stall_s`: work that shows no progress for so long is given up. `deadline_s`: for a whole simulation.
    `max_age_s`: reports older than this, or waiting for longer, are not simulated.
    """

    model_config = SettingsConfigDict(env_prefix="MAF_MIROFISH_", extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_address)] | None = None
    reports_stream: str = "fomo2:reports"
    daily_budget: int = Field(10, ge=0)
    max_concurrent: int = Field(1, ge=1)
    max_age_s: float = Field(float(_DAY), gt=0, le=6 * _DAY)
    cache_ttl_s: int = Field(7 * _DAY, ge=1)

    max_rounds: int = Field(20, ge=1)
    horizon_hours: int = Field(24, ge=1)
    ask: tuple[Literal["agents", "report"], ...] = Field(("agents", "report"), min_length=1)
    agents_sample: int = Field(12, ge=1)
    parallel_profiles: int = Field(5, ge=1)
    max_text_chars: int = Field(50_000, ge=1)

    timeout_s: float = Field(30.0, gt=0)
    ontology_timeout_s: float = Field(300.0, gt=0)
    prepare_timeout_s: float = Field(120.0, gt=0)
    chat_timeout_s: float = Field(180.0, gt=0)
    interview_timeout_s: float = Field(180.0, gt=0)
    max_answer_bytes: int = Field(8_000_000, ge=1000)

    poll_s: float = Field(3.0, gt=0)
    poll_errors: int = Field(5, ge=0)
    stall_s: float = Field(900.0, gt=0)
    deadline_s: float = Field(4 * _HOUR, gt=0)
    attempts: int = Field(3, ge=1)
    backoff_s: float = Field(30.0, gt=0)
    backoff_limit_s: float = Field(600.0, gt=0)
