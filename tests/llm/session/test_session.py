"""One question, one validated answer: tools, retries, steps, falls from one model to the next, what is seen of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.llm.session.scripted import GOOD, MemoryRecorder, Verdict, says

from maf_core.arenas.recorder import Recorder
from maf_core.errors import BadAnswerError, NoModelError
from maf_core.llm.base import Tool


def price_tool(calls: list) -> Tool:
    async def price(arguments):
        calls.append(dict(arguments))
        return {"price": 101.5}

    return Tool("price", "The last price.", price, {"type": "object", "properties": {"symbol": {"type": "string"}}})


def returns(messages) -> list:
    return [part.content for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]


async def test_an_answer_is_validated_counted_and_seen(bench, question):
    at = bench()
    answer = await at.session.ask(question())
    assert (answer.value, answer.model) == (Verdict(**GOOD), "lab:first")
    (event,) = at.events
    assert event.pop("ms") >= 0
    assert event == {
        "kind": "llm.call",
        "agent": "analyst",
        "model": "lab:first",
        "tokens_in": 30,
        "tokens_out": 10,
        "usd": None,
        "recorded": False,
    }
    assert at.session.usage() == {
        "calls": 1,
        "recorded": 0,
        "tokens_in": 30,
        "tokens_out": 10,
        "usd": 0.0,
        "models": ["lab:first"],
        "fallbacks": [],
    }


async def test_a_tool_is_called_and_the_same_call_again_is_answered_from_the_record(bench, question):
    calls, seen = [], []

    def model(messages, info):
        seen[:] = returns(messages)
        return says({"symbol": "AAPL"}, "price") if len(seen) < 2 else GOOD

    at = bench(model)
    await at.session.ask(question(tools=[price_tool(calls)]))
    assert calls == [{"symbol": "AAPL"}]
    assert seen[0] == {"price": 101.5}
    assert seen[1]["answer"] == {"price": 101.5}
    assert "before" in seen[1]["note"]


async def test_two_equal_calls_at_once_are_one(bench, question):
    calls = []

    def model(messages, info):
        parts = [ToolCallPart("price", {"symbol": "AAPL"}), ToolCallPart("price", {"symbol": "AAPL"})]
        return GOOD if returns(messages) else ModelResponse(parts=parts)

    await bench(model).session.ask(question(tools=[price_tool(calls)]))
    assert len(calls) == 1


async def test_a_tool_that_fails_is_told_to_the_model(bench, question):
    async def fails(arguments):
        raise ValueError("no such symbol")

    seen = []

    def model(messages, info):
        seen[:] = returns(messages)
        return GOOD if seen else says({}, "price")

    await bench(model).session.ask(question(tools=[Tool("price", "", fails)]))
    assert seen == [{"error": "price failed: ValueError: no such symbol"}]


async def test_a_server_that_is_away_is_not_told_to_the_model_but_ends_the_run(bench, question):
    async def away(arguments):
        raise RedisConnectionError("away")

    parts = [ToolCallPart("price", {"symbol": "AAPL"}), ToolCallPart("price", {"symbol": "AAPL"})]
    at = bench(ModelResponse(parts=parts))
    with pytest.raises(RedisConnectionError):
        await at.session.ask(question(tools=[Tool("price", "", away)]))
    assert len(at.asked) == 1


@pytest.mark.parametrize("arguments", ["[1, 2]", '"AAPL"', "null", "7", "{oops", ""])
async def test_arguments_that_are_no_object_are_sent_back(bench, question, arguments):
    calls = []

    def model(messages, info):
        return GOOD if len(messages) > 1 else says(arguments, "price")

    answer = await bench(model).session.ask(question(tools=[price_tool(calls)]))
    assert answer.value.side == "BUY"
    assert calls in ([], [{}])


async def test_an_answer_that_does_not_fit_is_sent_back_with_what_is_wrong(bench, question):
    answers = iter([{"side": "BUY", "confidence": 7}, GOOD])
    at = bench(lambda messages, info: next(answers))
    assert (await at.session.ask(question())).value.confidence == 0.75
    assert len(at.asked) == 2


@pytest.mark.parametrize(
    "rubbish",
    [
        says("no tool, only words", ""),
        says({"side": "BUY"}),
        says("{oops"),
        says("[]"),
        says({}, "no_such_tool"),
        ModelResponse(parts=[]),
    ],
    ids=["words", "incomplete", "no json", "no object", "unknown tool", "nothing"],
)
async def test_rubbish_for_ever_ends_in_an_error(bench, question, rubbish):
    at = bench(lambda messages, info: rubbish)
    with pytest.raises(BadAnswerError, match="do not fit"):
        await at.session.ask(question(tools=[price_tool([])]))
    assert len(at.asked) == 3
    assert [event["kind"] for event in at.events] == ["llm.call"] * 3 + ["llm.error"]


async def test_a_model_that_calls_tools_for_ever_is_stopped_at_the_last_step(bench, question):
    calls = []
    at = bench(lambda messages, info: says({"symbol": str(len(messages))}, "price"))
    with pytest.raises(BadAnswerError, match="4 steps"):
        await at.session.ask(question(tools=[price_tool(calls)], max_steps=4))
    assert len(at.asked) == 4


async def test_a_thousand_calls_in_one_answer_are_too_many(bench, question):
    calls = []
    parts = [ToolCallPart("price", {"symbol": str(n)}) for n in range(1000)]
    at = bench(lambda messages, info: ModelResponse(parts=parts))
    with pytest.raises(BadAnswerError):
        await at.session.ask(question(tools=[price_tool(calls)]))
    assert len(calls) <= 48


async def test_without_a_model_nobody_is_asked(bench, question):
    at = bench(model="rules")
    assert not at.session.wants_model(None)
    assert at.session.wants_model("lab:first")
    assert not bench().session.wants_model("rules")
    with pytest.raises(NoModelError, match="rules"):
        await at.session.ask(question())
    assert at.asked == []


async def test_the_agents_model_counts_over_the_settings(bench, question):
    at = bench(models={"first": GOOD, "second": GOOD})
    assert (await at.session.ask(question(model="lab:second"))).model == "lab:second"


def refused(status: int) -> ModelHTTPError:
    return ModelHTTPError(status, "first", {"error": "gone"})


PROFILE = {"model": "profile:mine", "profiles": {"mine": ["lab:first", "lab:second"]}}


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_refused_model_gives_way_to_the_next_and_rests(bench, question, status):
    at = bench(models={"first": refused(status), "second": GOOD}, **PROFILE)
    assert (await at.session.ask(question())).model == "lab:second"
    (error,) = at.kinds("llm.error")
    assert (error["model"], error["fallback_to"]) == ("lab:first", "lab:second")
    assert str(status) in error["error"]
    (fall,) = at.session.usage()["fallbacks"]
    assert (fall["model"], fall["fallback_to"]) == ("lab:first", "lab:second")
    assert at.asked == ["first", "second"]
    await at.session.ask(question("Another."))
    assert at.asked == ["first", "second", "second"]


async def test_a_server_that_keeps_failing_gives_way_after_a_few_tries(bench, question):
    at = bench(models={"first": refused(500), "second": GOOD}, **PROFILE)
    assert (await at.session.ask(question())).model == "lab:second"
    assert at.asked == ["first"] * 3 + ["second"]
    assert [event.get("again", False) for event in at.kinds("llm.error")] == [True, True, False]


async def test_a_busy_server_is_asked_again_when_it_says_so(bench, question):
    answers = iter([ModelHTTPError(429, "first", "slow down", headers={"retry-after": "0.01"}), GOOD])

    at = bench(lambda messages, info: next(answers))
    await at.session.ask(question(max_steps=1))
    assert at.session.usage()["calls"] == 2


async def test_a_server_that_wants_patience_longer_than_a_call_gives_way(bench, question):
    busy = ModelHTTPError(503, "first", "later", headers={"retry-after": "3600"})
    at = bench(models={"first": busy, "second": GOOD}, **PROFILE)
    await at.session.ask(question())
    assert at.asked == ["first", "second"]


async def test_when_no_model_answers_the_error_says_why_for_each(bench, question):
    away = ModelConnectionError("second", "refused", phase="connect")
    at = bench(models={"first": refused(404), "second": away}, **PROFILE)
    with pytest.raises(NoModelError, match=r"lab:first: .*404.*lab:second: Nobody answers"):
        await at.session.ask(question())
    with pytest.raises(NoModelError, match="alone"):
        await at.session.ask(question("Another."))


async def test_a_provider_nobody_knows_is_a_sentence(bench, question):
    at = bench()
    with pytest.raises(NoModelError, match="nowhere"):
        await at.session.ask(question(model="nowhere:model"))
    with pytest.raises(NoModelError, match="profile"):
        await at.session.ask(question(model="profile:nonesuch"))


# --- recorded ---------------------------------------------------------------------------------------


async def test_a_resumed_run_asks_nobody_twice_and_keeps_its_usage(bench, question):
    record = MemoryRecorder()

    def model(messages, info):
        return GOOD if returns(messages) else says({"symbol": "AAPL"}, "price")

    prices = {"lab:first": {"input": 1.0, "output": 2.0}}
    first = bench(model, recorder=record, run="run", prices=prices)
    answer = await first.session.ask(question(tools=[price_tool([])]))
    again = bench(model, recorder=record, run="run", prices=prices, budget={"run": {"calls": 2}})
    assert await again.session.ask(question(tools=[price_tool([])])) == answer
    assert again.asked == []
    assert again.session.usage() == {**first.session.usage(), "recorded": 2}
    assert first.session.usage()["usd"] == pytest.approx(0.0001)
    assert [(event["recorded"], event["ms"]) for event in again.kinds("llm.call")] == [(True, 0)] * 2


async def test_the_record_of_a_real_run_does(bench, question):
    saved = {}

    async def save(key, answer):
        saved[key] = answer

    def model(messages, info):
        return GOOD if returns(messages) else says({"symbol": "AAPL"}, "price")

    asked = question(tools=[price_tool([])])
    answer = await bench(model, recorder=Recorder(save)).session.ask(asked)
    again = bench(model, recorder=Recorder(saved=saved))
    assert await again.session.ask(asked) == answer
    assert again.asked == []


async def test_a_run_that_died_between_two_steps_asks_only_the_second(bench, question):
    record = MemoryRecorder()

    def dies(messages, info):
        if returns(messages):
            raise KeyboardInterrupt
        return says({"symbol": "AAPL"}, "price")

    first = bench(dies, recorder=record)
    with pytest.raises(KeyboardInterrupt):
        await first.session.ask(question(tools=[price_tool([])]))
    again = bench(GOOD, recorder=record)
    await again.session.ask(question(tools=[price_tool([])]))
    assert again.asked == ["first"]
    assert again.session.usage()["calls"] == 2


async def test_a_resumed_run_falls_to_the_same_model_without_asking_the_one_that_refused(bench, question):
    record = MemoryRecorder()
    first = bench(models={"first": refused(404), "second": GOOD}, recorder=record, **PROFILE)
    await first.session.ask(question())
    again = bench(models={"first": GOOD, "second": GOOD}, recorder=record, **PROFILE)
    assert (await again.session.ask(question())).model == "lab:second"
    assert again.asked == []
    assert again.session.usage()["fallbacks"] == first.session.usage()["fallbacks"]


async def test_what_is_recorded_holds_no_random_names_and_no_times(bench, question):
    def model(messages, info):
        return GOOD if returns(messages) else says({"symbol": "AAPL"}, "price")

    keys = []
    for _ in range(2):
        record = MemoryRecorder()
        await bench(model, recorder=record).session.ask(question(tools=[price_tool([])]))
        keys.append(list(record.answers))
    assert keys[0] == keys[1]


async def test_text_that_is_no_unicode_is_a_broken_answer(bench, question):
    bad = ModelResponse(parts=[TextPart("\ud800")])
    answers = iter([bad, says(GOOD)])
    at = bench(lambda messages, info: next(answers))
    assert (await at.session.ask(question())).value.side == "BUY"
    assert "Unicode" in at.kinds("llm.error")[0]["error"]


async def test_half_a_character_in_the_data_does_not_break_the_question(bench, question):
    async def halves(arguments):
        return {"text": "\ud83d", "\udc00": float("nan")}

    seen = []

    def model(messages, info):
        seen[:] = returns(messages)
        return GOOD if seen else says({}, "read")

    await bench(model).session.ask(question("Which \ud800?", tools=[Tool("read", "", halves)]))
    assert seen[0]["text"] == "?"


# --- around it --------------------------------------------------------------------------------------


async def test_a_span_tells_of_each_call(bench, question):
    spans = []

    class Span:
        def __init__(self, name, attributes):
            self.name, self.attributes = name, attributes

        def __enter__(self):
            spans.append(self)
            return self

        def __exit__(self, *_):
            return None

        def set(self, **attributes):
            self.attributes |= attributes

    class Tracer:
        def span(self, name, **attributes):
            return Span(name, attributes)

    await bench(tracer=Tracer()).session.ask(question())
    assert [(span.name, span.attributes) for span in spans] == [
        (
            "chat first",
            {
                "provider": "lab",
                "model": "first",
                "agent": "analyst",
                "max_tokens": 2000,
                "answered_by": "first",
                "tokens_in": 30,
                "tokens_out": 10,
            },
        )
    ]


async def test_a_provider_is_asked_by_so_many_at_once_and_no_more(bench, question):
    now, most, full = 0, 0, asyncio.Event()

    async def slow(messages, info):
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        if now == 2:
            full.set()
        await full.wait()  # so that the most is seen
        await asyncio.sleep(0)
        now -= 1
        return GOOD

    at = bench(slow, providers={"lab": {"concurrency": 2}})
    await asyncio.gather(*(at.session.ask(question(f"Question {n}")) for n in range(8)))
    assert most == 2


def test_a_context_imports_no_client_of_a_model():
    code = "import sys, json, maf_core.context; print(json.dumps(list(sys.modules)))"
    modules = set(json.loads(subprocess.check_output([sys.executable, "-c", code])))
    assert not modules & {"pydantic_ai", "openai", "httpx", "httpx2", "genai_prices"}
