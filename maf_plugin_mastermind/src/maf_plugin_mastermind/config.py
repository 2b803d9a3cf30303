"""The settings: `MAF_MASTERMIND_*` over `plugins.mastermind` in `maf.yaml` over these defaults."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from maf_core import PluginSettings


class MastermindSettings(PluginSettings):
    """`keep`: so many decisions of each arena are remembered, the newest; older ones are forgotten."""

    model_config = SettingsConfigDict(env_prefix="MAF_MASTERMIND_", extra="forbid", frozen=True)

    keep: int = Field(500, ge=1, le=10_000)
