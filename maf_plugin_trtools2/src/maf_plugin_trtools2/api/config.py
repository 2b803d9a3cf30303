"""What a binding of `trtools2_api` may set, and what the environment says."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from maf_core import SourceConfig
from maf_core.bars import seconds_of
from maf_core.errors import UsageError

DEFAULT_URL = "http://localhost:8888"
What = Literal["bars", "snapshot", "coverage", "health"]
PATHS: dict[What, str] = {
    "bars": "/bars",
    "snapshot": "/snapshots",
    "coverage": "/coverage",
    "health": "/pipeline/health",
}


class ApiConfig(SourceConfig):
    """One binding asks for one thing: bars of a window, the newest price, what is stored, or how the pipeline is.

    `base_url`: by default TRTOOLS2_API_URL, else http://localhost:8888. `path`: where the service has it, if elsewhere.
    `max_lead_s`: coverage and health are about now; a moment longer ago than this gets none.
    """

    what: What = "bars"
    base_url: str | None = None
    path: str | None = Field(None, pattern=r"^/[\w./-]*$")
    timeframe: str = "1d"
    lookback: int = Field(260, ge=1, le=10_000)
    timeout_s: float = Field(10.0, gt=0, le=120)
    max_age_days: float = Field(7.0, gt=0)
    max_lead_s: float = Field(60.0, gt=0)

    @field_validator("timeframe")
    @classmethod
    def _known_timeframe(cls, value: str) -> str:
        try:
            seconds_of(value)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return value.lower()

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("write it as http://host:port or https://host")
        return value.rstrip("/") if value else None

    @property
    def url(self) -> str:
        """Where to ask."""
        base = self.base_url or os.environ.get("TRTOOLS2_API_URL") or DEFAULT_URL
        return base.rstrip("/") + (self.path or PATHS[self.what])


def api_key() -> SecretStr | None:
    """The key that goes along in `X-API-Key`: TT2_API_KEY, else TRTOOLS2_API_KEY."""
    found = os.environ.get("TT2_API_KEY") or os.environ.get("TRTOOLS2_API_KEY")
    return SecretStr(found) if found else None
