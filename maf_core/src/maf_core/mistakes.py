"""What is wrong in somebody's configuration, in their words and with the place in their file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from maf_core.yaml_lines import Document, Location, inside

ModelT = TypeVar("ModelT", bound=BaseModel)

# A model's validators that look at several parts leave that out in this context, see `read_into`.
PARTS_ONLY = {"parts_only": True}
_OF_KEYS = ("extra_forbidden", "missing", "invalid_key")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong. `at`: where, as keys and indexes; `of_key`: the key is wrong, not its value."""

    at: Location
    words: str
    of_key: bool = False


class MisfitError(ValueError):
    """Raised by a model's validator: parts that are fine by themselves and do not fit together."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(mistake.words for mistake in mistakes))
        self.mistakes = mistakes


def nearest(word: str, known: Iterable[str]) -> str:
    """A question with the known word that `word` may stand for, or an empty text."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def read_into(model: type[ModelT], document: Document) -> tuple[ModelT | None, list[Mistake]]:
    """The document as a model, and everything that is wrong in it.

    One mistake must not hide the next: after some, what is left is looked at again without the wrong parts. The model
    is then good for nothing but looking for more; None when there is too little left.
    """
    try:
        return model.model_validate(document.data), []
    except ValidationError as error:
        mistakes = mistakes_in(error.errors(), model, document)
        rest = _without(document, error)
    try:
        model.model_validate(rest)
    except ValidationError as error:
        mistakes += [
            more for more in mistakes_in(error.errors(), model, document) if more not in mistakes and not more.of_key
        ]
    try:
        return model.model_validate(rest, context=PARTS_ONLY), mistakes
    except ValidationError:
        return None, mistakes


def _without(document: Document, error: ValidationError) -> Any:
    """The data without wrong keys and values, as far as they can be left out and no index changes."""
    data = deepcopy(document.data)
    for item in error.errors():
        at = document.known(item["loc"])
        if at and item["type"] != "missing":
            with suppress(KeyError):
                around = inside(data, at[:-1])
                if isinstance(around, dict):
                    del around[at[-1]]
    return data


def mistakes_in(
    errors: Iterable[ErrorDetails], model: type[BaseModel], document: Document, base: Location = ()
) -> list[Mistake]:
    """What `ValidationError.errors()` of `model` tells, as mistakes. Its data stands at `base` of the document."""
    found: list[Mistake] = []
    values: dict[Location, list[str]] = {}
    for item in errors:
        at: Location = (*base, *item["loc"])
        misfit = item.get("ctx", {}).get("error")
        if isinstance(misfit, MisfitError):
            found += [Mistake((*at, *mistake.at), mistake.words, mistake.of_key) for mistake in misfit.mistakes]
        elif item["type"] in _OF_KEYS:
            found.append(Mistake(at, f"{_dotted(at)}{_of_key(item, model)}", of_key=True))
        else:
            # What pydantic tells of each member of a union is about one value of the file.
            values.setdefault(document.known(at) or at, []).append(_words(item, misfit))
    return found + [Mistake(at, f"{_dotted(at)}{' or '.join(words)}") for at, words in values.items()]


def _of_key(item: ErrorDetails, model: type[BaseModel]) -> str:
    if item["type"] == "missing":
        return "this key is missing"
    if item["type"] == "invalid_key":
        return f"a key is a word, and YAML reads this one as {item['input']!r}; put it into quotes"
    at = item["loc"]
    known = sorted({name for kind in _models_at(at[:-1], model) for name in kind.model_fields})
    hint = nearest(str(at[-1]), known) or (f" Known here: {', '.join(known)}" if known else "")
    return f"there is no such key.{hint}"


def _words(item: ErrorDetails, misfit: Exception | None) -> str:
    if item["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "this should be a mapping, as in `key: value`"
    if misfit:
        return str(misfit)
    words = f"{item['msg'][0].lower()}{item['msg'][1:]}"
    choices = re.findall(r"'(\w+)'", words) if item["type"] == "literal_error" else []
    hint = nearest(str(item["input"]), choices)
    return f"{words}.{hint}" if hint else words


def _dotted(at: Location) -> str:
    return f"{'.'.join(map(str, at))}: " if at else ""


def _models_at(at: Location, model: type[BaseModel]) -> set[type[BaseModel]]:
    """The models that can stand at a location."""
    found = {model}
    for part in at:
        fields = [kind.model_fields[part] for kind in found if isinstance(part, str) and part in kind.model_fields]
        if fields:  # else an index, or a key of a mapping: what stands there is of the same models
            found = {kind for each in fields for kind in _models_in(each.annotation)}
    return found


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {kind for part in get_args(annotation) for kind in _models_in(part)}


def told(document: Document, mistakes: Iterable[Mistake], subject: str) -> str:
    """One line for each mistake, in the order of the file: its place, or the subject when there is no file."""
    if document.path is None:
        return "\n".join(f"{subject}: {mistake.words}" for mistake in mistakes)
    placed = [(document.place(mistake.at, of_key=mistake.of_key), mistake.words) for mistake in mistakes]
    return "\n".join(f"{document.path}:{line}:{column}: {words}" for (line, column), words in sorted(placed))
