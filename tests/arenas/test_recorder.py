"""What was answered once in a run is not asked again: within it, and by whoever takes it up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from maf_core import SourceResult
from maf_core.arenas import recorder as module
from maf_core.arenas.engine import ArenaEngine
from maf_core.arenas.recorder import Recorder
from maf_core.arenas.store import RunStore
from maf_core.errors import RunError
from maf_core.testing import wait_until

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("xyzäß", max_size=3)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3), max_leaves=8
)


class Asked:
    """Gives answers, counts how often it was asked, and keeps what is to be saved."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers) or [{"said": "yes"}]
        self.count = 0
        self.saved: dict[str, bytes] = {}

    async def __call__(self):
        self.count += 1
        await asyncio.sleep(0)
        answer = self.answers[min(self.count, len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def save(self, key: str, answer: bytes) -> None:
        self.saved[key] = answer

    def recorder(self, **more) -> Recorder:
        return Recorder(self.save, self.saved, **more)


@given(request=JSON, answer=JSON)
async def test_an_answer_is_given_again_as_it_was(request, answer):
    asked = Asked(answer)
    first = await asked.recorder().answered("llm", request, asked)
    again = await asked.recorder().answered("llm", request, asked)
    assert (first, again, asked.count) == (answer, answer, 1)
    assert type(first) is type(again)


async def test_it_is_saved_before_it_is_given():
    asked, order = Asked(), []

    async def save(key: str, answer: bytes) -> None:
        await asyncio.sleep(0)
        order.append("saved")

    await Recorder(save).answered("llm", {}, asked)
    order.append("given")
    assert order == ["saved", "given"]


async def test_the_order_of_a_requests_keys_does_not_matter():
    asked = Asked()
    recorder = asked.recorder()
    await recorder.answered("llm", {"a": 1, "b": {"c": 2, "d": 3}}, asked)
    await recorder.answered("llm", {"b": {"d": 3, "c": 2}, "a": 1}, asked)
    assert asked.count == 1


@pytest.mark.parametrize(
    ("kind", "request_"),
    [("source", {"agent": "a"}), ("llm", {"agent": "b"}), ("llm", {"agent": "a", "n": 1}), ("llm", ["agent", "a"])],
)
async def test_another_request_is_another_question(kind, request_):
    asked = Asked()
    recorder = asked.recorder()
    await recorder.answered("llm", {"agent": "a"}, asked)
    await recorder.answered(kind, request_, asked)
    assert asked.count == 2


async def test_another_round_asks_anew():
    asked = Asked("first", "second")
    recorder = asked.recorder()
    assert await recorder.answered("llm", {}, asked) == "first"
    recorder.forget()
    assert await recorder.answered("llm", {}, asked) == "second"
    assert await asked.recorder().answered("llm", {}, asked) == "first"
    assert await asked.recorder(round_number=1).answered("llm", {}, asked) == "second"


async def test_whoever_changes_an_answer_changes_nobody_elses():
    asked = Asked({"rows": [[1]]})
    recorder = asked.recorder()
    first = await recorder.answered("llm", {}, asked)
    first["rows"][0].append(2)
    asked.answers[0]["rows"].clear()
    assert await recorder.answered("llm", {}, asked) == {"rows": [[1]]}


async def test_those_who_ask_the_same_at_once_share_one_question():
    gate, count = asyncio.Event(), 0

    async def ask():
        nonlocal count
        count += 1
        await gate.wait()
        return count

    recorder = Recorder()
    asking = [asyncio.create_task(recorder.answered("llm", {"q": 1}, ask)) for _ in range(5)]
    await wait_until(lambda: count)
    gate.set()
    assert await asyncio.gather(*asking) == [1] * 5


async def test_when_the_one_who_asks_is_stopped_another_asks():
    gate, count = asyncio.Event(), 0

    async def ask():
        nonlocal count
        count += 1
        await gate.wait()
        return count

    recorder = Recorder()
    asking = [asyncio.create_task(recorder.answered("llm", {"q": 1}, ask)) for _ in range(3)]
    await wait_until(lambda: count)
    asking[0].cancel()
    await wait_until(lambda: count == 2)
    gate.set()
    assert await asyncio.gather(*asking[1:]) == [2, 2]
    assert asking[0].cancelled()


async def test_a_failure_is_everybodys_who_asked_and_is_not_recorded():
    asked = Asked(LookupError("no"), "yes")
    recorder = asked.recorder()
    asking = [asyncio.create_task(recorder.answered("llm", {}, asked)) for _ in range(3)]
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert asked.saved == {}
    assert await recorder.answered("llm", {}, asked) == "yes"
    assert asked.count == 2


async def test_what_could_not_be_saved_was_not_answered():
    async def save(key: str, answer: bytes) -> None:
        raise RunError("taken")

    asked = Asked()
    recorder = Recorder(save)
    for _ in range(2):
        with pytest.raises(RunError):
            await recorder.answered("llm", {}, asked)
    assert asked.count == 2


@pytest.mark.parametrize("answer", [object(), {"at": datetime(2024, 1, 1, tzinfo=UTC)}, {1: 2}, "\ud800"])
async def test_an_answer_that_is_no_json_is_refused(answer):
    asked = Asked(answer)
    with pytest.raises((TypeError, ValueError)):
        await asked.recorder().answered("llm", {}, asked)
    assert asked.saved == {}


async def test_a_broken_record_is_refused_in_words():
    asked = Asked()
    await asked.recorder().answered("llm", {}, asked)
    (key,) = asked.saved
    asked.saved[key] = asked.saved[key][:-3]
    with pytest.raises(RunError, match=f"recorded answer {key} cannot be read"):
        await asked.recorder().answered("llm", {}, asked)


@pytest.mark.parametrize(("largest", "most", "kept"), [(50, 10_000, 0), (10_000, 300, 2), (10_000, 10_000, 5)])
async def test_too_much_is_not_recorded_but_answered(monkeypatch, caplog, largest, most, kept):
    monkeypatch.setattr(module, "LARGEST_BYTES", largest)
    monkeypatch.setattr(module, "MOST_BYTES", most)
    asked = Asked("x" * 60)
    recorder = asked.recorder()
    for number in range(5):
        assert await recorder.answered("llm", {"n": number}, asked) == "x" * 60
    assert len(asked.saved) == kept
    assert sum(map(len, asked.saved.values())) <= most


async def test_a_record_says_what_was_asked_about():
    asked = Asked({"text": "yes"})
    await asked.recorder().answered(
        "llm", {"agent": "news", "model": "m", "messages": ["long"], "no": "x" * 900}, asked
    )
    (record,) = asked.saved.values()
    content = from_json(record)
    assert (content["kind"], content["about"]) == ("llm", {"agent": "news", "model": "m"})
    assert content["answer"] == {"text": "yes"}


class Panel:
    """An arena whose agents ask a model and a source, and how often those were really asked."""

    def __init__(self, make_context, load, panel, role, source) -> None:
        self.asked: list[str] = []
        self.hang = ""
        self.data: object = [{"t": 1}, {"t": 2}]
        phases = [{"name": name, "agents": [self._agent(f"{name}_{n}") for n in "ab"]} for name in ("one", "two")]
        arena = panel(*phases, sources={"bars": {"source": "feed", "required": True}})
        plugins = load(role("asks", self._step), source("feed", self._fetch))
        self._context = lambda: make_context(plugins=plugins, arenas=[arena])

    @staticmethod
    def _agent(name: str) -> dict:
        return {"name": name, "role": "asks", "sources": ["bars"]}

    def engine(self, hang: str = "") -> ArenaEngine:
        self.hang = hang
        return ArenaEngine(self._context())

    async def _fetch(self, query):
        await self._note("source")
        return SourceResult(self.data, query.as_of, ("stale_feed",), 77)

    async def _step(self, agent, state, context):
        bars = await context.fetch("bars")

        async def ask():
            await self._note(agent.name)
            return {"words": f"{agent.name} saw {len(bars.data or ())}"}

        said = await context.recorder.answered("llm", {"agent": agent.name, "prompt": "what now?"}, ask)
        return {"signal": "HOLD", "said": {agent.name: said["words"]}}

    async def _note(self, what: str) -> None:
        self.asked.append(what)
        if what == self.hang:
            await asyncio.Event().wait()


@pytest.fixture
def asking(make_context, load, panel, role, source) -> Panel:
    return Panel(make_context, load, panel, role, source)


async def dies_at(what: str, asking: Panel, request) -> None:
    dying = asyncio.create_task(asking.engine(hang=what).run(request))
    await wait_until(lambda: asking.asked[-1:] == [what])
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying


ALL = ["source", "one_a", "one_b", "two_a", "two_b"]


@pytest.mark.parametrize("dies", ALL)
async def test_after_a_crash_nobody_is_asked_again_who_had_answered(asking, request_for, dies):
    request = request_for()
    await dies_at(dies, asking, request)
    done = await asking.engine().run(request)
    before = ALL[: ALL.index(dies)]
    assert asking.asked == [*before, dies, dies, *ALL[len(before) + 1 :]]
    assert list(done.state["said"]) == ALL[1:]
    assert [(one["binding"], one["result_bytes"]) for one in done.state["source_metrics"]] == [("bars", 77)]
    assert (done.meta["gaps"], done.meta["inputs"]) == (["stale_feed"], {"bars": "2024-03-01T21:00:00+00:00"})


async def test_it_comes_to_the_same_state_as_without_the_crash(asking, request_for):
    calm = (await asking.engine().run(request_for())).state
    request = request_for()
    for dies in ("one_b", "two_b"):
        await dies_at(dies, asking, request)
    stormy = (await asking.engine().run(request)).state
    for state in (calm, stormy):
        del state["phase_timings"], state["arena_total_seconds"]
        for metric in state["source_metrics"]:
            del metric["ms"]
    assert to_json(stormy) == to_json(calm)


@pytest.mark.parametrize("data", [object(), {"at": datetime(2024, 1, 1, tzinfo=UTC)}, [{1, 2}], {1: "a"}])
async def test_a_source_that_gives_no_json_has_failed(asking, request_for, data):
    asking.data = data
    done = await asking.engine().run(request_for())
    assert done.meta["required_gaps"] == ["no_feed"]
    assert [metric["success"] for metric in done.state["source_metrics"]] == [False]


async def test_what_an_agent_does_to_an_answer_is_seen_by_nobody(run_arena, panel, role, source):
    seen = []

    async def fetch(query):
        return SourceResult([{"c": [1]}, {"c": [2]}])

    async def vandal(agent, state, context):
        rows = (await context.fetch("bars")).data
        seen.append(to_json(rows))
        rows[0]["c"].append("spoilt")
        rows.reverse()
        return {"signal": "HOLD"}

    agents = [{"name": name, "role": "vandal"} for name in "abc"]
    arena = panel({"name": "look", "agents": agents}, sources={"bars": {"source": "feed"}})
    await run_arena(arena, role("vandal", vandal), source("feed", fetch))
    assert seen == [b'[{"c":[1]},{"c":[2]}]'] * 3


async def test_the_record_holds_every_answer(redis, asking, request_for):
    request = request_for()
    await asking.engine().run(request)
    record = await RunStore(redis, 3600, 100).read(request.arena_id)
    kinds = sorted((from_json(answer)["kind"], key.split(":")[1]) for key, answer in record.answers.items())
    assert kinds == [("llm", "0")] * 4 + [("source", "0")]
