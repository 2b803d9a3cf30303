"""What this plugin offers: swarm simulations of reports, the refresher that runs them, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import ChannelSpec, CommandSpec, RefresherSpec, SourceSpec, TriggerTemplatesSpec, hookimpl


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """Outcomes of simulations, as of any moment."""
    yield SourceSpec(
        name="mirofish_sim",
        factory="maf_plugin_mirofish.source:MiroFishSimSource",
        summary="What simulated people expect after a report, from mirofish:sims:emitted",
    )


@hookimpl
def maf_refreshers() -> Iterator[RefresherSpec]:
    """Simulates reports."""
    yield RefresherSpec(
        name="mirofish",
        factory="maf_plugin_mirofish.refresher:MiroFishRefresher",
        summary="reports about watched symbols → MiroFish → mirofish:sim:*, mirofish:sims:emitted",
    )


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """The stream of the refresher."""
    yield ChannelSpec(
        name="mirofish_sims",
        stream="mirofish:sims:emitted",
        summary="Swarm simulations that came to a result",
    )


@hookimpl
def maf_trigger_templates() -> Iterator[TriggerTemplatesSpec]:
    """Rules about simulations."""
    yield TriggerTemplatesSpec(
        name="mirofish",
        factory="maf_plugin_mirofish.templates:template_file",
        summary="A simulation that came out for a ticker",
    )


@hookimpl
def maf_commands() -> Iterator[CommandSpec]:
    """`maf mirofish`."""
    yield CommandSpec(
        name="mirofish",
        factory="maf_plugin_mirofish.cli:cli",
        summary="See what is simulated and what is left to spend",
    )
