"""Service processes that somebody restarts, as systemd would."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.config import PLUGIN

from maf_core.tasks import cancelled

_AGAIN_SECONDS = 0.2
# Told to stop, or killed, before or after it was ready; no server at its start.
_EXPECTED = (0, -signal.SIGTERM, -signal.SIGKILL, 1)


class Post:
    """A place where a service process always runs: one that ended is started again.

    `wrap`: what to put before its command. `odd_ends`: exit codes that nobody can have wanted.
    """

    def __init__(self, url: str, config: Path, log: Path, wrap: Sequence[str] = ()) -> None:
        self.starts = 0
        self.odd_ends: list[int] = []
        self._words = [*wrap, sys.executable, "-m", "maf_core", "service", "run", "--redis", url]
        self._words += ["--config", str(config), "--plugins", PLUGIN, "--log-level", "warning", "--log-format", "json"]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stalled = asyncio.Lock()

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        return self._process.pid if self._process is not None else 0

    def man(self) -> None:
        """Start the process, and a new one whenever it ends."""
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Let the process finish what it does, and start no other."""
        async with self._stalled:
            await self._end(signal.SIGTERM)

    async def abandon(self) -> None:
        """Kill the process, and start no other."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        if self._keeper is not None:
            await cancelled([self._keeper])
        self.send(number)
        if self._process is not None:
            await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process that runs now, if one does."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stall(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so many seconds."""
        async with self._stalled:
            process = self._process
            if process is None or process.returncode is not None:
                return
            process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                if process.returncode is None:
                    process.send_signal(signal.SIGCONT)

    async def _keep(self) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("MAF_", "REDIS_"))}
        while True:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._words,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=own,
                    start_new_session=True,
                )
            self.starts += 1
            code = await self._process.wait()
            if code not in _EXPECTED:
                self.odd_ends.append(code)
            await asyncio.sleep(_AGAIN_SECONDS if code == 1 else 0)
