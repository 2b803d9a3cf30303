"""What an arena's binding may set."""

from __future__ import annotations

from pydantic import Field

from maf_core import SourceConfig
from maf_core.sources.window import WindowConfig


class ReportsConfig(WindowConfig):
    """Which reports, and how much of each text: what an agent reads is paid for by the word."""

    stream: str = "fomo2:reports"
    window_hours: float = Field(168.0, gt=0)
    limit: int = Field(20, ge=1, le=1000)
    max_chars: int = Field(4000, ge=100)


class RequestConfig(SourceConfig):
    """What to ask, where, and how long to wait for the answer."""

    request_stream: str = "fomo2:requests"
    response_stream: str = "fomo2:responses"
    question: str = "report"
    timeout_s: float = Field(20.0, gt=0, le=600)
    max_lead_s: float = Field(60.0, gt=0)
    """An answer that does not say as of when it holds is taken for one of the query's moment if that is at most so long
    ago. For an older moment, as in a replay, it is refused: whoever answers today knows what came since."""
