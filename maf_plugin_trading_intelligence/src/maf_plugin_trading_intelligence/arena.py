"""Where the arena's YAML is, and that of the rules that go with it."""

from __future__ import annotations

from pathlib import Path


def arena_file() -> Path:
    """The path of the arena that this plugin ships; copy it into your `arenas/` folder to change it."""
    return Path(__file__).with_name("data") / "trading_intelligence.yaml"


def template_file() -> Path:
    """The path of the trigger rules that this plugin offers."""
    return arena_file().with_name("trigger_templates.yaml")
