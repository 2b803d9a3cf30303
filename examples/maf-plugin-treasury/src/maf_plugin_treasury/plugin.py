"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import SourceSpec, hookimpl


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """The yield curve."""
    yield SourceSpec(
        name="treasury_yields",
        factory="maf_plugin_treasury.source:TreasuryYields",
        summary="Daily U.S. Treasury par yields and the slope of the curve, from treasury:yields",
    )
