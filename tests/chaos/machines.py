"""Machines that can be cut off: network namespaces, joined by a bridge. Linux, `ip` and root."""

from __future__ import annotations

import os
import shutil
import subprocess
from types import TracebackType

HUB_ADDRESS = "10.77.0.1"


def cannot() -> str:
    """Why there can be no such machines here; empty when there can."""
    if shutil.which("ip") is None:
        return "network namespaces need the program ip (iproute2)"
    return "" if os.geteuid() == 0 else "network namespaces need root"


class Machines:
    """A hub and `count` machines, numbered from 1, for the length of a `with` block."""

    def __init__(self, count: int) -> None:
        self._tag = f"maf{os.getpid()}"
        self._numbers = range(1, count + 1)

    def __enter__(self) -> Machines:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._remove()

    def on(self, number: int) -> list[str]:
        """What to put before a command for it to run on this machine; 0 is the hub."""
        return ["ip", "netns", "exec", self._name(number)]

    def cut(self, number: int) -> None:
        """Pull the machine's cable: what is sent is lost, and nobody is told."""
        _ip("-n", self._name(0), "link", "set", f"port{number}", "down")

    def mend(self, number: int) -> None:
        """Put it in again."""
        _ip("-n", self._name(0), "link", "set", f"port{number}", "up")

    def _name(self, number: int) -> str:
        return f"{self._tag}-{number}"

    def _build(self) -> None:
        for number in (0, *self._numbers):
            _ip("netns", "add", self._name(number))
            _ip("-n", self._name(number), "link", "set", "lo", "up")
        hub = self._name(0)
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "addr", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for number in self._numbers:
            self._plug_in(number)

    def _plug_in(self, number: int) -> None:
        hub, machine, port = self._name(0), self._name(number), f"port{number}"
        _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", machine)
        _ip("-n", hub, "link", "set", port, "master", "bridge", "up")
        _ip("-n", machine, "addr", "add", f"10.77.0.{number + 1}/24", "dev", "eth0")
        _ip("-n", machine, "link", "set", "eth0", "up")

    def _remove(self) -> None:
        for number in (0, *self._numbers):
            subprocess.run(["ip", "netns", "delete", self._name(number)], check=False, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
