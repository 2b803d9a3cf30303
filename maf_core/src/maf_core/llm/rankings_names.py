"""One model has many names: "openai/gpt-oss-120b:free", "gpt-oss:120b-cloud", "GPT-OSS 120B (high)"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

ValueT = TypeVar("ValueT")

_ASIDE = re.compile(r"\([^()]*\)")
_DATE = re.compile(r"(?<!\d)20\d\d([-.]?)(0[1-9]|1[0-2])\1([0-2]\d|3[01])(?!\d)", re.ASCII)
# Of a mixture of experts, how many parameters work at once: only some name it.
_ACTIVE = re.compile(r"(?<![a-z\d])a\d+(\.\d+)?b(?![a-z\d])", re.ASCII)
_SIZE = re.compile(r"(?<![a-z\d.])(\d+x)?\d+(\.\d+)?[bm](?![a-z\d])", re.ASCII)
# How it is stored, served or sold, none of which makes it another model.
_ENDING = re.compile(r"[:-]cloud$|:(latest|free|beta|nitro|floor|online|extended)$")
_NOISE = re.compile(
    r"(?<![a-z\d])(instruct|it|chat|hf|i?q\d(_[a-z\d]+)*|bf16|fp?\d+|mxfp\d|nvfp\d|int\d|awq|gptq|gguf|mlx)(?![a-z\d])",
    re.ASCII,
)
_PART = re.compile(r"[a-z]+|\d+", re.ASCII)


class ModelName(NamedTuple):
    """What a name says: which model, and of which size ("" when it does not say)."""

    base: str
    size: str


NOTHING = ModelName("", "")


def normalised(name: str) -> ModelName:
    """The same for all names of one model, as far as a name can tell: case, vendor, date and packaging do not count."""
    text = _ENDING.sub("", _ASIDE.sub(" ", name.lower()).strip()).rpartition("/")[2]
    text = _DATE.sub(" ", text)
    text = _NOISE.sub(" ", _ACTIVE.sub(" ", text))
    found = _SIZE.search(text)
    base = text[: found.start()] + " " + text[found.end() :] if found else text
    return ModelName("-".join(_PART.findall(base)), found[0] if found else "")


class NameIndex(Generic[ValueT]):
    """Values by the names of models.

    A name without a size stands for the only size there is, and a value without one for every size.
    """

    def __init__(self, values: Iterable[tuple[str, ValueT]]) -> None:
        self._values: dict[str, dict[str, ValueT]] = {}
        for name, value in values:
            base, size = normalised(name)
            if base:
                self._values.setdefault(base, {}).setdefault(size, value)

    def get(self, name: str) -> ValueT | None:
        """The value of the model of this name; None when there is none, or more than one might be meant."""
        base, size = normalised(name)
        sizes = self._values.get(base, {})
        if size in sizes or size:
            return sizes.get(size, sizes.get(""))
        return next(iter(sizes.values())) if len(sizes) == 1 else None
