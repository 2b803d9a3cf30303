"""The forms of MiroFish's answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import responses
from typing import Any

_JSON, _HTML = "application/json", "text/html; charset=utf-8"
_TRACEBACK = 'Traceback (most recent call last):\n  File "api.py", line 1, in handler\nRuntimeError: out of luck\n'


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer over HTTP."""

    status: int
    body: bytes
    kind: str = _JSON


def ok(data: Any = None, **more: Any) -> Reply:
    """Success: the data in its envelope; without data only what comes beside it."""
    return _json(200, {"success": True, **({} if data is None else {"data": data}), **more})


def refused(status: int, error: str = "参数错误", **more: Any) -> Reply:
    """An expected error, in the language of the service."""
    return _json(status, {"success": False, "error": error, **more})


def crashed(*, traceback: bool = True) -> Reply:
    """An unexpected error; the two status routes leave the traceback away."""
    return refused(500, "out of luck", **({"traceback": _TRACEBACK} if traceback else {}))


def html(status: int) -> Reply:
    """What Flask says itself."""
    title = f"{status} {responses.get(status, 'Unknown')}"
    page = f"<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{responses.get(status, '')}</h1>\n"
    return Reply(status, page.encode(), _HTML)


def plain(data: Any) -> Reply:
    """JSON without an envelope."""
    return _json(200, data)


def _json(status: int, data: Any) -> Reply:
    return Reply(status, json.dumps(data, ensure_ascii=False).encode())
