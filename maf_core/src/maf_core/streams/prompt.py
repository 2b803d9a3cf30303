"""Connections that lose no time over a command: packed in C, and sent without a task of its own.

The client's own packs in Python and, before Python 3.12, starts a task for every command to watch how long sending
takes; together that is longer than the server needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.connection import HiredisRespSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

_PACKER = HiredisRespSerializer()


class _Prompt(AbstractConnection):
    def pack_command(self, *args: Any) -> list[bytes]:
        packed: list[bytes] = _PACKER.pack(*args)
        return packed

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        try:
            await self._send(command)
        except TimeoutError as error:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError("The server takes no more commands") from error
        except OSError as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"A command could not be sent: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)  # who gets the connection next would send the rest of it
            raise

    async def _send(self, command: bytes | str | Iterable[bytes]) -> None:
        writer = self._writer
        if writer is None:
            raise ConnectionResetError("the connection was closed")
        whole = command.encode() if isinstance(command, str) else command
        writer.writelines([whole] if isinstance(whole, bytes) else whole)
        if writer.transport.get_write_buffer_size():  # more than the server takes in at once
            async with asyncio.timeout(self.socket_timeout):
                await writer.drain()


def prompt(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """The same kind of connection, only prompt."""
    return type(kind.__name__, (_Prompt, kind), {})
