"""The service: up, answering, down, and back up when a part of it dies."""

from __future__ import annotations

import asyncio
import signal
import socket
import time

import pytest
from pydantic_core import from_json

from maf_core import RefresherSpec, Worker, WorkerSpec
from maf_core.plane.commands import Command, send
from maf_core.service import Service, heartbeat_key
from maf_core.streams import codec
from maf_core.streams.names import CONTROL_OUT
from maf_core.streams.raw import entries
from maf_core.testing import wait_until


async def answers(redis) -> list[dict]:
    return [codec.decode(fields) for _, fields in entries(await redis.xrange(CONTROL_OUT))]


async def test_a_service_comes_up_answers_and_goes_on_sigterm(redis, redis_url, maf_process):
    process = maf_process("service", "run", "--redis", redis_url, "--plugins", "")
    key = f"maf:service:{socket.gethostname()}-{process.pid}"
    assert key == heartbeat_key(process.pid)
    status = from_json(await wait_until(lambda: redis.get(key), timeout_s=15))
    assert set(status) == {"ts", "workers", "restarts", "arenas", "config"}
    assert {"control", "actions", "triggers", "trimmer"} <= set(status["workers"])
    assert 0 < await redis.ttl(key) <= 15

    command_id = await send(redis, Command(command="ping"))
    (answer,) = await wait_until(lambda: answers(redis))
    assert (answer["command_id"], answer["status"]) == (command_id, "completed")

    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 0, errors
    assert time.monotonic() - asked < 30
    assert "service_stopped" in errors
    assert "Traceback" not in errors
    assert await redis.exists(key) == 0


def test_without_a_server_it_says_what_to_do(maf):
    done = maf("service", "run", "--redis", "redis://127.0.0.1:1/0", "--plugins", "")
    assert done.returncode == 1
    assert done.stderr.startswith("maf: No Redis answers at redis://127.0.0.1:1/0")
    assert "--redis embedded" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_plugin_is_a_usage_error(maf, redis_url):
    done = maf("service", "run", "--redis", redis_url, "--plugins", "no_such_plugin")
    assert done.returncode == 2
    assert "There is no plugin 'no_such_plugin'" in done.stderr
    assert "Traceback" not in done.stderr


def test_plugins_may_be_selected_by_the_environment_too(maf):
    done = maf("service", "run", "--redis", "redis://127.0.0.1:1/0", MAF_PLUGINS="", MAF_DISABLE_PLUGINS="kronos")
    assert done.stderr.startswith("maf: No Redis answers at "), done.stderr


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("maf.yaml", "lease_s: soon", "lease_s: "),
        ("maf.yaml", "lese_s: 5", "lese_s: "),
        ("arenas/bad.yaml", "name: bad", "phases: this key is missing"),
    ],
)
def test_a_mistake_in_the_configuration_is_a_usage_error(maf, redis_url, tmp_path, name, content, words):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    done = maf("service", "run", "--redis", redis_url, "--config", str(tmp_path), "--plugins", "")
    assert done.returncode == 2
    assert words in done.stderr
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_worker_and_a_refresher_of_one_name_both_run(make_context, load):
    running: set[str] = set()

    def named(kind: str):
        class Mine(Worker):
            def __init__(self, context) -> None:
                pass

            async def run(self, stop: asyncio.Event) -> None:
                running.add(kind)
                await stop.wait()

        return Mine

    plugins = load(
        WorkerSpec(name="mine", factory=named("worker")), RefresherSpec(name="mine", factory=named("refresher"))
    )
    stop = asyncio.Event()
    service = asyncio.create_task(Service(make_context(plugins=plugins)).run(stop))
    await wait_until(lambda: running == {"worker", "refresher"})
    stop.set()
    await service


@pytest.fixture
def served(redis, make_context, load):
    """Run a service in this process with one more worker, until `condition` holds."""

    async def serve(factory, condition) -> None:
        plugins = load(WorkerSpec(name="mine", factory=factory))
        stop = asyncio.Event()
        service = asyncio.create_task(Service(make_context(plugins=plugins, drain_s=5)).run(stop))
        try:
            await wait_until(condition)
        finally:
            stop.set()
            await service

    return serve


async def test_a_worker_that_dies_is_made_anew(served):
    made: list[Worker] = []

    class Mortal(Worker):
        def __init__(self, context) -> None:
            made.append(self)
            self.number = len(made)
            self.lives = False

        async def run(self, stop: asyncio.Event) -> None:
            if self.number < 3:
                raise RuntimeError("I die")
            self.lives = True
            await stop.wait()

    await served(Mortal, lambda: len(made) == 3 and made[-1].lives)
    assert len(made) == 3


async def test_a_worker_that_returns_is_made_anew(served):
    runs = []

    class Short(Worker):
        def __init__(self, context) -> None: ...

        async def run(self, stop: asyncio.Event) -> None:
            runs.append(1)

    await served(Short, lambda: len(runs) >= 2)


async def test_a_worker_that_cannot_be_made_is_tried_again_and_the_others_run(redis, served):
    tries = []

    class Stillborn(Worker):
        def __init__(self, context) -> None:
            tries.append(1)
            raise RuntimeError("not yet")

        async def run(self, stop: asyncio.Event) -> None: ...

    await send(redis, Command(command="ping"))

    async def both() -> bool:
        return len(tries) >= 2 and bool(await answers(redis))

    await served(Stillborn, both)


async def test_all_workers_are_prepared_before_any_runs(served):
    order = []

    class Ordered(Worker):
        def __init__(self, context) -> None: ...

        async def prepare(self) -> None:
            order.append("prepared")

        async def run(self, stop: asyncio.Event) -> None:
            order.append("runs")
            await stop.wait()

    await served(Ordered, lambda: "runs" in order)
    assert order == ["prepared", "runs"]


async def test_a_worker_may_finish_what_it_began(served):
    finished = []

    class Careful(Worker):
        def __init__(self, context) -> None:
            self.busy = asyncio.Event()

        async def run(self, stop: asyncio.Event) -> None:
            finished.append("began")
            await stop.wait()
            await asyncio.sleep(0)
            finished.append("finished")

    await served(Careful, lambda: finished)
    assert finished == ["began", "finished"]


async def test_who_keeps_something_of_the_arenas_is_made_anew_when_they_change(make_context, load, panel):
    made: dict[str, list[list[str]]] = {"follows": [], "asks": []}

    def named(name: str, follows: bool):
        class Mine(Worker):
            follows_arenas = follows

            def __init__(self, context) -> None:
                made[name].append(sorted(context.arenas))

            async def run(self, stop: asyncio.Event) -> None:
                await stop.wait()

        return WorkerSpec(name=name, factory=Mine)

    context = make_context(plugins=load(named("follows", True), named("asks", False)))
    service, stop = Service(context), asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    await wait_until(lambda: made["follows"])
    for number in (1, 2):
        context.arenas[f"panel{number}"] = panel({"name": "look", "agents": [{"name": "a", "role": "synthesis"}]})
        context.config.changed.set()
        await wait_until(lambda: len(made["follows"]) == number + 1)  # noqa: B023
    stop.set()
    await task
    assert made == {"follows": [[], ["panel1"], ["panel1", "panel2"]], "asks": [[]]}
