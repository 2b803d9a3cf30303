"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import ChannelSpec, hookimpl


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """Where the envelopes go."""
    yield ChannelSpec(
        name="crowd_simulation",
        stream="maf:arena:crowd_simulation:output",
        summary="Predictions of a simulated crowd, one envelope each",
    )
