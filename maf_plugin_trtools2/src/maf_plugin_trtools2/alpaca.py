"""The old sources that asked Alpaca directly: they answer with what to bind instead."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict

from maf_core import BaseSource, ExternalFreshness, SourceConfig, SourceQuery, SourceResult


class AnyConfig(SourceConfig):
    """Whatever an old binding says; none of it is used."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _Replaced(BaseSource):
    """Answers with {"data": [], "error": what to bind}, and the gap `no_<name>`."""

    Config = AnyConfig
    instead: ClassVar[str]

    @classmethod
    def freshness_spec(cls, config: AnyConfig) -> ExternalFreshness:
        """Nothing is kept, as nothing is asked."""
        return ExternalFreshness()

    async def fetch(self, query: SourceQuery) -> SourceResult:
        """Ask nobody."""
        error = f"{self.name} no longer asks Alpaca. In the arena's `sources:` bind {self.instead}."
        return SourceResult({"data": [], "error": error}, gaps=(f"no_{self.name}",))


class AlpacaBars(_Replaced):
    """Once: bars from Alpaca."""

    name = "alpaca_bars"
    instead = "{source: trtools2_bars, config: {timeframe: 1d}}, or trtools2_api to ask over HTTP"


class AlpacaNews(_Replaced):
    """Once: news from Alpaca."""

    name = "alpaca_news"
    instead = "{source: trtools2_news}"


class AlpacaSnapshot(_Replaced):
    """Once: the newest price from Alpaca."""

    name = "alpaca_snapshot"
    instead = "{source: trtools2_api, config: {what: snapshot}}"
