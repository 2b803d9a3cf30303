"""The config folder of the services: settings, the arena and its plugin."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ARENA = "chaos"
ENTRIES = "chaos:in"
PLUGIN = "arena"
LEASE_S = 2.0

_ARENA = """
name: chaos
phases:
  - name: look
    agents: [{name: oracle, role: oracle}]
  - name: decide
    agents: [{name: synthesis, role: synthesis}]
triggers:
  - {id: go, on_stream: "chaos:in", when: payload.go, target: "{payload.symbol}"}
"""
# Nothing is rejected, and nothing is trimmed away before it was counted.
_SETTINGS = {
    "lease_s": LEASE_S,
    "stream_maxlen": 10_000_000,
    "run_keep": 10_000_000,
    "risk": {"max_exposure": None, "max_ticker_exposure": None, "max_actions_per_hour": None, "max_loss": None},
}


def write_config(folder: Path) -> Path:
    """Make the folder."""
    (folder / "arenas").mkdir(parents=True)
    (folder / "plugins").mkdir()
    (folder / "maf.yaml").write_text(json.dumps(_SETTINGS))
    (folder / "arenas" / "chaos.yaml").write_text(_ARENA)
    shutil.copy(Path(__file__).with_name("arena.py"), folder / "plugins" / f"{PLUGIN}.py")
    return folder
