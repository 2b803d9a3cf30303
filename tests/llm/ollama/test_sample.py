"""The stand-in's default answers fit the schema of whatever is asked for."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from maf_core.testing.ollama.sample import fits, sample


class Side(StrEnum):
    """A choice by reference."""

    BUY = "BUY"
    SELL = "SELL"


class Leaf(BaseModel):
    """Bounds of all kinds."""

    fraction: float = Field(ge=0, le=1)
    positive: float = Field(gt=0, lt=0.5)
    below: float = Field(lt=-3)
    count: int = Field(ge=3, le=3)
    few: list[int] = Field(min_length=2, max_length=3)
    many: list[Side] = Field(min_length=4)
    short: str = Field(max_length=5)
    long: str = Field(min_length=200)


class Tree(BaseModel):
    """A schema that contains itself."""

    side: Side
    kind: Literal["tree"]
    when: datetime
    day: date
    flag: bool
    either: int | str
    maybe: Leaf | None
    children: list[Tree]
    parent: Tree | None = None
    notes: dict[str, str] = {}


@given(st.text())
@settings(max_examples=25)
@pytest.mark.parametrize("kind", [Leaf, Tree, Side, list[Leaf], dict[str, int], Annotated[int, Field(gt=5)]])
def test_it_fits_and_is_the_same_for_the_same_question(kind, seed):
    adapter = TypeAdapter(kind)
    schema = adapter.json_schema()
    made = sample(schema, seed)
    adapter.validate_python(made)
    assert fits(made, schema)
    assert sample(schema, seed) == made


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {},
        {"side": "HOLD", "confidence": 0.5},
        {"side": "BUY", "confidence": 2},
        {"side": "BUY", "confidence": "0.5"},
        {"side": "BUY", "confidence": True},
        {"side": "BUY", "confidence": 0.5, "reasons": "none"},
        {"side": "BUY", "confidence": 0.5, "reasons": [1]},
    ],
)
def test_what_does_not_fit_is_seen(value):
    class Opinion(BaseModel):
        side: Side
        confidence: float = Field(ge=0, lt=1)
        reasons: list[str] = []

    schema = Opinion.model_json_schema()
    assert not fits(value, schema)
    assert fits({"side": "BUY", "confidence": 0.5}, schema)
    assert fits({"side": "BUY", "confidence": 0, "reasons": ["a"], "more": 1}, schema)
