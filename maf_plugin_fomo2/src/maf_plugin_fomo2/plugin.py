"""What this plugin offers: the reports of fomo2, read from its stream or asked for."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import ChannelSpec, hookimpl


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """The stream of reports."""
    yield ChannelSpec(name="fomo2_reports", stream="fomo2:reports", summary="Reports that fomo2 has written")
