"""The source `crowd_questions`: the report, bet or strategy that a run is about."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from maf_core import SourceQuery, SourceResult
from maf_core.sources.window import KEPT, Known, WindowConfig, WindowSource
from maf_plugin_crowd.questions import READERS

STREAMS = {
    "fomo2_report": "fomo2:reports",
    "polymarket_bet": "polymarket:bets",
    "oddsoddy_strategy": "oddsoddy:strategies",
}
# All of a stream stand under one key: ids are without number.
_ALL = ""


class QuestionsConfig(WindowConfig):
    """Which of the three, and on which stream it stands."""

    source_type: Literal["fomo2_report", "polymarket_bet", "oddsoddy_strategy"] = "fomo2_report"
    stream: str = ""
    window_hours: float = Field(720.0, gt=0)
    limit: int = Field(1, ge=1, le=KEPT)

    @model_validator(mode="before")
    @classmethod
    def _own_stream(cls, given: Any) -> Any:
        if isinstance(given, dict) and not given.get("stream"):
            return {**given, "stream": STREAMS.get(given.get("source_type", "fomo2_report"), "")}
        return given


class QuestionsSource(WindowSource):
    """Answers with the row of the target's `source_id`, as it was first told: {source_type, source_id, …facts}."""

    name = "crowd_questions"
    Config = QuestionsConfig
    config: QuestionsConfig
    untrusted = True

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """The row; nothing for a target of another `source_type`, which costs nothing to say."""
        if query.target.get("source_type") != self.config.source_type:
            return SourceResult(None, gaps=(f"no_{self.name}",))
        return await super().fetch(query)

    def key_of(self, query: SourceQuery) -> str:
        """All of them."""
        return _ALL

    def fits(self, query: SourceQuery, item: Known) -> bool:
        """The one that is asked for."""
        return item.identity == str(query.target.get("source_id"))

    def parse(self, payload: dict[str, Any]) -> tuple[list[str], Known]:
        """Read an entry as its type says."""
        asked = READERS[self.config.source_type](payload)
        row = {"source_type": self.config.source_type, "source_id": asked.source_id, **asked.facts}
        return [_ALL], Known(asked.as_of, asked.source_id, row)
