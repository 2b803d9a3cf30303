"""Start MAF's own commands as child processes, and end them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from maf_core.errors import MAFError, UsageError

_STOP_SECONDS = 30.0


class Child:
    """One running `maf` command; its log goes to a file of its own."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    async def first_line(self, timeout_s: float) -> str:
        """The first line the command prints. Raises `MAFError` with its log when it ends or stays silent."""
        assert self.process.stdout is not None  # noqa: S101 - we asked for the pipe
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), timeout_s)
        except TimeoutError:
            line = b""
        if not line:
            raise self.failure("did not start")
        return line.decode().strip()

    async def output(self) -> str:
        """What the command prints, once it has ended well.

        Raises `UsageError` with the command's own sentence when it was asked for what cannot be, else `MAFError` with
        its log.
        """
        out, _ = await self.process.communicate()
        if self.process.returncode == UsageError.exit_code:
            raise UsageError(self._log_tail(1).strip().removeprefix("maf: "))
        if self.process.returncode:
            raise self.failure(f"ended with exit code {self.process.returncode}")
        return out.decode()

    async def stop(self) -> None:
        """SIGTERM, then wait; SIGKILL if it will not go."""
        if self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.communicate(), _STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def failure(self, what: str) -> MAFError:
        """An error that shows the end of the command's log."""
        return MAFError(f"maf {self.name} {what}. Its log ends with:\n{self._log_tail(5)}")

    def _log_tail(self, lines: int) -> str:
        return "\n".join(f"  {line}" for line in self.log.read_text(errors="replace").strip().splitlines()[-lines:])


class Children:
    """Starts commands against one server, and ends those that still run, last one first."""

    def __init__(self, log_dir: Path, environment: Mapping[str, str]) -> None:
        self._log_dir = log_dir
        # The user's own MAF settings are for the user's own service.
        own = {name: value for name, value in os.environ.items() if not name.startswith("MAF_")}
        self._environment = {**own, **environment}
        self._running: list[Child] = []

    async def start(self, *words: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start `maf WORDS…`; its standard output can be read, its log goes to `<first words>.log`."""
        name = " ".join(words[:2])
        log = self._log_dir / f"{'-'.join(words[:2])}.log"
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "maf_core",
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env={**self._environment, **(environment or {})},
                start_new_session=True,  # Ctrl-C is for us; we end them in order
            )
        child = Child(name, process, log)
        self._running.append(child)
        return child

    async def run(self, *words: str) -> str:
        """Run a command to its end and return what it printed."""
        child = await self.start(*words)
        return await child.output()

    def dead(self) -> Child | None:
        """A command that ended with an error, if one did."""
        return next((child for child in self._running if child.process.returncode), None)

    async def stop(self) -> None:
        """End everything that still runs."""
        for child in reversed(self._running):
            await child.stop()
