"""A real model, asked over HTTP on this machine. Run with `make test-llm`."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.util import find_spec

import pytest
from pydantic import BaseModel, Field

from maf_core.arenas.config import BudgetConfig
from maf_core.arenas.recorder import Recorder
from maf_core.errors import BadAnswerError, BudgetExceededError
from maf_core.llm.base import Question, Tool

MODEL = "local:gemma3-270m"
pytestmark = [
    pytest.mark.llm,
    pytest.mark.timeout(200),
    pytest.mark.skipif(not find_spec("xllamacpp"), reason="needs pip install 'maf[local-llm]'"),
]


class Colour(BaseModel):
    """The colour of the sky."""

    colour: str = Field(pattern="^(red|green|blue)$")
    sure: bool


@pytest.fixture
async def session_of(make_context):
    """`session_of(calls=3)`: what the agents of a run ask with, within this budget; and the events it emits."""
    context = make_context(llm={"max_output_tokens": 120})
    events: list[tuple[str, dict]] = []

    def make(**budget):
        return context.llm.session(
            arena="panel",
            arena_id="panel-1",
            model=MODEL,
            budget=BudgetConfig(run=budget),
            recorder=Recorder(),
            emit=lambda kind, **payload: events.append((kind, payload)),
        ), events

    yield make
    await context.llm.aclose()


def question(**more) -> Question:
    asked = {"agent": "painter", "instructions": "Answer in JSON.", "prompt": "What colour is the sky at noon?"}
    return Question(**{**asked, "output": Colour, **more})


async def test_its_answer_fits_the_schema_and_its_tokens_are_counted(session_of):
    session, events = session_of(tokens=2000, calls=2)
    answer = await session.ask(question())
    assert answer.model == MODEL
    assert answer.value.colour in ("red", "green", "blue")
    usage = session.usage()
    assert usage["calls"] == 1
    assert usage["models"] == [MODEL]
    assert 10 < usage["tokens_in"] < 500
    assert 5 < usage["tokens_out"] <= 120
    assert usage["usd"] == 0
    (told,) = [payload for kind, payload in events if kind == "llm.call"]
    assert (told["tokens_in"], told["tokens_out"]) == (usage["tokens_in"], usage["tokens_out"])


async def test_a_budget_that_is_too_small_is_not_exceeded(session_of):
    session, _ = session_of(calls=1)
    await session.ask(question())
    with pytest.raises(BudgetExceededError):
        await session.ask(question(prompt="And at night?"))
    assert session.usage()["calls"] == 1


async def test_a_question_with_tools_ends(session_of):
    """So small a model calls tools as it likes; that is bounded, and what comes fits or is refused."""
    called = []

    async def look(arguments):
        called.append(dict(arguments))
        return {"sky": "blue"}

    session, _ = session_of(calls=6)
    tools = [Tool("look_up", "What the sky looks like now.", look)]
    value = None
    with suppress(BadAnswerError, BudgetExceededError):
        value = (await session.ask(question(tools=tools, max_steps=3))).value
    assert value is None or value.colour in ("red", "green", "blue")
    assert session.usage()["tokens_out"] > 0
    assert 1 <= session.usage()["calls"] <= 6


def test_the_command_asks_it(maf):
    done = maf("llm", "check", MODEL, "--json")
    assert done.returncode == 0, done.stderr
    checked = json.loads(done.stdout)
    assert (checked["model"], checked["how"]) == (MODEL, "schema")
    assert checked["tokens_out"] > 0


def test_the_command_lists_it(maf):
    done = maf("llm", "models", MAF_LLM='{"providers": {"local": {}}}')
    assert "gemma3-270m" in done.stdout
