"""Servers on loopback that a test starts, kills and starts again: one alone, or several that share the slots."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from maf_core.streams.valkey import free_port

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.01
_SLOTS = 16384
# Every write is in the file, though not on the disk, before it is answered. With `everysec` it may not be when the disk
# is slow, and a server that is killed then loses it.
_OPTIONS = {"bind": "127.0.0.1", "save": "", "appendonly": "yes", "appendfsync": "no"}


class Server:
    """One server process. Its folder holds an append-only file: what it was told outlives the process."""

    def __init__(self, binary: str, folder: Path, **options: object) -> None:
        self.port = 0
        self.folder = folder
        self._binary = binary
        self._options = {**_OPTIONS, "dir": folder, **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, or start it again where it was with what it had; returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        options = {**self._options, "port": self.port}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen([self._binary, *words], stdout=log, stderr=log)  # noqa: S603
        self._until(lambda: self.ask("PING"), "answers")

    def stop(self) -> None:
        """End it in good order."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End it at once."""
        self._end(subprocess.Popen.kill)

    def ask(self, *command: object) -> Any:
        """What it says to one command."""
        with Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*command)

    def _until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _holds(condition):
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = (self.folder / "server.log").read_text(errors="replace").splitlines()[-3:]
                raise TimeoutError(f"{self.url}: no {what}, {'ended' if ended else 'in time'}: {' / '.join(said)}")
            time.sleep(_POLL_SECONDS)

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self._process is not None:
            how(self._process)
            self._process.wait()
            self._process = None


class Node(Server):
    """One server of a cluster, which the others take for dead after two seconds of silence."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.bus = free_port()
        options = {"cluster-enabled": "yes", "cluster-port": self.bus, "cluster-node-timeout": 2000}
        super().__init__(binary, folder, **options)

    def until_complete(self) -> None:
        """Return when every slot is served, as far as this node knows."""
        self._until(self._complete, "cluster with all slots")

    def _complete(self) -> bool:
        said = self.ask("CLUSTER", "INFO")
        return "cluster_state:ok" in said and f"cluster_slots_ok:{_SLOTS}" in said


class Cluster:
    """A Redis Cluster without replicas."""

    def __init__(self, binary: str, folder: Path, size: int = 3) -> None:
        self.nodes = [Node(binary, folder / str(number)) for number in range(size)]

    @property
    def url(self) -> str:
        """The address of one node; clients find the others."""
        return self.nodes[0].url

    def start(self) -> None:
        """Start the nodes and join them; returns when every slot is served."""
        first, size = self.nodes[0], len(self.nodes)
        for number, node in enumerate(self.nodes):
            node.start()
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.ask("CLUSTER", "ADDSLOTSRANGE", _SLOTS * number // size, _SLOTS * (number + 1) // size - 1)
            if node is not first:
                node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus)
        self.until_complete()

    def stop(self) -> None:
        """End the nodes."""
        for node in self.nodes:
            node.stop()

    def until_complete(self) -> None:
        """Return when every slot is served, as far as all nodes know."""
        for node in self.nodes:
            node.until_complete()


def _holds(condition: Callable[[], Any]) -> bool:
    try:
        return bool(condition())
    except (RedisError, OSError):
        return False
