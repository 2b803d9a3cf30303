"""The broker's settings: `MAF_PAPER_*` over `plugins.paper` in `maf.yaml` over these defaults."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from maf_core import PluginSettings


class PaperSettings(PluginSettings):
    """What trading costs and what it begins with.

    Money is in the currency of the bars. 1 basis point (bps) is 1/10,000 of the traded value.
    """

    model_config = SettingsConfigDict(env_prefix="MAF_PAPER_", extra="forbid", frozen=True)

    initial_equity: float = Field(100_000.0, gt=0)
    slippage_bps: float = Field(2.0, ge=0, le=1000)
    fee_bps: float = Field(1.0, ge=0, le=1000)
    min_fee: float = Field(0.0, ge=0)
    bars_streams: tuple[str, ...] = Field(("trtools2:bars:1d",), min_length=1)
