"""As much of an HTTP/1.1 server as a stand-in needs: with it an answer can break off wherever a test wants it to."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.client import responses
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from maf_core.tasks import cancelled

JSON = "application/json; charset=utf-8"
# How often a slow answer looks whether its client is still there.
_LOOK_SECONDS = 0.01
_LONGEST_BODY = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. `headers` have lower-case names."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON data; raises `ValueError`."""
        return json.loads(self.body)


class Connection:
    """One client: requests in, answers out, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._silent = False

    @property
    def gone(self) -> bool:
        """Whether the client has closed its side."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def read(self) -> Request | None:
        """The next request, or None when the client has no more."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(min(int(headers.get("content-length") or 0), _LONGEST_BODY))
        parts = urlsplit(target)
        self._silent = method == "HEAD"
        return Request(method, unquote(parts.path), parse_qs(parts.query), headers, body)

    async def send(
        self,
        status: int,
        body: bytes,
        kind: str = JSON,
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
    ) -> None:
        """A whole answer. `cut`: break off after so many bytes of the body, as if the server had died."""
        self._head(status, kind, {**(headers or {}), "content-length": str(len(body))})
        self._writer.write(b"" if self._silent else body[:cut])
        await self._writer.drain()
        if cut is not None:
            self.abort()

    async def start(self, kind: str, headers: Mapping[str, str] | None = None) -> None:
        """Begin an answer whose length nobody knows yet."""
        self._head(200, kind, {**(headers or {}), "transfer-encoding": "chunked"})
        await self._writer.drain()

    async def piece(self, data: bytes) -> None:
        """One more piece of an answer that was begun with `start`; `ConnectionError` when the client has gone."""
        if self.gone:
            raise ConnectionResetError("the client has gone")
        self._writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self._writer.drain()

    async def end(self) -> None:
        """Say that there are no more pieces."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def wait(self, seconds: float) -> None:
        """Let time pass; `ConnectionError` when the client goes meanwhile."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            if self.gone:
                raise ConnectionResetError("the client has gone")
            await asyncio.sleep(min(left, _LOOK_SECONDS))

    def abort(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()

    def _head(self, status: int, kind: str, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}", f"content-type: {kind}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


Handler = Callable[[Request, Connection], Awaitable[None]]


@asynccontextmanager
async def listening(handle: Handler, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Serve while the context is open; `handle` answers each request. Port 0: any free one. Gives host and port.

    Raises `OSError` when the port cannot be had.
    """
    # Not asyncio's server: closed while a client is just arriving, it leaves that client's socket open.
    loop, working = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def arrived() -> None:
        with suppress(OSError):  # gone again before it was accepted
            task = loop.create_task(_converse(handle, sock.accept()[0]))
            working.add(task)
            task.add_done_callback(working.discard)

    with socket.create_server((host, port)) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or an answer waits 40 ms for an acknowledgement
        loop.add_reader(sock, arrived)
        try:
            yield sock.getsockname()
        finally:
            loop.remove_reader(sock)
            await asyncio.sleep(0)  # one that is cancelled before it has begun never closes what it was given
            await cancelled(set(working))


async def _converse(handle: Handler, client: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=client, limit=1024 * 1024)
    connection = Connection(reader, writer)
    try:
        while (request := await connection.read()) is not None:
            await handle(request, connection)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone; nobody is left to be told
    finally:
        connection.abort()
