"""A request as the routes of the stand-in see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from maf_core.testing.http import Request


@dataclass(frozen=True, slots=True)
class Asked:
    """`name`: the part of the path that names something. `files`: names and texts of what was uploaded."""

    name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, str], ...] = ()


def read(request: Request, name: str) -> Asked:
    """Raises `ValueError` or `TypeError` for a body that is no JSON object, where it says that it is one."""
    query = {key: values[0] for key, values in request.query.items()}
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        form, files = _parts(kind, request.body)
        return Asked(name, query, form=form, files=files)
    body = request.json() if request.body else {}
    return Asked(name, query, body=dict(body))


def _parts(kind: str, body: bytes) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    message = BytesParser(policy=HTTP).parsebytes(f"content-type: {kind}\r\n\r\n".encode() + body)
    form: dict[str, str] = {}
    files = []
    for part in message.walk():
        if isinstance(content := part.get_payload(decode=True), bytes):
            if filename := part.get_filename():
                files.append((filename, content.decode()))
            else:
                form[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return form, tuple(files)
