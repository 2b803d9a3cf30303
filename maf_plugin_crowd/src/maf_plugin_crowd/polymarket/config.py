"""What a binding of `polymarket_market` may set."""

from __future__ import annotations

from pydantic import Field, field_validator

from maf_core import SourceConfig


class PolymarketConfig(SourceConfig):
    """Where to ask, and what to believe.

    `max_disagreement`: how far the book's best ask may lie from the price that the service quotes. `max_lead_s`: a book
    is about now; of a moment longer ago than this only the history is told. `history_days`: how much of it.
    """

    gamma_url: str = "https://gamma-api.polymarket.com"
    clob_url: str = "https://clob.polymarket.com"
    timeout_s: float = Field(10.0, gt=0, le=120)
    max_disagreement: float = Field(0.02, gt=0, lt=1)
    max_lead_s: float = Field(60.0, gt=0)
    history_days: float = Field(30.0, gt=0, le=365)

    @field_validator("gamma_url", "clob_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("write it as https://host")
        return value.rstrip("/")
