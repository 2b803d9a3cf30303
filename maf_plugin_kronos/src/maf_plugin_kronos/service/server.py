"""Runs the forecast service on a socket until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Thread

from maf_core.serving.http import HTTPServer
from maf_plugin_kronos.service.app import create_app
from maf_plugin_kronos.service.engine import Engine

# Longer than clients keep an idle connection, so that none is closed under a request that is on its way.
_KEEP_ALIVE_SECONDS = 60


class ForecastServer(HTTPServer):
    """Serves the forecasts of one engine."""

    def __init__(self, engine: Engine, on_listening: Callable[[], None]) -> None:
        super().__init__(create_app(engine), on_listening, timeout_keep_alive=_KEEP_ALIVE_SECONDS)


def serve(engine: Engine, sock: socket.socket, on_listening: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. The bootstrap is ready before the first request, a model loads meanwhile."""
    if engine.backend == "bootstrap":
        engine.load()
    else:
        Thread(target=engine.load, name="load", daemon=True).start()
    try:
        ForecastServer(engine, on_listening).run(sockets=[sock])
    finally:
        engine.close()
