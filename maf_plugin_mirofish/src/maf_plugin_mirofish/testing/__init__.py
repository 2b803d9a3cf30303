"""A stand-in for MiroFish, on a real port: its routes, quirks and faults, and agents that say what a test wants.

Run it in a test with `MiroFishServer`, or on its own:

    python -m maf_plugin_mirofish.testing --port 5001
"""

from __future__ import annotations

from maf_plugin_mirofish.testing.faults import Fault
from maf_plugin_mirofish.testing.server import Call, MiroFishServer

__all__ = ["Call", "Fault", "MiroFishServer"]
