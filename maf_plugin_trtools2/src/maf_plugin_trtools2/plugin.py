"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import CommandSpec, SourceSpec, hookimpl


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """Bars, news and strategy events of a symbol."""
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


@hookimpl
def maf_commands() -> Iterator[CommandSpec]:
    """`maf trtools2`."""
    yield CommandSpec(name="trtools2", factory="maf_plugin_trtools2.cli:cli", summary="Replay bars from files.")
