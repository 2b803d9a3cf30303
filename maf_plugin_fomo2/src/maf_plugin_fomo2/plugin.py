"""What this plugin offers: the reports of fomo2, read from its stream or asked for."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import ChannelSpec, SourceSpec, TriggerTemplatesSpec, hookimpl


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """Reports of a symbol."""
    yield SourceSpec(
        name="fomo2_reports",
        factory="maf_plugin_fomo2.reports_source:ReportsSource",
        summary="Reports that name the symbol, or one by its id, from fomo2:reports",
    )
    yield SourceSpec(
        name="fomo2_request",
        factory="maf_plugin_fomo2.request_source:RequestSource",
        summary="Asks fomo2 on fomo2:requests and waits for the answer on fomo2:responses",
    )


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """The streams shared with fomo2."""
    yield ChannelSpec(name="fomo2_reports", stream="fomo2:reports", summary="Reports that fomo2 has written")
    yield ChannelSpec(name="fomo2_requests", stream="fomo2:requests", summary="Questions to fomo2")
    yield ChannelSpec(name="fomo2_responses", stream="fomo2:responses", summary="What fomo2 answered")


@hookimpl
def maf_trigger_templates() -> Iterator[TriggerTemplatesSpec]:
    """Rules about reports."""
    yield TriggerTemplatesSpec(
        name="fomo2", factory="maf_plugin_fomo2.templates:template_file", summary="A report about one symbol"
    )
