"""docs/plugins/tutorial.md, followed to the letter: every command is run, every file written, all output seen."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins" / "tutorial.md").read_text()
# (what the comment above says, the language, the text) of each block
BLOCKS = re.findall(r"(?:<!-- ((?:file|replace) .*?) -->\n)?```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def script() -> str:
    """The page as one program for bash."""
    parts = ["set -e"]
    for number, (instruction, language, text) in enumerate(BLOCKS):
        if language == "sh":
            parts.append(text)
        elif instruction:
            parts.append(f"python {Path(__file__).as_posix()!r} {instruction} <<'BLOCK{number}'\n{text}BLOCK{number}\n")
    return "\n".join(parts)


def edit(instruction: str, path: Path, text: str, name: str) -> None:
    """What the reader does in an editor."""
    if instruction == "file":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return
    source = path.read_text()
    [found] = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.name == name]
    lines = source.splitlines(keepends=True)
    first = min([found.lineno, *(decorator.lineno for decorator in found.decorator_list)])
    lines[first - 1 : found.end_lineno] = [text]
    path.write_text("".join(lines))


def expected() -> list[str]:
    """The lines of output that the page shows, in order."""
    return [line for _, language, text in BLOCKS if language == "text" for line in text.splitlines()]


def pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, line.split("…"))))


@pytest.fixture
def newcomer(tmp_path: Path) -> dict[str, str]:
    """An environment with `maf` of this checkout and none of its plugins, and nothing set up."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("maf", "maf_core"), ("pytest", "pytest")):
        (programs / name).write_text(f'#!/bin/sh\nexec python -m {module} "$@"\n')
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAF_", "REDIS_", "PYTEST_"))}
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    packages = os.pathsep.join([str(ROOT / "maf_core" / "src"), sysconfig.get_path("purelib")])
    return {
        **kept,
        "PATH": path,
        "PYTHONPATH": packages,
        "MAF_PLUGINS": "mood",
        "PIP_QUIET": "1",
        "HOME": str(tmp_path),
    }


@pytest.mark.slow
def test_the_tutorial_works_to_the_letter(newcomer: dict[str, str], tmp_path: Path):
    folder = tmp_path / "empty"
    folder.mkdir()
    done = subprocess.run(
        ["bash"], input=script(), cwd=folder, env=newcomer, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = iter(done.stdout.splitlines())
    for line in expected():
        assert any(pattern(line).fullmatch(said) for said in lines), f"{line!r} is not in:\n{done.stdout}"


def test_every_block_of_the_tutorial_is_used():
    assert len(BLOCKS) == PAGE.count("```") / 2
    assert {language for instruction, language, _ in BLOCKS if not instruction} == {"sh", "text"}


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    edit(kind, Path(rest[-1]), sys.stdin.read(), rest[0])
