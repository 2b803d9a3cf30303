"""Where the trigger templates are."""

from __future__ import annotations

from pathlib import Path


def template_file() -> Path:
    """The path of the trigger rules that this plugin offers."""
    return Path(__file__).with_name("data") / "trigger_templates.yaml"
