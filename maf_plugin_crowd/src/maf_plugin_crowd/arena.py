"""Where the arena's YAML is."""

from __future__ import annotations

from pathlib import Path


def arena_file() -> Path:
    """The path of the arena that this plugin ships; copy it into your `arenas/` folder to change it."""
    return Path(__file__).with_name("data") / "crowd_simulation.yaml"
