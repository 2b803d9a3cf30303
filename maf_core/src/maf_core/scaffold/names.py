"""What a new plugin is called, everywhere it has a name."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.metadata import version

import maf_core
from maf_core.errors import UsageError
from maf_core.plugins import discover
from maf_core.plugins.rows import BUILTIN

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
# Longer names make lines of the templates longer than their formatter allows.
_LONGEST = 24
_SUFFIXES = ("Config", "Options", "Refresher", "Settings", "Source", "Specialist")


@dataclass(frozen=True, slots=True)
class Names:
    """A valid name, such as `my_levels`, and what follows from it."""

    name: str

    @classmethod
    def of(cls, name: str) -> Names:
        """Check the name; `UsageError` says what is wrong with it, and which would do."""
        if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
            raise UsageError(
                f"{name!r} cannot name a plugin. Use lower-case letters, digits and single underscores, beginning with "
                f"a letter, at most {_LONGEST} characters: for example {_nearest(name)}."
            )
        names = cls(name)
        names._refuse_clashes()
        return names

    @property
    def distribution(self) -> str:
        """What pip installs: `maf-plugin-my-levels`."""
        return f"maf-plugin-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """What Python imports: `maf_plugin_my_levels`."""
        return f"maf_plugin_{self.name}"

    @property
    def prefix(self) -> str:
        """How its classes begin: `MyLevels`."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    def _refuse_clashes(self) -> None:
        taken = {BUILTIN: "maf", **{candidate.name: candidate.distribution for candidate in discover()}}
        if self.name in taken:
            raise UsageError(
                f"There is a plugin {self.name!r} already, of the distribution {taken[self.name]}. Choose another name."
            )
        for suffix in _SUFFIXES:
            if hasattr(maf_core, f"{self.prefix}{suffix}"):
                raise UsageError(
                    f"{self.name!r} would make a class {self.prefix}{suffix}, which is MAF's own. "
                    f"Choose another name, for example my_{self.name}."
                )


def requirement() -> str:
    """The versions of the core that a plugin written today works with: docs/plugins/compatibility.md says why."""
    from packaging.version import Version  # here, because every `maf plugins` command imports this module

    core = Version(version("maf"))
    lowest = core.public if core.is_prerelease else f"{core.major}.{core.minor}"
    too_new = f"{core.major + 1}" if core.major else f"0.{core.minor + 1}"
    return f"maf>={lowest},<{too_new}"


def _nearest(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    cleaned = re.sub(r"[^a-z0-9]+", "_", words).strip("_0123456789")[:_LONGEST].rstrip("_")
    return "my_levels" if not cleaned else f"my_{cleaned}" if keyword.iskeyword(cleaned) else cleaned
