"""Hooks that are to go, or are gone: all of them stand here, and nowhere else.

A hook stays deprecated for at least two minor releases. It is removed by taking it out of `hookspecs` and `HOOKS`; its
line here stays, so that a plugin that still has it is told what to write instead.
"""

from __future__ import annotations

# Hook → the version it is deprecated since, and a sentence: what to write instead.
DEPRECATED: dict[str, tuple[str, str]] = {}


def old_hooks(module: object) -> list[str]:
    """The deprecated hooks that a plugin module implements."""
    return [hook for hook in DEPRECATED if hasattr(getattr(module, hook, None), "maf_impl")]


def why_old(hook: str) -> str:
    """What is said about a hook that still works and is to be migrated."""
    since, instead = DEPRECATED[hook]
    return f"old: hook {hook} is deprecated since maf {since}. {instead}"


def why_gone(hook: str) -> str | None:
    """What is said about a hook that was removed; None when there never was one of this name."""
    return f"hook {hook} was removed. {DEPRECATED[hook][1]}" if hook in DEPRECATED else None
