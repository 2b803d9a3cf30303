"""Reads YAML as plain data that knows on which line and column each part of it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from maf_core.errors import ConfigError

Location = tuple[str | int, ...]
Place = tuple[int, int]

# Far above what people write; below what would keep a service busy (aliases of aliases grow without bounds).
_MOST_BYTES = 256 * 1024
_MOST_VALUES = 20_000
_MERGE = "tag:yaml.org,2002:merge"
# what PyYAML raises for a scalar that is not what its tag or its looks say
_UNREADABLE = (ValueError, LookupError, AttributeError, ArithmeticError, yaml.constructor.ConstructorError)
_PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file: its data, and where keys and values stand, as (line, column) from 1.

    Where something was read plays no part in what it is: all documents are equal.
    """

    path: Path | None = field(default=None, compare=False)
    data: Any = field(default=None, compare=False)
    values: Mapping[Location, Place] = field(default_factory=dict, compare=False, repr=False)
    keys: Mapping[Location, Place] = field(default_factory=dict, compare=False, repr=False)

    def known(self, at: Location) -> Location:
        """As much of a location as the file has."""
        while at and at not in self.values:
            at = at[:-1]
        return at

    def place(self, at: Location, *, of_key: bool = False) -> Place:
        """Line and column of a value, or of its key; of what is around it when the file does not have it."""
        near = self.known(at)
        return (self.keys if of_key and near == at else self.values).get(near, (1, 1))


def inside(data: Any, at: Location) -> Any:
    """What stands at a location. Raises `KeyError` or `IndexError` when there is nothing."""
    for part in at:
        data = data[part]
    return data


def read_document(path: Path) -> Document:
    """Read a YAML file; an empty one has None as its data.

    Raises `ConfigError`, one line for each thing that is wrong, with file, line and column.
    """
    text = _text(path)
    loader = yaml.SafeLoader(text)
    try:
        reader = _Reader(path, loader)
        node = loader.get_single_node()
        data = None if node is None else reader.read(node, ())
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax(path, error)) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: its lists and mappings are nested too deeply.") from error
    finally:
        loader.dispose()
    if reader.wrong:
        raise ConfigError("\n".join(reader.wrong))
    return Document(path, data, reader.values, reader.keys)


class _Reader:
    """Turns nodes into data, by hand: PyYAML's own constructor forgets the places and keeps the last of equal keys."""

    def __init__(self, path: Path, loader: yaml.SafeLoader) -> None:
        self.values: dict[Location, Place] = {}
        self.keys: dict[Location, Place] = {}
        self.wrong: list[str] = []
        self._path = path
        self._loader = loader
        self._left = _MOST_VALUES

    def read(self, node: Node, at: Location) -> Any:
        """The data of a node, whose place is remembered under `at`."""
        self._count(node)
        self.values[at] = _place(node)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if node.tag not in _PLAIN:
            self._complain(node, f"{node.tag.removeprefix('tag:yaml.org,2002:')!r} is no plain data; leave the tag out")
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        return [self.read(item, (*at, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode, at: Location) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        for key_node, value_node in self._explicit(node):
            key = self._key(key_node)
            if key in data:
                first = self.keys[(*at, key)][0]
                self._complain(key_node, f"the key {key!r} is given twice, first in line {first}; keep one")
                continue
            self.keys[(*at, key)] = _place(key_node)
            data[key] = self.read(value_node, (*at, key))
        for key_node, value_node in self._merged(node):
            key = self._key(key_node)
            if key not in data:
                data[key] = self.read(value_node, (*at, key))
        return data

    def _explicit(self, node: MappingNode) -> Iterator[tuple[Node, Node]]:
        return ((key, value) for key, value in node.value if key.tag != _MERGE)

    def _merged(self, node: MappingNode) -> Iterator[tuple[Node, Node]]:
        """What `<<:` brings in; of several mappings the first wins."""
        for merged in [value for key, value in node.value if key.tag == _MERGE]:
            for mapping in merged.value if isinstance(merged, SequenceNode) else [merged]:
                self._count(mapping)
                if not isinstance(mapping, MappingNode):
                    self._complain(mapping, "<< takes a mapping, or a list of mappings")
                    continue
                yield from self._explicit(mapping)
                yield from self._merged(mapping)

    def _key(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self._complain(node, "a key is one word, no list or mapping")
        return None

    def _scalar(self, node: ScalarNode) -> Any:
        try:
            return self._loader.construct_object(node)
        except _UNREADABLE as error:
            reason = getattr(error, "problem", None) or error
            self._complain(node, f"{node.value[:50]!r} cannot be read: {reason}; put text into quotes")
            return None

    def _count(self, node: Node) -> None:
        self._left -= 1
        if self._left < 0:
            line, column = _place(node)
            raise ConfigError(
                f"{self._path}:{line}:{column}: the file has more than {_MOST_VALUES:,} values, aliases included."
            )

    def _complain(self, node: Node, words: str) -> None:
        line, column = _place(node)
        self.wrong.append(f"{self._path}:{line}:{column}: {words}")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{path} is larger than {_MOST_BYTES // 1024} KB; that is no configuration.")
    try:
        return _printable(path, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path} cannot be read: line {line} is no UTF-8 text. Save it as UTF-8.") from error


def _printable(path: Path, text: str) -> str:
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found:
        before = text[: found.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ConfigError(f"{path}:{line}:{column}: the character {found.group()!r} cannot stand in YAML; take it out.")
    return text


def _syntax(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
    problem = error.problem or "it cannot be read"
    if "\\t" in problem:
        problem = "a tab stands where YAML wants spaces"
    context = f" {error.context}" if error.context else ""
    return f"{place}: this is not YAML: {problem}{context}"


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
