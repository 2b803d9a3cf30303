"""The child process that serves one local model, as its parent sees it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

from pydantic_core import from_json

from maf_core.errors import LLMError

# The first start puts the weights together; a large model is read from a slow disk.
_START_SECONDS = 300.0
_STOP_SECONDS = 5.0


class LocalServer:
    """Starts when its address is first wanted, again when it has died, and ends with this process whatever happens.

    The child lives for as long as its standard input is open: a parent that is killed closes that too.
    """

    def __init__(self, model: str, slots: int) -> None:
        """`slots`: how many questions it works on at once."""
        self._words = ["-m", "maf_core.llm.providers.local_child", model, str(slots)]
        self._model = model
        self._process: Process | None = None
        self._address = ""
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id; None when it does not run."""
        return self._process.pid if self._runs() and self._process else None

    async def address(self) -> str:
        """Where it answers, `http://127.0.0.1:port`. Raises `LLMError` when it cannot be started."""
        async with self._starting:
            if not self._runs():
                self._address = await self._start()
            return self._address

    async def aclose(self) -> None:
        """Stop it."""
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    def _runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _start(self) -> str:
        # A session of its own: Ctrl-C in a terminal is for the service, whose runs still need their model.
        process = await asyncio.create_subprocess_exec(
            sys.executable, *self._words, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        try:
            said = await asyncio.wait_for(_first_line(process), _START_SECONDS)
        except BaseException as error:
            await asyncio.shield(_end(process))
            if isinstance(error, TimeoutError):
                raise LLMError(f"{self._model} was not ready within {_START_SECONDS:g} s; is it too large?") from error
            raise
        if "url" not in said:
            await _end(process)
            raise LLMError(f"{self._model} could not be loaded: {said.get('error', 'its server ended')}")
        self._process = process
        return str(said["url"])


async def _first_line(process: Process) -> dict[str, str]:
    """What the child says when it is ready, or cannot be; empty when it ends without a word."""
    line = await process.stdout.readline() if process.stdout else b""
    return dict(from_json(line)) if line else {}


async def _end(process: Process) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
