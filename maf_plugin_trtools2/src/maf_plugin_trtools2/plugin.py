"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import ChannelSpec, CommandSpec, SourceSpec, TriggerTemplatesSpec, hookimpl

# The usual ones; a binding or a rule that names another timeframe brings its stream with it.
_TIMEFRAMES = ("1m", "5m", "15m", "1h", "1d")
# Arenas from before still bind them, and are told what to write instead.
_REPLACED = (
    ("alpaca_bars", "AlpacaBars", "trtools2_bars"),
    ("alpaca_news", "AlpacaNews", "trtools2_news"),
    ("alpaca_snapshot", "AlpacaSnapshot", "trtools2_api"),
)


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """Bars, news, indicators and strategy events of a symbol."""
    yield SourceSpec(
        name="trtools2_bars",
        factory="maf_plugin_trtools2.bars_source:BarsSource",
        summary="Price bars from trtools2:bars:{tf}",
    )
    yield SourceSpec(
        name="trtools2_news",
        factory="maf_plugin_trtools2.news:NewsSource",
        summary="News that name the symbol, from trtools2:news",
    )
    yield SourceSpec(
        name="trtools2_strategy_events",
        factory="maf_plugin_trtools2.strategy:StrategyEventsSource",
        summary="Signals of strategies, from trtools2:strategy_events",
    )
    yield SourceSpec(
        name="trtools2_indicators",
        factory="maf_plugin_trtools2.indicators:IndicatorsSource",
        summary="Indicators of a symbol's bars, from trtools2:indicators:{tf}",
    )
    yield SourceSpec(
        name="trtools2_api",
        factory="maf_plugin_trtools2.api.source:ApiSource",
        summary="Bars, snapshots, coverage and pipeline health, asked for over HTTP",
    )
    for name, kind, instead in _REPLACED:
        yield SourceSpec(
            name=name,
            factory=f"maf_plugin_trtools2.alpaca:{kind}",
            summary=f"Replaced by {instead}",
            replaced_by=instead,
        )


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """The streams of the market data service."""
    for tf in _TIMEFRAMES:
        yield ChannelSpec(name=f"trtools2_bars_{tf}", stream=f"trtools2:bars:{tf}", summary=f"Price bars, {tf}")
        yield ChannelSpec(
            name=f"trtools2_indicators_{tf}", stream=f"trtools2:indicators:{tf}", summary=f"Indicators of {tf} bars"
        )
    yield ChannelSpec(name="trtools2_news", stream="trtools2:news", summary="News, each with the symbols it names")
    yield ChannelSpec(
        name="trtools2_strategy_events", stream="trtools2:strategy_events", summary="Signals of strategies"
    )


@hookimpl
def maf_trigger_templates() -> Iterator[TriggerTemplatesSpec]:
    """Rules about news and strategies."""
    yield TriggerTemplatesSpec(
        name="trtools2",
        factory="maf_plugin_trtools2.templates:template_file",
        summary="A strategy's event, news with a strong sentiment",
    )


@hookimpl
def maf_commands() -> Iterator[CommandSpec]:
    """`maf trtools2`."""
    yield CommandSpec(name="trtools2", factory="maf_plugin_trtools2.cli:cli", summary="Replay bars from files.")
