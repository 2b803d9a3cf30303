"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import (
    AgentSpec,
    ArenaSpec,
    ChannelSpec,
    DashboardRouterSpec,
    PublisherSpec,
    TriggerTemplatesSpec,
    hookimpl,
)

_PACKAGE = "maf_plugin_trading_intelligence"


@hookimpl
def maf_agents() -> Iterator[AgentSpec]:
    """The specialists of the panel."""
    yield AgentSpec(
        name="technical",
        factory=f"{_PACKAGE}.specialists.technical:TechnicalSpecialist",
        summary="Trend, momentum, MACD and RSI of price bars",
    )
    yield AgentSpec(
        name="forecast",
        factory=f"{_PACKAGE}.specialists.forecast:ForecastSpecialist",
        summary="The probability that a forecast gives to a rise",
    )
    yield AgentSpec(
        name="strategy",
        factory=f"{_PACKAGE}.specialists.strategy:StrategySpecialist",
        summary="Majority of the strategies' latest events",
    )
    yield AgentSpec(
        name="news",
        factory=f"{_PACKAGE}.specialists.news:NewsSpecialist",
        summary="Good and bad words in headlines and summaries",
    )


@hookimpl
def maf_arenas() -> Iterator[ArenaSpec]:
    """BUY, HOLD or SELL for a ticker."""
    yield ArenaSpec(
        name="trading_intelligence",
        factory=f"{_PACKAGE}.arena:arena_file",
        summary="BUY, HOLD or SELL for a ticker",
    )


@hookimpl
def maf_envelope_publishers() -> Iterator[PublisherSpec]:
    """The envelope and its look-up hash."""
    yield PublisherSpec(
        name="trading_intelligence",
        arena="trading_intelligence",
        factory=f"{_PACKAGE}.publisher:EnvelopePublisher",
        summary="maf:arena:trading_intelligence:output and the look-up hash",
    )


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """Where the envelopes go."""
    yield ChannelSpec(
        name="trading_intelligence",
        stream="maf:arena:trading_intelligence:output",
        summary="Decisions about tickers, one envelope a run",
    )


@hookimpl
def maf_trigger_templates() -> Iterator[TriggerTemplatesSpec]:
    """Rules about decisions."""
    yield TriggerTemplatesSpec(
        name="trading_intelligence",
        factory=f"{_PACKAGE}.arena:template_file",
        summary="A call of high confidence",
    )


@hookimpl
def maf_dashboard_routers() -> Iterator[DashboardRouterSpec]:
    """Decisions, looked up by ticker and date."""
    yield DashboardRouterSpec(
        name="trading_intelligence",
        factory=f"{_PACKAGE}.dashboard:make_router",
        summary="The decision about a ticker, on a date or the latest",
    )
