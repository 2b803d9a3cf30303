"""Write hooks.md, the hook reference, from the docstrings of maf_core.hookspecs. Run it after changing one."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from maf_core import hookspecs
from maf_core.plugins.deprecated import DEPRECATED
from maf_core.plugins.readers import HOOKS

PAGE = Path(__file__).with_name("hooks.md")
_INTRODUCTION = """\
# The hooks

<!-- generated from maf_core/hookspecs.py by docs/plugins/generate_hooks.py; change it there -->

A plugin implements any of these {count} hooks in one module. Each is a plain function that returns or yields records of
one kind, quickly and without importing anything heavy. All records have `name` (unique within the hook), `factory` (a
dotted path or a callable), `summary`, `version` and `priority` (100; lower comes first where order matters).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION.format(count=len(HOOKS)), *_sections()])


def _sections() -> Iterator[str]:
    """The groups and hooks in the order of the source."""
    for group, hook in re.findall(r"^# --- (.+?) -+$|^def (maf_\w+)", inspect.getsource(hookspecs), re.MULTILINE):
        yield f"## {group[0].upper()}{group[1:]}\n" if group else _section(hook)


def _section(hook: str) -> str:
    text, _, example = (inspect.getdoc(getattr(hookspecs, hook)) or "").partition("Example:\n")
    code = textwrap.dedent(example).rstrip().replace("\n\n@", "\n\n\n@")  # as a formatter of modules would have it
    old = f"**Deprecated since maf {DEPRECATED[hook][0]}.** {DEPRECATED[hook][1]}\n\n" if hook in DEPRECATED else ""
    return f"### `{hook}` → `{HOOKS[hook].__name__}`\n\n{old}{text.strip()}\n\n```python\n{code}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
