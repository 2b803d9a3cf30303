"""Workers, publishers and risk checks, each with one fault. `breaks` names the rules that must find it."""

from __future__ import annotations

import asyncio
import itertools
from types import ModuleType

import pytest

from maf_core import (
    BadEntryError,
    CheckResult,
    ConsumerWorker,
    PublisherSpec,
    Refresher,
    RefresherSpec,
    RiskCheckSpec,
    RouterSpec,
    Worker,
    WorkerSpec,
    hookimpl,
    publish,
    publish_once,
)
from maf_core.plugins import Candidate, PluginManager, Selection
from maf_core.testing import (
    PublisherConformance,
    RefresherConformance,
    RiskCheckConformance,
    RouterConformance,
    WorkerConformance,
)


class Handler(ConsumerWorker):
    """A sound worker."""

    def __init__(self, context):
        super().__init__(context.consumer("t:group", ["t:in"], start="0"))
        self.redis = context.redis

    async def handle(self, entry):
        raise BadEntryError("nothing can be made of it")


class Pretender:
    def __init__(self, context):
        self.prepare, self.run = Handler(context).prepare, Handler(context).run


class Multiplying(Handler):
    count = itertools.count()

    async def prepare(self):
        group = f"g{next(self.count)}"
        await self.redis.xgroup_create("t:in", group, mkstream=True)
        await self.redis.sadd("maf:groups", f"t:in\n{group}")


class Once(Handler):
    async def prepare(self):
        await self.redis.xgroup_create("t:in", "t:group", mkstream=True)


class Deaf(Worker):
    def __init__(self, context):
        pass

    async def run(self, stop):
        await asyncio.Event().wait()


class Jealous(Worker):
    running = False

    def __init__(self, context):
        pass

    async def run(self, stop):
        if Jealous.running:
            raise RuntimeError("there is one already")
        Jealous.running = True
        try:
            await stop.wait()
        finally:
            Jealous.running = False


class Careless(Handler):
    async def handle(self, entry):
        return entry.payload["symbol"]


class Greedy(Handler):
    async def run(self, stop):
        await self.redis.set("prices:everything", "1")
        await super().run(stop)


class Keeping(Refresher):
    """A sound refresher."""

    name = "limit"

    def cadence_s(self, target):
        return 1.0

    async def refresh(self, target):
        await self.redis.set(f"t:cache:{target.id}", "1")


class Immortal(Handler):
    async def run(self, stop):
        await self.redis.set("maf:refresher:limit:heartbeat", '{"ts": "2024-01-02T00:00:00+00:00"}')
        await super().run(stop)
        await self.redis.delete("maf:refresher:limit:heartbeat")


class Lingering(Handler):
    async def run(self, stop):
        await self.redis.set("maf:refresher:limit:heartbeat", '{"ts": "2024-01-02T00:00:00+00:00"}', ex=60)
        await super().run(stop)


class Router:
    """A sound router."""

    def __init__(self, context):
        self.redis = context.redis

    def key(self, run):
        return run.arena_id

    async def publish(self, run):
        payload = {"correlation_id": run.correlation_id}
        return (await publish_once(self.redis, "t:out", self.key(run), payload)).id


class Blocking(Router):
    def publish(self, run):
        return super().publish(run)


class Repeating(Router):
    async def publish(self, run):
        return await publish(self.redis, "t:out", {"correlation_id": run.correlation_id})


class Forgetful(Router):
    async def publish(self, run):
        await super().publish(run)


class Merging(Router):
    def key(self, run):
        return run.request.target["ticker"]


class Anonymous(Router):
    async def publish(self, run):
        return (await publish_once(self.redis, "t:out", run.arena_id, {})).id


class Proud(Router):
    async def publish(self, run):
        return "" if run.error else await super().publish(run)


class Limit:
    """A sound check that holds a claim."""

    held: dict[str, str]

    def __init__(self, context):
        self.held = {}

    def answer(self, result, reason=""):
        return CheckResult(name="limit", result=result, reason=reason)

    async def check(self, action):
        first = self.held.setdefault(action.target.ticker, action.arena_id)
        return self.answer("passed") if first == action.arena_id else self.answer("failed", "held")

    async def withdraw(self, action):
        self.held.pop(action.target.ticker, None)


class Plain(Limit):
    def check(self, action):
        return super().check(action)


class Verdict(Limit):
    async def check(self, action):
        return True


class Alias(Limit):
    async def check(self, action):
        return CheckResult(name="other", result="passed")


class Gruff(Limit):
    async def check(self, action):
        return self.answer("failed")


class Counting(Limit):
    async def check(self, action):
        before = self.held.setdefault(action.target.ticker, "")
        self.held[action.target.ticker] = "seen"
        return self.answer("failed", "seen") if before else self.answer("passed")


class Clinging(Limit):
    async def withdraw(self, action):
        pass


def given(hook, record):
    """A base class whose plugins are one that gives this record."""
    module = ModuleType("faulty")
    setattr(module, hook, hookimpl(lambda: [record]))

    @pytest.fixture
    def plugins(self):
        return PluginManager.load(Selection(), [Candidate("faulty", "maf-faulty", "1", module=module)])

    return type("Given", (), {"plugins": plugins, "name": record.name})


WORKERS = {
    Handler: "",
    Pretender: "w01",
    Multiplying: "w02 w05",
    Once: "w02 w04 w05",
    Deaf: "w03 w04 w05",
    Jealous: "w04",
    Careless: "w05",
}
ROUTERS = {
    Router: "",
    Blocking: "o01",
    Repeating: "o02",
    Forgetful: "o02 o03",
    Merging: "o03 o04",
    Anonymous: "o03",
    Proud: "o04",
}
CHECKS = {Limit: "", Plain: "k01", Verdict: "k02 k03", Alias: "k02", Gruff: "k03", Counting: "k04", Clinging: "k05"}
REFRESHERS = {Handler: "", Keeping: "", Greedy: "r01", Immortal: "r02", Lingering: "r02"}
PUBLISHERS = {Router: "", Repeating: "o02"}
ALL = [
    (WorkerConformance, "maf_workers", WorkerSpec, {}, WORKERS),
    (RefresherConformance, "maf_refreshers", RefresherSpec, {}, REFRESHERS),
    (RouterConformance, "maf_outbox_routers", RouterSpec, {"target_key": "pr_id"}, ROUTERS),
    (PublisherConformance, "maf_envelope_publishers", PublisherSpec, {"arena": "panel"}, PUBLISHERS),
    (RiskCheckConformance, "maf_risk_checks", RiskCheckSpec, {}, CHECKS),
]
for base, hook, record, more, faults in ALL:
    for kind, breaks in faults.items():
        bases = (given(hook, record(name="limit", factory=kind, **more)), base)
        name = f"Test{base.__name__}Of{kind.__name__}"
        globals()[name] = type(
            name, bases, {"breaks": breaks, "stops_within_s": 0.3 if kind in (Deaf, Multiplying) else 5.0}
        )
