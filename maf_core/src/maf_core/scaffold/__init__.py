"""Make the skeleton of a plugin: a distribution that installs and passes its own tests at once."""

from __future__ import annotations

from maf_core.scaffold.files import KINDS, render, write
from maf_core.scaffold.names import Names

__all__ = ["KINDS", "Names", "render", "write"]
