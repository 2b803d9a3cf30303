"""Import a plugin's entry module in a fresh interpreter, and see what that costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from maf_core.plugins import Candidate

# Each of these takes long enough to import, alone, for every `maf` command to be slower by it.
HEAVY = (
    "chromadb", "click", "fastapi", "httpx", "langchain_core", "matplotlib", "numpy", "openai", "pandas", "pyarrow",
    "pydantic", "redis", "requests", "rich", "scipy", "sklearn", "sqlalchemy", "structlog", "talib", "tensorflow",
    "torch", "transformers", "yaml",
)  # fmt: skip
_TIMEOUT_SECONDS = 60

# The core's own imports come first: they are not the plugin's. An entry module needs the records alone; a single file
# holds what its factories make, too. What the plugin prints must not spoil the answer.
_CHILD = """
import contextlib, importlib, json, runpy, sys, time
import maf_core
kind, where, heavy = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
for name in maf_core.__all__:
    if kind == "file" or name.endswith("Spec") or name == "hookimpl":
        getattr(maf_core, name)
before, started = set(sys.modules), time.perf_counter()
with contextlib.redirect_stdout(sys.stderr):
    runpy.run_path(where) if kind == "file" else importlib.import_module(where)
took = (time.perf_counter() - started) * 1000
print(json.dumps({"ms": took, "heavy": [name for name in heavy if name in set(sys.modules) - before]}))
"""


@dataclass(frozen=True, slots=True)
class ImportCost:
    """What importing the entry module alone took, in milliseconds, and which heavy packages it brought in."""

    ms: float
    heavy: tuple[str, ...]


def import_cost(candidate: Candidate) -> ImportCost:
    """Measure it; raises `ImportError` with the last line of the traceback when the import fails."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", _CHILD, *_where(candidate), ",".join(HEAVY)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ImportError(done.stderr.strip().rpartition("\n")[2] or f"the import ends with exit {done.returncode}")
    answer = json.loads(done.stdout)
    return ImportCost(answer["ms"], tuple(answer["heavy"]))


def _where(candidate: Candidate) -> tuple[str, str]:
    if candidate.path is not None:
        return "file", str(candidate.path)
    point = candidate.entry_point
    return "module", point.module if point is not None else candidate.module.__name__
