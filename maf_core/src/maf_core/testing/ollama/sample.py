"""Answers that fit a JSON schema, always the same for the same seed, and the question whether an answer fits one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_DEEPEST = 4
_MOMENTS = {
    "date-time": "2024-03-01T21:00:00Z",
    "date": "2024-03-01",
    "time": "21:00:00Z",
    "uri": "https://example.com",
}


def sample(schema: Schema, seed: str = "") -> Any:
    """A value that fits the schema.

    Known: $ref, const, enum, anyOf, oneOf, allOf, and the bounds of objects, arrays, numbers and texts. Of choices the
    first that is not null is taken. `pattern` is not looked at.
    """
    return _Sampler(schema, random.Random(seed)).value(schema, "value")


def fits(value: Any, schema: Schema) -> bool:
    """Whether the value has the shape of the schema: types, required keys, enums and bounds of numbers."""
    return _fits(value, schema, schema)


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema that a local `$ref` points to; itself without one."""
    while "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[part]
        schema = {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return str(kind or ("object" if "properties" in schema else "string"))


class _Sampler:
    def __init__(self, root: Schema, chance: random.Random) -> None:
        self._root = root
        self._chance = chance
        self._depth = 0

    @property
    def _deep(self) -> bool:
        """Whether it is time to end, in a schema that contains itself."""
        return self._depth > _DEEPEST

    def value(self, schema: Schema, name: str) -> Any:
        schema = resolved(schema, self._root)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                options = [resolved(option, self._root) for option in schema[choice]]
                return self.value(
                    next((one for one in options if (one.get("type") == "null") is self._deep), options[0]), name
                )
        for part in schema.get("allOf", ()):
            schema = {**schema, **resolved(part, self._root)}
        self._depth += 1
        made: Any = getattr(self, f"_{_kind(schema)}")(schema, name)
        self._depth -= 1
        return made

    def _object(self, schema: Schema, _: str) -> dict[str, Any]:
        parts = schema.get("properties", {})
        return {name: self.value(part, name) for name, part in parts.items()}

    def _array(self, schema: Schema, name: str) -> list[Any]:
        least = int(schema.get("minItems", 0))
        length = least if self._deep else min(max(1, least), schema.get("maxItems", least + 1))
        return [self.value(schema.get("items", {}), f"{name} {number + 1}") for number in range(length)]

    def _number(self, schema: Schema, _: str) -> float:
        low, high = _bounds(schema, 0.01)
        return round(min(max(self._chance.uniform(low, high), low), high), 2)

    def _integer(self, schema: Schema, _: str) -> int:
        low, high = _bounds(schema, 1)
        return self._chance.randint(int(-(-low // 1)), int(high // 1))

    def _string(self, schema: Schema, name: str) -> str:
        text = str(_MOMENTS.get(schema.get("format", ""), f"The {name.replace('_', ' ')} as asked for."))
        return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]

    def _boolean(self, _: Schema, __: str) -> bool:
        return self._chance.random() < 0.5

    def _null(self, _: Schema, __: str) -> None:
        return None


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    if low is None:
        low = 0 if high is None or high >= 0 else high - 1
    return low, low + 1 if high is None else high


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def _fits(value: Any, schema: Schema, root: Schema) -> bool:
    schema = resolved(schema, root)
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return any(_fits(value, option, root) for option in options)
    if not all(_fits(value, part, root) for part in schema.get("allOf", ())):
        return False
    return _has_type(value, schema) and _has_parts(value, schema, root) and _within(value, schema)


def _has_type(value: Any, schema: Schema) -> bool:
    kinds = schema.get("type", list(_TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return any(isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in kinds)


def _has_parts(value: Any, schema: Schema, root: Schema) -> bool:
    if isinstance(value, list):
        return all(_fits(item, schema.get("items", {}), root) for item in value)
    if not isinstance(value, dict):
        return True
    parts = schema.get("properties", {})
    return all(name in value for name in schema.get("required", ())) and all(
        _fits(item, parts[name], root) for name, item in value.items() if name in parts
    )


def _within(value: Any, schema: Schema) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    above = "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"]
    below = "exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"]
    return bool(low <= value <= high and above and below)
