"""Serves the dashboard on a socket until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI

from maf_core.dashboard.state import attach
from maf_core.serving.http import HTTPServer
from maf_core.tasks import cancelled

if TYPE_CHECKING:
    from maf_core.context import AppContext

_LAST_EVENTS_SECONDS = 2.0


async def serve(app: FastAPI, context: AppContext, sock: socket.socket, on_listening: Callable[[], None]) -> None:
    """Serve the dashboard about this application until SIGTERM or Ctrl-C."""
    attach(app, context)
    # Routes may emit events, as everything around a running application.
    bus = asyncio.create_task(context.events.run())
    serving = asyncio.create_task(HTTPServer(app, on_listening).serve(sockets=[sock]))
    try:
        await serving
    finally:
        context.events.close()
        await asyncio.wait([bus], timeout=_LAST_EVENTS_SECONDS)
        await cancelled([serving, bus])
