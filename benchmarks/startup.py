"""Start-up times: `maf` with eight plugins beside `datasette plugins`, `llm plugins`, typer and bare Python.

Everything is installed into one throwaway environment and run in turn, so that neither the machine's noise nor the size
of the environment decides. Exits 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = (
    "maf_core",
    "maf_plugin_trtools2",
    "maf_plugin_kronos",
    "maf_plugin_trading_intelligence",
    "maf_plugin_paper",
    "maf_plugin_mastermind",
    "maf_plugin_crowd",
    "maf_plugin_mirofish",
    "maf_plugin_fomo2",
)
PLUGINS = 8
PEERS = ("datasette plugins", "llm plugins")
COMMANDS = (
    "python -c pass",
    "typer --version",
    *PEERS,
    "maf --version",
    "maf plugins list --no-load",
    "maf plugins list",
)
# At most this part of what the faster of the peers takes.
TARGETS = {"maf --version": 1 / 5, "maf plugins list --no-load": 1 / 5, "maf plugins list": 1 / 2}

METADATA = "Metadata-Version: 2.4\nName: maf-bench-{n}\nVersion: 1.0\nRequires-Dist: maf<0.2,>=0.1\n"
PLUGIN = """
from maf_core import AgentSpec, SourceSpec, hookimpl

@hookimpl
def maf_sources():
    yield SourceSpec(name="bench_source_{n}", factory="maf_bench_{n}.source:Source", summary="A source")

@hookimpl
def maf_agents():
    yield AgentSpec(name="bench_agent_{n}", factory="maf_bench_{n}.agent:Agent", summary="An agent")
"""


def install(uv: str, folder: Path) -> Path:
    """Make the environment; where its commands are."""
    packages = ["--requirement", str(ROOT / "benchmarks" / "requirements.txt"), *(str(ROOT / name) for name in OURS)]
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--compile", "--python", str(python), *packages], check=True)
    return folder / "bin"


def add_plugin(folder: Path, n: int) -> None:
    """A plugin of the usual size, as an installer would leave it."""
    info = folder / f"maf_bench_{n}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA.format(n=n))
    (info / "entry_points.txt").write_text(f"[maf]\nbench_{n} = maf_bench_{n}\n")
    (folder / f"maf_bench_{n}.py").write_text(PLUGIN.format(n=n))


def environment(home: Path, plugins: Path) -> dict[str, str]:
    """This environment without settings of the contenders, and with a home of their own."""
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith(("MAF_", "LLM_", "DATASETTE_", "PYTHON"))
    }
    return {**kept, "HOME": str(home), "LLM_USER_PATH": str(home), "PYTHONPATH": str(plugins)}


def took(commands: Path, command: str, env: dict[str, str]) -> float:
    """Run a command to its end; milliseconds."""
    program, *arguments = command.split()
    started = time.perf_counter()
    subprocess.run([commands / program, *arguments], env=env, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def measure(commands: Path, env: dict[str, str], rounds: int) -> dict[str, float]:
    """Medians of all commands; the first round only warms the caches up."""
    times: dict[str, list[float]] = {command: [] for command in COMMANDS}
    for _ in range(rounds + 1):
        for command, found in times.items():
            found.append(took(commands, command, env))
    return {command: statistics.median(found[1:]) for command, found in times.items()}


def main(uv: str, rounds: int) -> bool:
    """Print the figures; whether all targets are met."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = install(uv, folder / "environment")
        plugins, home = folder / "plugins", folder / "home"
        home.mkdir()
        for n in range(PLUGINS - len(OURS) + 1):
            add_plugin(plugins, n)
        env = environment(home, plugins)
        listed = json.loads(
            subprocess.check_output([commands / "maf", "plugins", "list", "--json", "--check"], env=env)
        )
        assert len(listed) == PLUGINS, listed
        medians = measure(commands, env, rounds)
    peer = min(medians[command] for command in PEERS)
    for command, median in medians.items():
        target = f"target: {TARGETS[command]:.2f}" if command in TARGETS else ""
        print(f"{command:28} {median:6.0f} ms  {median / peer:5.2f} of the faster peer  {target}".rstrip())
    return all(medians[command] <= share * peer for command, share in TARGETS.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--uv", default=str(Path(sys.executable).with_name("uv")))
    options = parser.parse_args()
    sys.exit(not main(options.uv, options.rounds))
