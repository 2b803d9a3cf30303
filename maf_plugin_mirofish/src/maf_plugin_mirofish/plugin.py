"""What this plugin offers: swarm simulations of reports, and the refresher that runs them."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import ChannelSpec, hookimpl


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """The stream of the refresher."""
    yield ChannelSpec(
        name="mirofish_sims",
        stream="mirofish:sims:emitted",
        summary="Swarm simulations that came to a result",
    )
