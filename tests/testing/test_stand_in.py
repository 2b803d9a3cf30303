"""Stand-ins for services: the page's example, and what every one of them does."""

from __future__ import annotations

import gc
import importlib
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from maf_core.testing.stand_in import Fault, JsonStandIn, StandIn

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "conformance.md").read_text()
SECTION = PAGE.partition("## A stand-in for a service")[2].partition("\n## ")[0]


class Numbers(JsonStandIn):
    """Doubles numbers."""

    def answer(self, path, asked):
        return 200, {"twice": 2 * int(asked["number"])}


@pytest.fixture
def numbers():
    with Numbers() as service:
        yield service


def test_the_example_of_the_page_runs():
    (example,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    scope: dict = {}
    exec(example, scope)
    scope["test_a_busy_service_is_asked_again"]()


def test_what_the_page_calls_ready_made_is():
    named = re.findall(r"`([\w.]+)\.(\w+)`", SECTION.partition("Ready-made")[2])
    kinds = [getattr(importlib.import_module(module), name) for module, name in named]
    assert len(kinds) == 4
    assert all(issubclass(kind, StandIn) for kind in kinds)


def test_it_answers_and_notes_what_it_was_asked(numbers):
    assert httpx.get(f"{numbers.url}/any", params={"number": "21"}).json() == {"twice": 42}
    assert numbers.calls == [("/any", {"number": "21"})]


@pytest.mark.parametrize("query", ["", "?number=x"])
def test_what_it_cannot_read_is_a_bad_request(numbers, query):
    answer = httpx.get(f"{numbers.url}/{query}")
    assert (answer.status_code, "detail" in answer.json()) == (400, True)


def test_it_is_asked_with_get_only(numbers):
    assert httpx.post(f"{numbers.url}/?number=1").status_code == 405


def test_a_fault_is_sent_as_it_is_where_its_path_begins(numbers):
    numbers.faults["/a"] = Fault(503, b"<html>", "text/html")
    broken, well = (httpx.get(f"{numbers.url}/{path}?number=1") for path in ("ab", "b"))
    assert (broken.status_code, broken.content, broken.headers["content-type"]) == (503, b"<html>", "text/html")
    assert well.status_code == 200


def test_a_fault_may_be_silence(numbers):
    numbers.faults[""] = Fault(delay_s=60.0)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(numbers.url, timeout=0.1)
    numbers.faults[""] = Fault(drop=True)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(numbers.url)


def test_it_can_be_stopped_and_started_again_on_the_same_port(numbers):
    before = numbers.url
    numbers.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(before)
    assert numbers.start().url == before
    assert httpx.get(f"{before}/?number=1").status_code == 200


def test_stopped_it_leaves_nobody_waiting_who_had_just_come():
    for _ in range(50):
        service = Numbers().start()
        address = httpx.URL(service.url)
        clients = [socket.create_connection((address.host, address.port)) for _ in range(4)]
        service.stop()
        assert [_read(client) for client in clients] == [b""] * 4
    gc.collect()  # a socket of the server's that nobody closed is a warning now, so an error


def _read(client: socket.socket) -> bytes:
    with client, suppress(ConnectionResetError):
        return client.recv(1)
    return b""


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on http://127.0.0.1:{port}; choose another port"):
            Numbers(port=port).start()
        words = [sys.executable, "-m", "maf_core.testing.ollama", "--port", str(port)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (
        1,
        f"The stand-in cannot listen on http://127.0.0.1:{port}; choose another port.\n",
    )
