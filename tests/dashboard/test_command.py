"""`maf dashboard` as a person starts it."""

from __future__ import annotations

import signal
import socket

import httpx
import pytest

TOKEN = "only-we-know"


@pytest.fixture
def served(maf_process, redis_url):
    """Start it on a free port; gives the process and its address."""

    def start(*words: str, **environment: str):
        process = maf_process("dashboard", "--port", "0", "--redis", redis_url, *words, **environment)
        line = process.stdout.readline()
        assert line.startswith("dashboard on http://"), process.stderr.read()
        return process, line.split()[-1]

    return start


def test_it_serves_until_it_is_told_to_stop(served):
    process, address = served()
    with httpx.Client(base_url=address) as client:
        assert client.get("/readyz").json() == {"status": "ok"}
        assert {row["name"] for row in client.get("/api/modules").json()} >= {"core", "trading_intelligence"}
        assert client.get("/api/trading_intelligence/decisions/IBM").status_code == 404
        assert client.get("/api/modules", headers={"Host": "evil.example"}).status_code == 403
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, ""), errors
    assert "Traceback" not in errors


def test_on_an_open_address_it_wants_a_token_from_whoever_asks(served):
    _, address = served("--host", "0.0.0.0", MAF_DASHBOARD_TOKEN=TOKEN, MAF_PLUGINS="")
    with httpx.Client(base_url=address.replace("0.0.0.0", "127.0.0.1")) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/modules").status_code == 401
        assert client.get("/api/modules", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_on_an_open_address_it_does_not_start_without_a_token(maf, redis_url):
    done = maf("dashboard", "--host", "0.0.0.0", "--port", "0", "--redis", redis_url)
    assert done.returncode == 2
    assert "set MAF_DASHBOARD_TOKEN" in done.stderr
    assert done.stdout == ""


def test_a_port_that_is_taken_is_a_sentence(maf, redis_url):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = maf("dashboard", "--port", str(taken.getsockname()[1]), "--redis", redis_url)
    assert done.returncode == 1
    assert "Name a free port" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_its_packages_it_says_what_to_type(maf, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name == 'uvicorn' else found(name, package)\n"
    )
    done = maf("dashboard", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "Not installed: uvicorn. Run: pip install 'maf[dashboard]'" in done.stderr
