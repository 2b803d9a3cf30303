"""Whom connections to services trust."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def certificates() -> ssl.SSLContext:
    """The default certificates, for `httpx.AsyncClient(verify=certificates())`. Needs httpx.

    Read once in a process: that takes 30 ms, in which no other task runs; a service nearby answers sooner.
    """
    import httpx

    return httpx.create_ssl_context()
