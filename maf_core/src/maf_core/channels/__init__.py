"""The streams people may want to look at: who names them, where they stand, what is on them."""

from maf_core.channels.catalogue import Channel, catalogue
from maf_core.channels.discover import discover_channels
from maf_core.channels.health import StreamHealth, streams_health
from maf_core.channels.measure import Measured, measure
from maf_core.channels.preview import Preview, Previewed, preview_stream, shortened
from maf_core.channels.schema import Key, infer_schema

__all__ = [
    "Channel",
    "Key",
    "Measured",
    "Preview",
    "Previewed",
    "StreamHealth",
    "catalogue",
    "discover_channels",
    "infer_schema",
    "measure",
    "preview_stream",
    "shortened",
    "streams_health",
]
