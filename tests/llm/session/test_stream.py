"""Answers that come piece by piece, and what they cost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.messages import PartDeltaEvent, TextPartDelta, ThinkingPartDelta, ToolCallPartDelta
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.models.test import TestModel
from tests.llm.session.scripted import GOOD, Verdict

from maf_core.errors import BadAnswerError
from maf_core.llm.base import ModelChoice
from maf_core.llm.ledger import Price
from maf_core.llm.prices import is_local, price_of
from maf_core.llm.stream import Tally
from maf_core.settings import LLMSettings


async def test_a_model_that_makes_its_answer_up_answers(bench, question):
    answer = await bench(TestModel(custom_output_args=GOOD)).session.ask(question())
    assert answer.value == Verdict(**GOOD)


async def test_an_answer_in_pieces_is_put_together(bench, question):
    async def pieces(messages, info):
        yield {0: DeltaThinkingPart(content="hm")}
        yield {1: DeltaToolCall(name="final_result", json_args='{"side": "B', tool_call_id="one")}
        yield {1: DeltaToolCall(json_args='UY", "confidence": 0.75}')}

    answer = await bench(FunctionModel(stream_function=pieces)).session.ask(question())
    assert answer.value == Verdict(**GOOD)


@pytest.mark.parametrize(
    "piece",
    [
        "word ",
        {0: DeltaThinkingPart(content="hm ")},
        {0: DeltaToolCall(name="price", json_args="[[", tool_call_id="a")},
    ],
    ids=["words", "thoughts", "calls"],
)
async def test_whatever_does_not_end_is_hung_up_on(bench, question, piece):
    sent = []

    async def endless(messages, info):
        sent.append(0)
        while True:
            sent[-1] += 1
            yield piece

    at = bench(FunctionModel(stream_function=endless), max_output_tokens=100)
    with pytest.raises(BadAnswerError, match="longer than 100 tokens"):
        await at.session.ask(question())
    assert len(sent) == 3
    assert all(30 <= pieces <= 110 for pieces in sent)


@given(st.lists(st.text(max_size=40), max_size=40), st.sampled_from([TextPartDelta, ThinkingPartDelta]))
def test_no_piece_and_no_byte_is_left_out_of_the_count(pieces, kind):
    tally = Tally(100)
    for piece in pieces:
        tally.add(PartDeltaEvent(index=0, delta=kind(content_delta=piece)))
    assert tally.tokens >= sum(map(bool, pieces))
    assert 4 * tally.tokens >= len("".join(pieces).encode())
    assert tally.at_most == min(100, len("".join(pieces).encode()))


def test_arguments_count_as_text_or_as_data():
    tally = Tally(100)
    tally.add(PartDeltaEvent(index=0, delta=ToolCallPartDelta(args_delta='{"symbol": "AAPL"}')))
    assert (tally.tokens, tally.at_most) == (5, 18)
    tally.add(PartDeltaEvent(index=0, delta=ToolCallPartDelta(args_delta={"symbol": "AAPL"})))
    assert tally.at_most > 30


def served(system: str, name: str, url: str | None):
    return SimpleNamespace(system=system, model_name=name, base_url=url)


@pytest.mark.parametrize(
    ("model", "price"),
    [
        (served("openai", "gpt-4o", "https://api.openai.com/v1"), Price(2_500_000, 10_000_000)),
        (served("ollama", "gpt-oss:120b", "http://127.0.0.1:11434/v1"), Price()),
        (served("ollama", "gpt-oss:120b", "http://ollama:11434/v1"), Price()),
        (served("ollama", "gpt-oss:120b-cloud", "http://127.0.0.1:11434/v1"), None),
        (served("ollama", "gpt-oss:120b", "https://ollama.com/v1"), None),
        (served("function", "gpt-oss:120b", None), None),
    ],
)
def test_a_price_is_listed_nothing_at_home_or_unknown(model, price):
    assert price_of(ModelChoice("lab", model.model_name), model, LLMSettings(), 300, 400) == price


@pytest.mark.parametrize("name", ["lab:gpt-4o", "gpt-4o"])
def test_the_settings_price_comes_first(name):
    settings = LLMSettings(prices={name: {"input": 0.0375, "output": 0.15}})
    model = served("openai", "gpt-4o", "https://api.openai.com/v1")
    assert price_of(ModelChoice("lab", "gpt-4o"), model, settings, 300, 400) == Price(37_500, 150_000)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**9), st.integers(0, 10**9))
def test_money_is_rounded_up_to_a_millionth(tokens_in, tokens_out, price_in, price_out):
    exact = tokens_in * price_in + tokens_out * price_out
    micro = Price(price_in, price_out).micro_usd(tokens_in, tokens_out)
    assert 0 <= micro * 1_000_000 - exact < 1_000_000


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:11434", True),
        ("http://192.168.1.7/v1", True),
        ("http://[::1]:11434", True),
        ("http://gpu.local:8000", True),
        ("http://host.docker.internal:11434", True),
        ("https://ollama.com/v1", False),
        ("http://8.8.8.8/v1", False),
        (None, False),
    ],
)
def test_who_runs_at_home(url, local):
    assert is_local(url, "gpt-oss:20b") is local
