"""The stand-in's native dialect, asked with a bare client: the shapes are those that Ollama documents."""

from __future__ import annotations

import httpx
import pytest

from maf_core.testing.ollama import OllamaServer, Reply, StandInModel, ToolCall

HELLO = [{"role": "user", "content": "hello"}]
PRICE = {"type": "function", "function": {"name": "get_price", "parameters": {"type": "object", "properties": {}}}}


class TestNative:
    async def test_a_whole_answer(self, ollama, native):
        ollama.rules["qwen3:8b"] = Reply("Buy.", thinking="Hm.", tokens_in=210, tokens_out=57)
        answer = (await native()).json()
        assert answer.pop("created_at").endswith("Z")
        assert answer == {
            "model": "qwen3:8b",
            "message": {"role": "assistant", "content": "Buy.", "thinking": "Hm."},
            "done": True,
            "done_reason": "stop",
            "total_duration": 1234567890,
            "load_duration": 12345678,
            "prompt_eval_count": 210,
            "prompt_eval_duration": 98765432,
            "eval_count": 57,
            "eval_duration": 765432100,
        }

    async def test_it_streams_unless_told_otherwise(self, ollama, lines):
        ollama.rules["qwen3:8b"] = Reply("To be, or not to be.", thinking="Let me see what it is.")
        pieces = await lines()
        assert "".join(piece["message"].get("thinking", "") for piece in pieces) == "Let me see what it is."
        assert "".join(piece["message"]["content"] for piece in pieces) == "To be, or not to be."
        assert [piece["done"] for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert pieces[-1]["done_reason"] == "stop"

    @pytest.mark.parametrize("stream", [True, False])
    async def test_arguments_of_tools_are_an_object_and_come_whole(self, ollama, stream, native, lines):
        ollama.rules["qwen3:8b"] = Reply(tool_calls=[ToolCall("get_price", {"symbol": "AAPL"})], thinking="")
        if stream:
            message = (await lines(tools=[PRICE]))[0]["message"]
        else:
            message = (await native(tools=[PRICE])).json()["message"]
        [call] = message["tool_calls"]
        assert call.pop("id").startswith("call_")
        assert call == {"function": {"index": 0, "name": "get_price", "arguments": {"symbol": "AAPL"}}}

    async def test_an_error_in_mid_stream_is_a_line_under_status_200(self, ollama, lines):
        ollama.rules["qwen3:8b"] = Reply("It all began well", error_after=2)
        pieces = await lines()
        assert len(pieces) == 3
        assert list(pieces[-1]) == ["error"]

    async def test_no_messages_load_the_model(self, native):
        answer = (await native(messages=[])).json()
        assert (answer["message"]["content"], answer["done_reason"]) == ("", "load")

    async def test_num_predict_cuts_the_answer_short(self, ollama, native):
        ollama.rules["qwen3:8b"] = Reply("x" * 400, thinking="")
        answer = (await native(options={"num_predict": 10})).json()
        assert (len(answer["message"]["content"]), answer["done_reason"], answer["eval_count"]) == (40, "length", 10)

    async def test_a_thinking_model_thinks_unless_told_not_to_and_gpt_oss_cannot_be_told(self, native):
        assert "thinking" in (await native()).json()["message"]
        assert "thinking" not in (await native(think=False)).json()["message"]
        assert "thinking" in (await native(model="gpt-oss:20b", think=False)).json()["message"]

    def test_what_a_model_cannot_do_is_a_bad_request(self):
        models = [StandInModel("plain:1b", capabilities=("completion",)), StandInModel("bge:1b", capabilities=())]
        with OllamaServer(models=models) as server, httpx.Client(base_url=server.url) as http:

            def error(**body) -> tuple[int, str]:
                answer = http.post("/api/chat", json={"messages": HELLO, **body})
                return answer.status_code, answer.json()["error"]

            assert error(model="plain:1b", think=True) == (400, '"plain:1b" does not support thinking')
            tools = error(model="plain:1b", tools=[PRICE])
            assert tools == (400, "registry.ollama.ai/library/plain:1b does not support tools")
            assert error(model="bge:1b") == (400, '"bge:1b" does not support chat')

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            (b"", 400, "missing request body"),
            (b"{", 400, "invalid request body"),
            (b"[]", 400, "json: cannot unmarshal"),
            (b'{"messages": []}', 400, "model is required"),
            (b'{"model": "qwen3:8b", "options": []}', 400, "json: cannot unmarshal"),
            (b'{"model": "nobody"}', 404, "model 'nobody' not found"),
        ],
    )
    async def test_a_request_that_is_none(self, http, body, status, error):
        answer = await http.post("/api/chat", content=body)
        assert answer.status_code == status
        assert error in answer.json()["error"]


class TestCatalogue:
    async def test_it_says_that_it_is_there(self, http):
        assert (await http.get("/")).text == "Ollama is running"
        head = await http.head("/")
        assert (head.status_code, head.content) == (200, b"")
        assert list((await http.get("/api/version")).json()) == ["version"]
        assert (await http.get("/api/nothing")).status_code == 404

    async def test_a_daemon_says_which_models_are_elsewhere(self, http):
        rows = {row["name"]: row for row in (await http.get("/api/tags")).json()["models"]}
        here, there = rows["qwen3:8b"], rows["gpt-oss:120b-cloud"]
        assert {"name", "model", "modified_at", "size", "digest", "details", "capabilities"} == set(here)
        assert here["details"]["parameter_size"] == "8B"
        assert (there["remote_model"], there["remote_host"]) == ("gpt-oss:120b", "https://ollama.com:443")

    def test_the_cloud_has_names_without_an_ending_and_wants_a_key(self):
        with OllamaServer(cloud=True, api_key="sesame") as cloud, httpx.Client(base_url=cloud.url) as http:
            names = [row["name"] for row in http.get("/api/tags").json()["models"]]
            assert "gpt-oss:120b" in names
            assert not [name for name in names if name.endswith("cloud")]
            body = {"model": "gpt-oss:120b", "messages": HELLO, "stream": False}
            refused = http.post("/api/chat", json=body)
            assert refused.status_code == 401
            assert set(refused.json()) == {"error", "signin_url"}
            answered = http.post("/api/chat", json=body, headers={"authorization": "Bearer sesame"})
            assert answered.json()["model"] == "gpt-oss:120b"

    async def test_the_answer_of_a_remote_model_has_its_name_there(self, native):
        assert (await native(model="gpt-oss:120b-cloud")).json()["model"] == "gpt-oss:120b"

    async def test_what_is_loaded_and_what_a_model_is(self, http, native):
        assert (await http.get("/api/ps")).json() == {"models": []}
        await native()
        [row] = (await http.get("/api/ps")).json()["models"]
        assert (row["name"], row["context_length"]) == ("qwen3:8b", 4096)
        shown = (await http.post("/api/show", json={"model": "qwen3:8b"})).json()
        assert shown["capabilities"] == ["completion", "tools", "thinking"]
        assert (await http.post("/api/show", json={"model": "nobody"})).status_code == 404
