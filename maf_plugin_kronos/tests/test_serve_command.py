"""`maf kronos serve` as its users start and stop it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec

import pytest

SERVE = [sys.executable, "-m", "maf_core", "kronos", "serve"]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_ctrl_c_ends_it_well():
    with subprocess.Popen(
        [*SERVE, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    assert first.startswith("kronos serving on http://127.0.0.1:")
    assert first.endswith(" (backend bootstrap)\n")
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in errors


def test_a_taken_port_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(*SERVE, "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"maf: Cannot listen on 127.0.0.1 port {port}: Address already in use")


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed here")
def test_kronos_without_its_packages_stops_at_once_with_the_command_to_install_them():
    done = run(*SERVE, "--backend", "kronos")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("Run: pip install 'maf-plugin-kronos[model]'\n")


def test_without_the_extra_serve_it_says_what_to_install():
    hide = "import sys; sys.modules['fastapi'] = None; sys.argv = ['maf', 'kronos', 'serve']"
    done = run(sys.executable, "-c", f"{hide}; from maf_core.cli import main; main()")
    assert done.returncode == 1
    assert done.stderr == "maf: Not installed: fastapi. Run: pip install 'maf-plugin-kronos[serve]'\n"


def test_weights_make_no_sense_for_the_bootstrap():
    done = run(*SERVE, "--model", "some/model")
    assert done.returncode == 2
    assert "--backend kronos" in done.stderr


def test_the_source_and_the_refresher_import_nothing_heavy():
    modules = "maf_plugin_kronos.plugin, maf_plugin_kronos.source, maf_plugin_kronos.refresher, maf_plugin_kronos.cli"
    done = run(sys.executable, "-c", f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))")
    loaded = set(json.loads(done.stdout))
    assert "maf_plugin_kronos.refresher" in loaded
    assert not loaded & {"fastapi", "uvicorn", "numpy", "pandas", "torch"}
