"""The stand-in's OpenAI dialect, asked with the official client, and what it makes of JSON schemas."""

from __future__ import annotations

import json

import openai
import pytest
from pydantic import BaseModel, Field

from maf_core.testing.ollama import Reply, ToolCall

HELLO = [{"role": "user", "content": "hello"}]
PRICE = {"type": "function", "function": {"name": "get_price", "parameters": {"type": "object", "properties": {}}}}


class Opinion(BaseModel):
    """What is asked for."""

    side: str = Field(pattern="BUY|SELL", json_schema_extra={"enum": ["BUY", "SELL"]})
    confidence: float = Field(ge=0.25, le=0.75)


FORMAT = {"type": "json_schema", "json_schema": {"name": "opinion", "schema": Opinion.model_json_schema()}}
FINAL = {"type": "function", "function": {"name": "final_result", "parameters": Opinion.model_json_schema()}}


class TestOpenAIDialect:
    async def test_a_whole_answer(self, ollama, http):
        call = ToolCall("get_price", {"symbol": "AAPL"})
        ollama.rules["gpt-oss:20b"] = Reply("", [call], thinking="Hm.", tokens_in=210, tokens_out=57)
        body = {"model": "gpt-oss:20b", "messages": HELLO, "tools": [PRICE]}
        answer = (await http.post("/v1/chat/completions", json=body)).json()
        assert answer.pop("id").startswith("chatcmpl-")
        assert isinstance(answer.pop("created"), int)
        [call] = answer["choices"][0]["message"].pop("tool_calls")
        assert call.pop("id").startswith("call_")
        function = {"name": "get_price", "arguments": '{"symbol": "AAPL"}'}
        assert call == {"index": 0, "type": "function", "function": function}
        assert answer == {
            "object": "chat.completion",
            "model": "gpt-oss:20b",
            "system_fingerprint": "fp_ollama",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "", "reasoning": "Hm."},
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": {"prompt_tokens": 210, "completion_tokens": 57, "total_tokens": 267},
        }

    async def test_a_stream_ends_with_the_counts_if_they_are_wanted_and_done(self, ollama, http):
        ollama.rules["qwen3:8b"] = Reply("To be, or not to be.", tokens_in=3, tokens_out=4)
        body = {"model": "qwen3:8b", "messages": HELLO, "stream": True}
        plain = (await http.post("/v1/chat/completions", json=body)).text
        body["stream_options"] = {"include_usage": True}
        counted = (await http.post("/v1/chat/completions", json=body)).text
        assert plain.endswith("data: [DONE]\n\n")
        assert '"usage"' not in plain
        last = json.loads(counted.split("\n\n")[-3].removeprefix("data: "))
        assert (last["choices"], last["usage"]["total_tokens"]) == ([], 7)

    async def test_the_official_client_reads_a_stream(self, ollama, client):
        ollama.rules["qwen3:8b"] = Reply("To be, or not to be.", [ToolCall("get_price", {"symbol": "A"})])
        stream = await client.chat.completions.create(model="qwen3:8b", messages=HELLO, tools=[PRICE], stream=True)
        pieces = [piece async for piece in stream]
        deltas = [piece.choices[0].delta for piece in pieces]
        assert "".join(delta.content or "" for delta in deltas) == "To be, or not to be."
        assert [delta.tool_calls[0].function.name for delta in deltas if delta.tool_calls] == ["get_price"]
        assert pieces[-1].choices[0].finish_reason == "tool_calls"

    async def test_what_ollama_does_not_parse_changes_nothing(self, ollama, client):
        ollama.rules["qwen3:8b"] = Reply("x" * 400, thinking="")
        ignored = {"max_completion_tokens": 1, "tool_choice": "required", "n": 3, "parallel_tool_calls": False}
        whole = await client.chat.completions.create(model="qwen3:8b", messages=HELLO, tools=[PRICE], **ignored)
        assert len(whole.choices) == 1
        assert (len(whole.choices[0].message.content), whole.choices[0].finish_reason) == (400, "stop")
        short = await client.chat.completions.create(model="qwen3:8b", messages=HELLO, max_tokens=10)
        assert (len(short.choices[0].message.content), short.choices[0].finish_reason) == (40, "length")

    async def test_a_tool_call_that_is_cut_short_is_lost(self, ollama, client):
        ollama.rules["qwen3:8b"] = Reply(tool_calls=[ToolCall("get_price", {"symbol": "A" * 400})], thinking="")
        answer = await client.chat.completions.create(model="qwen3:8b", messages=HELLO, tools=[PRICE], max_tokens=5)
        assert (answer.choices[0].message.tool_calls, answer.choices[0].finish_reason) == (None, "length")

    async def test_each_dialect_has_its_own_temperature(self, ollama, client, native):
        await native()
        await client.chat.completions.create(model="qwen3:8b", messages=HELLO)
        await client.chat.completions.create(model="qwen3:8b", messages=HELLO, temperature=0)
        assert [call.options["temperature"] for call in ollama.calls] == [0.8, 1.0, 0]

    @pytest.mark.parametrize(
        ("more", "error"),
        [
            ({"messages": []}, "[] is too short - 'messages'"),
            ({"messages": [{"role": "user"}]}, "invalid message content type: <nil>"),
            ({"reasoning_effort": "hard"}, "invalid reasoning value: 'hard'"),
            (
                {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{"}}]}]},
                "invalid tool call arguments",
            ),
        ],
    )
    async def test_a_bad_request_is_an_error_object(self, http, more, error):
        body = {"model": "qwen3:8b", "messages": HELLO, **more}
        answer = await http.post("/v1/chat/completions", json=body)
        said = answer.json()["error"]
        assert (answer.status_code, said["type"], said["param"], said["code"]) == (
            400,
            "invalid_request_error",
            None,
            None,
        )
        assert error in said["message"]

    async def test_models_are_listed(self, client):
        listed = [model async for model in await client.models.list()]
        assert [model.id for model in listed] == ["gpt-oss:20b", "gpt-oss:120b-cloud", "qwen3:8b"]
        assert (await client.models.retrieve("qwen3:8b")).object == "model"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("nobody")


class TestSchemas:
    async def ask(self, client, model, **more):
        answer = await client.chat.completions.create(model=model, messages=HELLO, **more)
        return answer.choices[0].message

    @pytest.mark.parametrize("said", ["I would buy.", '{"side": "HOLD"}', '{"side": "BUY", "confidence": 3}', None])
    async def test_a_local_model_has_no_choice(self, ollama, client, said):
        ollama.rules["qwen3:8b"] = said
        Opinion.model_validate_json((await self.ask(client, "qwen3:8b", response_format=FORMAT)).content)

    async def test_an_answer_that_fits_is_kept(self, ollama, client):
        ollama.rules["qwen3:8b"] = {"side": "SELL", "confidence": 0.5}
        message = await self.ask(client, "qwen3:8b", response_format=FORMAT)
        assert json.loads(message.content) == {"side": "SELL", "confidence": 0.5}

    async def test_a_grammar_leaves_no_room_for_a_tool_call(self, ollama, client):
        ollama.rules["qwen3:8b"] = Reply(tool_calls=[ToolCall("get_price", {"symbol": "AAPL"})])
        message = await self.ask(client, "qwen3:8b", response_format=FORMAT, tools=[PRICE])
        assert message.tool_calls is None
        Opinion.model_validate_json(message.content)

    async def test_the_cloud_ignores_a_schema(self, ollama, client):
        ollama.rules["gpt-oss:120b-cloud"] = "I would buy."
        message = await self.ask(client, "gpt-oss:120b-cloud", response_format=FORMAT)
        assert message.content == "I would buy."

    async def test_json_only(self, ollama, native):
        ollama.rules["qwen3:8b"] = "I would buy."
        answer = (await native(format="json")).json()
        assert json.loads(answer["message"]["content"]) == {}

    async def test_by_default_the_final_tool_is_called_with_what_fits(self, client):
        said = [await self.ask(client, model, tools=[PRICE, FINAL]) for model in ("qwen3:8b", "qwen3:8b")]
        calls = [message.tool_calls[0].function for message in said]
        assert [call.name for call in calls] == ["final_result", "final_result"]
        Opinion.model_validate_json(calls[0].arguments)
        assert calls[0].arguments == calls[1].arguments
