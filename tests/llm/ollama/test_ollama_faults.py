"""What goes wrong on demand, how answers are scripted, and what a test can read afterwards."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import httpx
import openai
import pytest

from maf_core.tasks import cancelled
from maf_core.testing import wait_until
from maf_core.testing.ollama import Chat, Fault, OllamaServer, Reply, tools_first

HELLO = [{"role": "user", "content": "hello"}]
FINAL = {"type": "function", "function": {"name": "final_result", "parameters": {"type": "object", "properties": {}}}}
PRICE = {"type": "function", "function": {"name": "get_price", "parameters": {"type": "object", "properties": {}}}}


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "status", "words"),
        [
            (Fault.bad_request(), 400, "invalid options"),
            (Fault.unauthorized(), 401, "unauthorized"),
            (Fault.subscription(), 403, "requires a subscription"),
            (Fault.not_found("x"), 404, "model 'x' not found"),
            (Fault.usage_limit(), 429, "you (stand-in) have reached your session usage limit"),
            (Fault.server_error(), 500, "Internal Server Error (ref: "),
            (Fault.busy(), 503, "server busy, please try again"),
        ],
    )
    async def test_refusals_in_ollamas_words(self, ollama, client, fault, status, words, native):
        ollama.rules["*"] = fault
        answer = await native()
        assert answer.status_code == status
        assert words in answer.json()["error"]
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="qwen3:8b", messages=HELLO)
        assert caught.value.status_code == status
        assert words in str(caught.value.body)

    async def test_a_page_of_a_proxy(self, ollama, native):
        ollama.rules["*"] = Fault.html()
        answer = await native()
        assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")

    @pytest.mark.parametrize("stream", [True, False])
    async def test_the_connection_breaks_off(self, ollama, stream, native):
        ollama.rules["*"] = Reply("It all began so well", cut_after=1)
        with pytest.raises(httpx.RemoteProtocolError):
            await native(stream=stream)
        assert [call.complete for call in ollama.calls] == [False]

    async def test_malformed_json(self, ollama, native, lines):
        ollama.rules["*"] = Reply("It all began so well", malformed=True)
        whole = await native()
        with pytest.raises(json.JSONDecodeError):
            whole.json()
        with pytest.raises(json.JSONDecodeError):
            await lines()

    @pytest.mark.parametrize("stream", [True, False])
    async def test_an_answer_without_end_ends_when_the_client_leaves(self, ollama, http, stream, native):
        ollama.rules["*"] = Reply("and so on ", endless=True, pause_s=0.001)
        body = {"model": "qwen3:8b", "messages": HELLO, "stream": stream}

        async def listen() -> None:
            async with http.stream("POST", "/api/chat", json=body) as answer:
                async for _ in answer.aiter_lines():
                    if answer.num_bytes_downloaded > 5000:
                        break

        listening = asyncio.create_task(listen())
        # What is not streamed has no first byte to wait for.
        await (listening if stream else wait_until(lambda: [call.status for call in ollama.calls] == [200]))
        await cancelled([listening])
        ollama.rules.clear()
        await native()
        assert [call.complete for call in ollama.calls] == [False, True]

    async def test_slow(self, ollama, http):
        ollama.rules["*"] = Reply("…", delay_s=30)
        with pytest.raises(httpx.ReadTimeout):
            await http.post(
                "/api/chat", json={"model": "qwen3:8b", "messages": HELLO}, timeout=httpx.Timeout(10, read=0.05)
            )

    @pytest.mark.parametrize(("usage", "counted"), [("zero", 0), ("absent", None)])
    async def test_counts_may_be_missing(self, ollama, client, usage, counted, native):
        ollama.rules["*"] = Reply("Yes", usage=usage)
        assert (await native()).json().get("eval_count") == counted
        answer = await client.chat.completions.create(model="qwen3:8b", messages=HELLO)
        assert (answer.usage and answer.usage.total_tokens) == counted

    def test_a_rule_that_raises_is_seen_by_the_test(self):
        with OllamaServer({"*": lambda chat: 1 / 0}) as server, httpx.Client(base_url=server.url) as http:
            answer = http.post("/api/chat", json={"model": "qwen3:8b", "messages": HELLO})
            assert (answer.status_code, "ZeroDivisionError" in answer.text) == (500, True)
            assert [type(error) for error in server.errors] == [ZeroDivisionError]


class TestScripts:
    async def test_a_rule_is_a_function_of_the_question(self, ollama, native):
        def answer(chat: Chat) -> str:
            return f"{chat.number}: {chat.prompt.upper()}"

        ollama.rules["qwen3:8b"] = answer
        said = [(await native()).json()["message"]["content"] for _ in range(2)]
        assert said == ["1: HELLO", "2: HELLO"]

    async def test_a_list_is_said_one_after_the_other_and_its_end_stays(self, ollama, native):
        await native()
        ollama.rules["*"] = [Fault.busy(), "first", "last"]
        assert [(await native()).status_code for _ in range(4)] == [503, 200, 200, 200]
        assert (await native()).json()["message"]["content"] == "last"

    async def test_every_tool_once_then_the_answer(self, ollama, client):
        ollama.rules["*"] = tools_first
        first = await client.chat.completions.create(model="qwen3:8b", messages=HELLO, tools=[PRICE, FINAL])
        [call] = first.choices[0].message.tool_calls
        assert call.function.name == "get_price"
        messages = [
            *HELLO,
            first.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "42"},
        ]
        second = await client.chat.completions.create(model="qwen3:8b", messages=messages, tools=[PRICE, FINAL])
        assert second.choices[0].message.tool_calls[0].function.name == "final_result"


class TestCalls:
    async def test_the_same_question_has_the_same_digest(self, ollama, native):
        for text in ("a", "b", "a"):
            await native(messages=[{"role": "user", "content": text}])
        first, other, again = ollama.calls
        assert first.digest == again.digest != other.digest
        assert [call.number for call in ollama.calls] == [1, 2, 3]
        assert first.tokens_in > 0
        assert first.complete

    async def test_other_processes_can_read_them(self, ollama, http, native):
        await native()
        [call] = (await http.get("/_calls")).json()["calls"]
        assert (call["digest"], call["complete"], call["api"]) == (ollama.calls[0].digest, True, "native")
        await http.delete("/_calls")
        assert ollama.calls == []

    async def test_so_many_at_once_and_so_many_waiting(self):
        def statuses() -> list[int]:
            return sorted(call.status for call in server.calls)

        body = {"model": "qwen3:8b", "messages": HELLO, "stream": False}
        with OllamaServer({"*": Reply("…", delay_s=60)}, concurrency=2, queue=1) as server:
            async with httpx.AsyncClient(base_url=server.url) as http:
                asking = [asyncio.create_task(http.post("/api/chat", json=body)) for _ in range(5)]
                await wait_until(lambda: statuses() == [0, 200, 200, 503, 503])
                await cancelled(asking)
                await wait_until(lambda: statuses() == [200, 200, 200, 503, 503])  # its turn comes when others leave
        assert server.most_at_once == 2

    @pytest.mark.parametrize("stream", [True, False])
    def test_an_answer_is_complete_when_the_client_has_it(self, ollama, stream):
        body = {"model": "qwen3:8b", "messages": HELLO, "stream": stream}
        with httpx.Client(base_url=ollama.url, timeout=10) as http:
            for _ in range(200):
                http.post("/api/chat", json=body)
                assert ollama.calls[-1].complete


SCRIPTED = "rules = {'llama3.2:latest': lambda chat: chat.prompt[::-1]}"


def test_it_runs_as_a_process_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "script_of_the_test.py").write_text(SCRIPTED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    options = ["--model", "llama3.2", "--script", "script_of_the_test:rules"]
    command = [sys.executable, "-m", "maf_core.testing.ollama", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            with httpx.Client(base_url=process.stdout.readline().strip()) as http:
                body = {"model": "llama3.2:latest", "messages": HELLO, "stream": False}
                assert http.post("/api/chat", json=body).json()["message"]["content"] == "olleh"
                assert http.get("/_calls").json()["calls"][0]["model"] == "llama3.2:latest"
        finally:
            process.terminate()


def test_a_port_that_is_taken_is_a_sentence(ollama):
    with pytest.raises(OSError, match="choose another port"):
        OllamaServer(port=int(ollama.url.rpartition(":")[2])).start()
