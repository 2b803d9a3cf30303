"""The stand-in itself: what it was asked, and what it is told to do wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from maf_core.testing.http import Connection, Request
from maf_core.testing.stand_in import StandIn
from maf_plugin_mirofish.testing.answers import Reply, crashed, html
from maf_plugin_mirofish.testing.asked import Asked, read
from maf_plugin_mirofish.testing.faults import Fault, FaultPlan
from maf_plugin_mirofish.testing.routes import Route, find
from maf_plugin_mirofish.testing.talk import Say
from maf_plugin_mirofish.testing.world import World

_QUICK = {"build": 0.02, "prepare": 0.02, "run": 0.03, "report": 0.02}


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was understood. `body`: the JSON object, or the form."""

    route: str
    name: str
    body: dict[str, Any]
    files: tuple[tuple[str, str], ...] = ()


class MiroFishServer(StandIn):
    """MiroFish as far as a client sees it.

        with MiroFishServer() as mirofish:
            mirofish.trouble("build_failed", times=1)
            mirofish.fail("POST /api/simulation/start", Fault.reset(after=True))
            ...  # ask mirofish.url

    `seconds`: how long build, prepare, run and report take. `strays`: what a client sent that the tables do not know.
    `paid`: how often each thing was done that costs calls of a model.
    """

    def __init__(self, seconds: dict[str, float] | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.world = World({**_QUICK, **(seconds or {})})
        self.calls: list[Call] = []
        self.strays: list[str] = []
        self._faults = FaultPlan()
        self._hooks: dict[str, Callable[[], None]] = {}

    @property
    def paid(self) -> dict[str, int]:
        """How often each thing was done that costs calls of a model."""
        return dict(self.world.paid)

    def says(self, say: Say) -> None:
        """What agents, and the author of the report, say from now on."""
        self.world.say = say

    def trouble(self, name: str, times: int | None = None) -> None:
        """Let something go wrong, so many times or always.

        build, prepare or report with `_failed` or `_stuck`; ontology_failed; no_entities; run_failed, run_stuck,
        run_endless, run_stopped; env_dead; interview_timeout.
        """
        self.world.troubles[name] = times

    def fail(self, route: str, fault: Fault, times: int | None = 1) -> None:
        """Answer a route, such as "GET /api/graph/task/*", with a fault, so many times or always."""
        self._faults.add(route, fault, times)

    def when(self, route: str, hook: Callable[[], None]) -> None:
        """Call the hook, in the thread of the stand-in, when the route has done its work and before it answers."""
        self._hooks[route] = hook

    def restart(self) -> None:
        """Forget tasks and processes, as the real one does when it is started anew; files stay."""
        self.world.restart()

    def asked(self, route: str) -> list[Call]:
        """The calls of a route so far."""
        return [call for call in list(self.calls) if call.route == route]

    async def handle(self, request: Request, connection: Connection) -> None:
        """Answer one request, by its route."""
        route, name, known = find(request.method, request.path)
        if route is None:
            await _send(connection, html(405 if known else 404))
        else:
            await self._answer(route, request, name, connection)

    async def _answer(self, route: Route, request: Request, name: str, connection: Connection) -> None:
        fault = self._faults.next(route.name)
        if fault is not None and fault.restart:
            self.restart()
        if fault is None or fault.after or fault.answers:
            reply = self._reply(route, request, name)
        if fault is not None and not fault.answers:
            await connection.wait(fault.delay_s)
            if fault.reply is None:
                connection.abort()
                return
            reply = fault.reply
        await _send(connection, reply)

    def _reply(self, route: Route, request: Request, name: str) -> Reply:
        kind = request.headers.get("content-type", "")
        if route.method == "POST" and not kind.startswith(("application/json", "multipart/form-data")):
            return html(415)
        try:
            asked = read(request, name)
        except (ValueError, TypeError):
            return html(400)
        self.calls.append(Call(route.name, name, asked.body or asked.form, asked.files))
        self.strays += _strays(route, asked)
        try:
            self.world.settle()
            reply = route.handler(self.world, asked)
        except Exception:  # noqa: BLE001 - whatever breaks in there is a 500
            return crashed(traceback=not route.path.endswith("/status"))
        if hook := self._hooks.get(route.name):
            hook()
        return reply


def _strays(route: Route, asked: Asked) -> Iterable[str]:
    for key, value in {**asked.body, **asked.form}.items():
        kinds = route.keys.get(key)
        if kinds is None or not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            yield f"{route.name}: {key}={value!r}"


async def _send(connection: Connection, reply: Reply) -> None:
    await connection.send(reply.status, reply.body, reply.kind)
