"""What this plugin offers: a source, its refresher, what follows from them, and the forecast service."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import ChannelSpec, CommandSpec, RefresherSpec, SourceSpec, TriggerTemplatesSpec, hookimpl


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """Cached forecasts, as of any moment."""
    yield SourceSpec(
        name="kronos_forecast",
        factory="maf_plugin_kronos.source:KronosForecastSource",
        summary="Probability of a rise and price quantiles, from the forecast cache",
    )


@hookimpl
def maf_refreshers() -> Iterator[RefresherSpec]:
    """Keeps the forecasts of watched symbols up to date."""
    yield RefresherSpec(
        name="kronos",
        factory="maf_plugin_kronos.refresher:KronosRefresher",
        summary="new bars of watched symbols → forecast service → kronos:forecast:*, kronos:forecasts:emitted",
    )


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """The stream of the refresher."""
    yield ChannelSpec(
        name="kronos_forecasts",
        stream="kronos:forecasts:emitted",
        summary="Forecasts that moved by more than the threshold or changed their direction",
    )


@hookimpl
def maf_trigger_templates() -> Iterator[TriggerTemplatesSpec]:
    """Rules about forecasts."""
    yield TriggerTemplatesSpec(
        name="kronos",
        factory="maf_plugin_kronos.templates:template_file",
        summary="A forecast that moved or changed its direction",
    )


@hookimpl
def maf_commands() -> Iterator[CommandSpec]:
    """`maf kronos`."""
    yield CommandSpec(name="kronos", factory="maf_plugin_kronos.cli:cli", summary="Serve price forecasts over HTTP")
