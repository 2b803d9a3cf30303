"""The stand-in itself: its routes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from maf_core.testing.http import Connection, Request
from maf_core.testing.ollama import models as catalogue
from maf_core.testing.ollama.answering import Answering, body_of
from maf_core.testing.ollama.calls import Call, Slots
from maf_core.testing.ollama.chat import BadRequestError
from maf_core.testing.ollama.models import StandInModel
from maf_core.testing.ollama.script import Fault, Rule, Script
from maf_core.testing.ollama.writing import refuse
from maf_core.testing.stand_in import StandIn

LOCAL_MODELS = ("gpt-oss:20b", "gpt-oss:120b-cloud", "qwen3:8b")
CLOUD_MODELS = ("gpt-oss:120b", "gpt-oss:20b", "gemma4:31b", "glm-5.2", "qwen3.5:397b", "deepseek-v4-flash")
_VERSION = "0.31.2"


class OllamaServer(StandIn):
    """Ollama as far as a client sees it, on a real port.

        with OllamaServer({"gpt-oss:20b": {"side": "BUY"}}) as ollama:
            ...  # ask ollama.url
            assert len(ollama.calls) == 1

    `rules` choose the answers, see `Script`; they may be changed while it runs. `cloud`: it is the cloud itself, whose
    models have no suffix and fit no schema. `api_key`: what chats must bring. `concurrency`: how many questions are
    worked on at once; as many as `queue` wait, more are turned away with 503.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule] | None = None,
        *,
        models: Iterable[str | StandInModel] | None = None,
        cloud: bool = False,
        api_key: str | None = None,
        concurrency: int | None = None,
        queue: int = 512,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host, port)
        self.cloud = cloud
        self.models = catalogue.models_of(models or (CLOUD_MODELS if cloud else LOCAL_MODELS), cloud=cloud)
        self._script = Script(rules)
        self._slots = Slots(concurrency, queue)
        self._answering = Answering(self._script, self.models, api_key, self._slots)

    @property
    def rules(self) -> dict[str, Rule]:
        """What is answered, by model; `"*"` for all others."""
        return self._script.rules

    @property
    def calls(self) -> list[Call]:
        """All questions so far that were understood."""
        return list(self._answering.log.calls)

    @property
    def most_at_once(self) -> int:
        """The largest number of questions that were worked on at one time."""
        return self._slots.most

    @property
    def errors(self) -> list[Exception]:
        """What the rules themselves raised; the client saw a 500."""
        return self._answering.errors

    async def handle(self, request: Request, connection: Connection) -> None:
        """Answer one request, by its route."""
        route = _ROUTES.get(("GET" if request.method == "HEAD" else request.method, request.path))
        if route is None and request.path.startswith("/v1/models/"):
            route = OllamaServer._v1_model
        if route is None:
            await connection.send(404, b"404 page not found", "text/plain")
            return
        try:
            await route(self, request, connection)
        except BadRequestError as error:
            await refuse(connection, Fault.bad_request(str(error)), "native")

    async def _root(self, _: Request, connection: Connection) -> None:
        await connection.send(200, b"Ollama is running", "text/plain; charset=utf-8")

    async def _version(self, _: Request, connection: Connection) -> None:
        await _json(connection, {"version": _VERSION})

    async def _status(self, _: Request, connection: Connection) -> None:
        await _json(connection, {"cloud": {"disabled": False, "source": "none"}})

    async def _tags(self, _: Request, connection: Connection) -> None:
        await _json(connection, {"models": [catalogue.listed(one, cloud=self.cloud) for one in self.models.values()]})

    async def _ps(self, _: Request, connection: Connection) -> None:
        asked = {call.model for call in self.calls if call.status == 200}
        used = [one for one in self.models.values() if not one.remote and one.name in asked]
        await _json(connection, {"models": [catalogue.loaded(one) for one in used]})

    async def _show(self, request: Request, connection: Connection) -> None:
        body = body_of(request)
        name = str(body.get("model") or body.get("name"))
        model = catalogue.find(self.models, name)
        if model is None:
            await refuse(connection, Fault.not_found(name), "native")
        else:
            await _json(connection, catalogue.shown(model))

    async def _v1_models(self, _: Request, connection: Connection) -> None:
        await _json(connection, {"object": "list", "data": [_v1_row(name) for name in self.models]})

    async def _v1_model(self, request: Request, connection: Connection) -> None:
        name = request.path.removeprefix("/v1/models/")
        if catalogue.find(self.models, name) is None:
            await refuse(connection, Fault.not_found(name), "v1")
        else:
            await _json(connection, _v1_row(name))

    async def _calls(self, _: Request, connection: Connection) -> None:
        await _json(connection, {"calls": [asdict(call) for call in self.calls], "most_at_once": self.most_at_once})

    async def _forget(self, _: Request, connection: Connection) -> None:
        self._answering.log.calls.clear()
        await _json(connection, {})

    async def _native_chat(self, request: Request, connection: Connection) -> None:
        await self._answering.chat(request, connection, "native")

    async def _v1_chat(self, request: Request, connection: Connection) -> None:
        await self._answering.chat(request, connection, "v1")


def _v1_row(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_786_026_682, "owned_by": "library"}


async def _json(connection: Connection, data: Any) -> None:
    await connection.send(200, json.dumps(data).encode())


Route = Callable[[OllamaServer, Request, Connection], Awaitable[None]]
_ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/"): OllamaServer._root,
    ("GET", "/api/version"): OllamaServer._version,
    ("GET", "/api/status"): OllamaServer._status,
    ("GET", "/api/tags"): OllamaServer._tags,
    ("GET", "/api/ps"): OllamaServer._ps,
    ("POST", "/api/show"): OllamaServer._show,
    ("POST", "/api/chat"): OllamaServer._native_chat,
    ("GET", "/v1/models"): OllamaServer._v1_models,
    ("POST", "/v1/chat/completions"): OllamaServer._v1_chat,
    ("GET", "/_calls"): OllamaServer._calls,
    ("DELETE", "/_calls"): OllamaServer._forget,
}
