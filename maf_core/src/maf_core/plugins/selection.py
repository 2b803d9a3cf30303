"""Which plugins the user wants, and how strictly to treat them. Read before anything is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

PLUGINS = "MAF_PLUGINS"
DISABLE = "MAF_DISABLE_PLUGINS"
FOLDER = "MAF_PLUGINS_DIR"
STRICT = "MAF_STRICT_PLUGINS"
TRACE = "MAF_TRACE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Selection:
    """What to load.

    `only=None` means all that are installed, an empty set none. `folder` holds one-file plugins. `strict`: a plugin
    that is not ok is an error. `trace`: say on stderr what each hook gives.
    """

    only: frozenset[str] | None = None
    disabled: frozenset[str] = field(default_factory=frozenset)
    folder: Path | None = None
    strict: bool = False
    trace: bool = False

    @classmethod
    def from_names(cls, only: str | Iterable[str] | None = None, disabled: str | Iterable[str] = ()) -> Selection:
        """Build a selection from comma-separated text or names; an empty text selects none."""
        return cls(None if only is None else _names(only), _names(disabled))

    @classmethod
    def from_environment(cls, only: str | None = None, folder: Path | None = None) -> Selection:
        """What the environment says; `only` and `folder` (the command line, the config folder) win over it."""
        chosen = only if only is not None else os.environ.get(PLUGINS)
        named = os.environ.get(FOLDER)
        return cls(
            None if chosen is None else _names(chosen),
            _names(os.environ.get(DISABLE, "")),
            Path(named) if named else folder,
            strict=_on(STRICT),
            trace=_on(TRACE),
        )

    def wants(self, name: str) -> bool:
        """Tell whether the plugin of this name is to be loaded."""
        return name not in self.disabled and (self.only is None or name in self.only)


def _names(value: str | Iterable[str]) -> frozenset[str]:
    parts = value.split(",") if isinstance(value, str) else value
    return frozenset(part.strip() for part in parts if part.strip())


def _on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() not in ("", "0", "false", "no", "off")
