"""Fill in the templates. A kind is made of layers; where two have the same file, the later one counts."""

from __future__ import annotations

from pathlib import Path
from string import Template

from maf_core.errors import UsageError
from maf_core.scaffold.names import Names, requirement

_TEMPLATES = Path(__file__).with_name("templates")
_LAYERS = {
    "source": ("common", "source"),
    "agent": ("common", "agent"),
    "arena": ("common", "source", "agent", "arena"),  # what decides needs something to read and somebody to judge
    "refresher": ("common", "refresher"),
}
KINDS = tuple(_LAYERS)
# What a kind needs beside the core.
_NEEDS = {"refresher": ["httpx>=0.28,<1"]}


def render(kind: str, names: Names) -> dict[Path, str]:
    """The files of a new distribution, by their paths in it."""
    values = {
        "name": names.name,
        "upper": names.name.upper(),
        "distribution": names.distribution,
        "package": names.package,
        "prefix": names.prefix,
        "kind": kind,
        "dependencies": ", ".join(f'"{needed}"' for needed in [requirement(), *_NEEDS.get(kind, ())]),
    }
    files: dict[Path, str] = {}
    for layer in _LAYERS[kind]:
        for path in (_TEMPLATES / layer).rglob("*.tmpl"):
            where = path.relative_to(_TEMPLATES / layer).with_suffix("")
            target = Path(*(names.package if part == "PACKAGE" else part for part in where.parts))
            files[target] = Template(path.read_text(encoding="utf-8")).substitute(values)
    return dict(sorted(files.items()))


def write(files: dict[Path, str], folder: Path) -> None:
    """Write the files into `folder`, which must be new or empty, else `UsageError`."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty. Name another folder with --dir.")
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The plugin cannot be written to {folder}: {error}. Name another with --dir.") from error
