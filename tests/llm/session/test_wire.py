"""Over real HTTP: what the server gets, and what happens when it does not keep to the protocol."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.llm.session.scripted import GOOD, Bench, Verdict

from maf_core.errors import BadAnswerError, BudgetExceededError, NoModelError
from maf_core.llm.base import Tool
from maf_core.llm.ledger import account
from maf_core.plugins import PluginManager, Selection
from maf_core.testing import wait_until
from maf_core.testing.ollama import Fault, Reply, ToolCall

MODEL = "gpt-oss:20b"


@pytest.fixture
def wired(process) -> Callable[..., Bench]:
    """A process that asks `ollama:gpt-oss:20b` at the given address."""

    def make(url: str, **more: Any) -> Bench:
        settings = {"model": f"ollama:{MODEL}", "providers": {"ollama": {"base_url": url}}}
        return process(PluginManager.load(Selection(), []), **{**settings, **more})

    return make


async def spent(redis, bench: Bench) -> dict[str, int]:
    saved = await redis.hgetall(account("run", bench.run))
    return {key.decode(): int(value) for key, value in saved.items()}


async def test_the_server_gets_the_question_and_the_most_that_it_may_answer(ollama, wired, question, redis):
    ollama.rules[MODEL] = Reply(tool_calls=[ToolCall("final_result", GOOD)], tokens_in=210, tokens_out=57)
    at = wired(ollama.url, max_output_tokens=321)
    answer = await at.session.ask(question())
    assert answer.value == Verdict(**GOOD)
    (call,) = ollama.calls
    assert (call.stream, call.body["max_tokens"]) == (True, 321)
    assert "max_completion_tokens" not in call.body
    assert call.body["stream_options"] == {"include_usage": True}
    told = at.session.usage()
    assert (told["tokens_in"], told["tokens_out"]) == (210, 57)
    assert (await spent(redis, at))["tokens"] == 267


async def test_what_is_sent_never_has_more_tokens_than_were_reserved(ollama, wired, question, redis):
    """The reservation is an upper bound: of all bytes on the wire, not only of what we call tokens."""
    ollama.rules[MODEL] = Reply(tool_calls=[ToolCall("final_result", GOOD)], usage="zero")
    at = wired(ollama.url)
    await at.session.ask(question("¿Qué? 株価は " * 50, tools=[Tool("price", "The price. " * 20, None)]))
    body = ollama.calls[0].body
    sent = len(json.dumps([body["messages"], body["tools"]], ensure_ascii=False).encode())
    assert at.session.usage()["tokens_in"] > sent


async def test_tools_and_their_results_go_over_the_wire(ollama, wired, question):
    async def price(arguments):
        return {"price": 101.5}

    ollama.rules[MODEL] = [Reply(tool_calls=[ToolCall("price", {})]), GOOD]
    at = wired(ollama.url)
    await at.session.ask(question(tools=[Tool("price", "The price.", price)]))
    assert "101.5" in str(ollama.calls[1].body["messages"])


async def test_a_server_that_enforces_schemas_is_given_one_unless_there_are_tools(ollama, wired, question):
    at = wired(ollama.url, model="ollama:qwen3:8b")
    await at.session.ask(question())
    await at.session.ask(question(tools=[Tool("price", "The price.", None)]))
    with_schema, with_tools = (call.body for call in ollama.calls)
    assert with_schema["response_format"]["type"] == "json_schema"
    assert "tools" not in with_schema
    assert "response_format" not in with_tools


async def test_an_endless_answer_is_cut_off_at_what_was_reserved(ollama, wired, question, redis):
    ollama.rules[MODEL] = Reply("word " * 8, endless=True)
    at = wired(ollama.url, budget={"run": {"tokens": 6000}})
    with pytest.raises(BudgetExceededError, match=r"of 6000 tokens are spent.*budget\.run\.tokens"):
        await at.session.ask(question())
    await wait_until(lambda: all(not call.complete for call in ollama.calls))
    assert len(ollama.calls) <= 3
    assert (await spent(redis, at))["tokens"] <= 6000


async def test_an_answer_that_only_the_budget_cut_short_is_not_the_models_fault(ollama, wired, question):
    ollama.rules[MODEL] = Reply("word " * 1000)
    at = wired(ollama.url, budget={"run": {"tokens": 1500}})
    with pytest.raises(BudgetExceededError, match=r"left \d+ tokens for an answer.*limit of tokens"):
        await at.session.ask(question())
    assert len(ollama.calls) == 1


async def test_an_answer_that_is_always_too_long_is_no_answer(ollama, wired, question):
    ollama.rules[MODEL] = Reply("word " * 500)
    at = wired(ollama.url, max_output_tokens=100)
    with pytest.raises(BadAnswerError, match="max_output_tokens"):
        await at.session.ask(question())
    assert len(ollama.calls) == 3


@pytest.mark.parametrize(
    "reply",
    [
        Reply(cut_after=1),
        Reply(error_after=1),
        Reply(malformed=True),
    ],
    ids=["cut", "error in the stream", "malformed"],
)
async def test_an_answer_that_breaks_off_is_asked_for_again(ollama, wired, question, redis, reply):
    ollama.rules[MODEL] = [reply, GOOD]
    at = wired(ollama.url)
    assert (await at.session.ask(question())).value.side == "BUY"
    assert len(ollama.calls) == 2
    assert at.session.usage()["calls"] == (await spent(redis, at))["calls"] == 2


async def test_answers_that_always_break_off_stay_within_the_steps(ollama, wired, question):
    ollama.rules[MODEL] = Reply(cut_after=1)
    with pytest.raises(NoModelError):
        await wired(ollama.url).session.ask(question(max_steps=2))
    assert len(ollama.calls) == 2


@pytest.mark.parametrize("usage", ["zero", "absent"])
async def test_without_a_report_more_is_counted_than_can_have_been(ollama, wired, question, redis, usage):
    ollama.rules[MODEL] = Reply(tool_calls=[ToolCall("final_result", GOOD)], usage=usage)
    at = wired(ollama.url)
    await at.session.ask(question())
    told = at.session.usage()
    assert told["tokens_in"] > 500
    assert 8 < told["tokens_out"] < 100
    assert (await spent(redis, at))["tokens"] == told["tokens_in"] + told["tokens_out"]


async def test_who_reports_more_than_was_reserved_is_believed_and_not_asked_again(ollama, wired, question, redis):
    ollama.rules[MODEL] = Reply(tool_calls=[ToolCall("final_result", GOOD)], tokens_in=210, tokens_out=50_000)
    at = wired(ollama.url, budget={"run": {"tokens": 20_000}})
    await at.session.ask(question())
    with pytest.raises(BudgetExceededError, match="50210 of 20000 tokens"):
        await at.session.ask(question("Another."))
    assert len(ollama.calls) == 1


async def test_a_silent_server_is_left_after_the_time_of_a_call(ollama, wired, question, redis):
    ollama.rules[MODEL] = Reply(delay_s=60)
    at = wired(ollama.url, call_timeout_s=0.2)
    started = time.monotonic()
    with pytest.raises(NoModelError, match="in time"):
        await at.session.ask(question())
    assert time.monotonic() - started < 30
    assert (await spent(redis, at))["tokens"] > 2000  # nobody knows what it did meanwhile


async def test_a_stream_that_falls_silent_is_broken(ollama, wired, question):
    ollama.rules[MODEL] = [Reply("word " * 50, pause_s=0.4), GOOD]
    at = wired(ollama.url, call_timeout_s=0.6)
    with pytest.raises(NoModelError):
        await at.session.ask(question())


async def test_no_more_seconds_than_the_budget_allows(ollama, wired, question):
    ollama.rules[MODEL] = Reply(delay_s=60)
    at = wired(ollama.url, budget={"run": {"seconds": 0.2}})
    with pytest.raises(BudgetExceededError, match=r"left 0\.2 s for a call.*limit of seconds"):
        await at.session.ask(question())
    with pytest.raises(BudgetExceededError, match=r"budget\.run\.seconds"):
        await at.session.ask(question())


async def test_a_cancelled_call_leaves_nothing_reserved(ollama, wired, question, redis):
    ollama.rules[MODEL] = Reply(delay_s=60)
    at = wired(ollama.url)
    asking = asyncio.create_task(at.session.ask(question()))
    await wait_until(lambda: ollama.calls)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    left = await spent(redis, at)
    assert left["held_tokens"] == left["held_calls"] == 0
    assert left["tokens"] > 2000
    assert left["ms"] < 30_000


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (Fault.unauthorized(), 1),
        (Fault.subscription(), 1),
        (Fault.not_found(MODEL), 1),
        (Fault.usage_limit(), 1),
        (Fault.server_error(), 3),
        (Fault(503, "busy", headers={"retry-after": "0"}), 3),
        (Fault.html(502), 3),
    ],
    ids=["401", "403", "404", "429 used up", "500", "503", "a proxy's page"],
)
async def test_a_server_that_refuses_costs_calls_but_no_tokens(ollama, wired, question, redis, fault, tries):
    ollama.rules[MODEL] = fault
    at = wired(ollama.url)
    with pytest.raises(NoModelError):
        await at.session.ask(question())
    assert len(ollama.calls) == tries
    assert (await spent(redis, at))["tokens"] == 0
    assert (await spent(redis, at))["calls"] == tries


async def test_nobody_there_is_a_sentence_and_costs_no_tokens(wired, question, redis):
    at = wired("http://127.0.0.1:1")
    with pytest.raises(NoModelError, match="Nobody answers at the provider's address"):
        await at.session.ask(question())
    assert (await spent(redis, at))["tokens"] == 0


# --- servers that no protocol describes ---------------------------------------------------------------


@asynccontextmanager
async def raw(write: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """Answers every request with what `write` writes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
            await write(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>hello</html>",
        b"data: [1, 2]\n\n",
        b"data: 5\n\n",
        b'data: {"choices": [5], "usage": "none"}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"content": "hello"}}]}\n\n',
        b'data: {"error": "boom"}\n\n',
        b"data: \xff\xfe\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
    ids=["nothing", "html", "list", "number", "odd", "no end", "error", "bytes", "deep"],
)
async def test_whatever_comes_is_a_sentence(wired, question, body):
    async def write(writer):
        writer.write(body)

    async with raw(write) as url:
        with pytest.raises(NoModelError, match="analyst has no model to ask"):
            await wired(url).session.ask(question(max_steps=2))


async def test_a_line_without_an_end_is_not_kept(wired, question, monkeypatch):
    monkeypatch.setattr("maf_core.llm.flood.MOST_BYTES", 2_000_000)
    sent = 0

    async def write(writer):
        nonlocal sent
        writer.write(b"data: ")
        while True:
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    async with raw(write) as url:
        with pytest.raises(NoModelError):
            await wired(url).session.ask(question(max_steps=1))
        assert 2_000_000 < sent < 20_000_000


async def test_what_is_asked_goes_nowhere_else(wired, question):
    asked = []

    async def handle(reader, writer):
        asked.append((await reader.readline()).split()[1])
        writer.write(b"HTTP/1.1 307 Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        with pytest.raises(NoModelError):
            await wired(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}").session.ask(question(max_steps=1))
    assert set(asked) == {b"/v1/chat/completions"}
