"""Sample payloads for `maf trigger test`: from a file, from standard input, or the newest entries of a stream."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic_core import from_json, to_json

from maf_core.cli.options import with_redis
from maf_core.errors import ConfigError, UnknownNameError
from maf_core.mistakes import nearest


@dataclass(frozen=True, slots=True)
class Sample:
    """A payload and where it is from. `fault`: why it cannot be read."""

    name: str
    payload: Any = None
    fault: str = ""


def from_file(path: Path) -> list[Sample]:
    """The samples of a JSON, JSON lines or YAML file, `-` for standard input; a list is several.

    Raises `ConfigError` with the place when it is neither, and for a sample that is no object.
    """
    name = "standard input" if str(path) == "-" else str(path)
    found = _parsed(name, _content(path))
    for number, payload in enumerate(found, 1):
        if not isinstance(payload, dict):
            raise ConfigError(f'{name}: sample {number} is no object; a payload is one, as in {{"price": 1.5}}.')
    if not found:
        raise ConfigError(f"{name}: there is no sample in it.")
    return [Sample(f"#{number}", payload) for number, payload in enumerate(found, 1)]


def from_stream(stream: str, last: int, config_dir: Path | None, **where: Any) -> list[Sample]:
    """The newest entries of a stream, the newest first. Raises `UnknownNameError` when there are none."""
    from maf_core.channels import preview_stream

    found = with_redis(lambda redis: preview_stream(redis, stream, last), config_dir=config_dir, **where)
    if found.fault:
        raise UnknownNameError(f"{found.fault}. See what there is: maf channels list")
    if not found.entries:
        raise UnknownNameError(_nothing_on(stream, config_dir))
    return [Sample(entry.id, entry.payload, entry.fault) for entry in found.entries]


def _nothing_on(stream: str, config_dir: Path | None) -> str:
    from maf_core.app import load_arenas
    from maf_core.channels import catalogue
    from maf_core.plugins import PluginManager

    plugins = PluginManager.load()
    known = [channel.stream for channel in catalogue(plugins, load_arenas(plugins, config_dir))]
    if stream in known:
        return f"There is no entry on {stream} yet. Try the rule on a file: --sample FILE"
    return f"There is no stream {stream}.{nearest(stream, known)} See what there is: maf channels list"


def _content(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error


def _parsed(name: str, content: bytes) -> list[Any]:
    try:
        data = from_json(content)
    except ValueError as error:
        lines = list(_lines(name, content))
        if lines:
            return lines
        if content.lstrip()[:1] in (b"{", b"["):
            raise ConfigError(f"{name} is not JSON: {error}.") from error
        data = _yaml(name, content)
    if data is None:
        return []
    return data if isinstance(data, list) else [data]


def _lines(name: str, content: bytes) -> Iterator[Any]:
    """The objects of JSON lines, if the first one is one."""
    lines = [(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    for number, line in lines:
        try:
            yield from_json(line)
        except ValueError as error:
            if number == lines[0][0]:
                return
            raise ConfigError(f"{name}:{number}: this line is not JSON: {error}.") from error


def _yaml(name: str, content: bytes) -> Any:
    try:
        data = yaml.safe_load(content)
        return from_json(to_json(data, inf_nan_mode="null"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{name}{place}: this is neither JSON nor YAML: {error.problem}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name} is neither JSON nor YAML: {error}.") from error
