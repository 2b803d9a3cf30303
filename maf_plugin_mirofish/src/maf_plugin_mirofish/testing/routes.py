"""The routes of the stand-in: which function answers, and what the body may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from maf_plugin_mirofish.testing import graph_routes, report_routes, run_routes, simulation_routes
from maf_plugin_mirofish.testing.answers import Reply, plain
from maf_plugin_mirofish.testing.asked import Asked
from maf_plugin_mirofish.testing.world import World

Handler = Callable[[World, Asked], Reply]
Keys = Mapping[str, tuple[type, ...]]


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may hold one `*`. `keys`: of the JSON body or the form, by name; what else a client sends is a mistake."""

    method: str
    path: str
    handler: Handler
    keys: Keys = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`POST /api/graph/build`."""
        return f"{self.method} {self.path}"


def _health(world: World, asked: Asked) -> Reply:  # noqa: ARG001
    return plain({"status": "ok", "service": "MiroFish Backend"})


_TEXT, _BOOL, _INT, _LIST, _NUMBER = ((str,), (bool,), (int,), (list,), (int, float))
_G, _S, _R = "/api/graph", "/api/simulation", "/api/report"
_FORM: Keys = dict.fromkeys(("simulation_requirement", "project_name", "additional_context"), _TEXT)
_BUILD: Keys = {"project_id": _TEXT, "graph_name": _TEXT, "chunk_size": _INT, "chunk_overlap": _INT, "force": _BOOL}
_CREATE: Keys = {"project_id": _TEXT, "graph_id": _TEXT, "enable_twitter": _BOOL, "enable_reddit": _BOOL}
_PREPARE: Keys = {
    "simulation_id": _TEXT,
    "entity_types": _LIST,
    "use_llm_for_profiles": _BOOL,
    "parallel_profile_count": _INT,
    "force_regenerate": _BOOL,
}
_START: Keys = {
    "simulation_id": _TEXT,
    "platform": _TEXT,
    "max_rounds": _INT,
    "enable_graph_memory_update": _BOOL,
    "force": _BOOL,
}
_IDS: Keys = {"simulation_id": _TEXT, "task_id": _TEXT}
_BATCH: Keys = {"simulation_id": _TEXT, "interviews": _LIST, "platform": _TEXT, "timeout": _NUMBER}
_HISTORY: Keys = {"simulation_id": _TEXT, "platform": _TEXT, "agent_id": _INT, "limit": _INT}

ROUTES = (
    Route("GET", "/health", _health),
    Route("GET", f"{_G}/project/list", graph_routes.list_projects),
    Route("GET", f"{_G}/project/*", graph_routes.get_project),
    Route("DELETE", f"{_G}/project/*", graph_routes.delete_project),
    Route("POST", f"{_G}/ontology/generate", graph_routes.generate_ontology, _FORM),
    Route("POST", f"{_G}/build", graph_routes.build, _BUILD),
    Route("GET", f"{_G}/task/*", graph_routes.get_task),
    Route("GET", f"{_G}/tasks", graph_routes.list_tasks),
    Route("POST", f"{_S}/create", simulation_routes.create, _CREATE),
    Route("POST", f"{_S}/prepare", simulation_routes.prepare, _PREPARE),
    Route("POST", f"{_S}/prepare/status", simulation_routes.prepare_status, _IDS),
    Route("GET", f"{_S}/list", simulation_routes.list_simulations),
    Route("GET", f"{_S}/*/config", simulation_routes.get_config),
    Route("GET", f"{_S}/*/run-status", run_routes.run_status),
    Route("POST", f"{_S}/start", run_routes.start, _START),
    Route("POST", f"{_S}/stop", run_routes.stop, {"simulation_id": _TEXT}),
    Route("POST", f"{_S}/env-status", run_routes.env_status, {"simulation_id": _TEXT}),
    Route("POST", f"{_S}/close-env", run_routes.close_env, {"simulation_id": _TEXT, "timeout": _NUMBER}),
    Route("POST", f"{_S}/interview/batch", run_routes.interview_batch, _BATCH),
    Route("POST", f"{_S}/interview/history", run_routes.interview_history, _HISTORY),
    Route("GET", f"{_S}/*", simulation_routes.get_simulation),
    Route("POST", f"{_R}/generate", report_routes.generate, {"simulation_id": _TEXT, "force_regenerate": _BOOL}),
    Route("POST", f"{_R}/generate/status", report_routes.generate_status, _IDS),
    Route("GET", f"{_R}/check/*", report_routes.check),
    Route("GET", f"{_R}/by-simulation/*", report_routes.by_simulation),
    Route("POST", f"{_R}/chat", report_routes.chat, {"simulation_id": _TEXT, "message": _TEXT, "chat_history": _LIST}),
    Route("GET", f"{_R}/*", report_routes.get_report),
)


def find(method: str, path: str) -> tuple[Route | None, str, bool]:
    """The route, the name in the path, and whether the path is known at all."""
    known = False
    for route in ROUTES:
        match = re.fullmatch(re.escape(route.path).replace(r"\*", "([^/]+)"), path)
        if match and route.method == method:
            return route, match[1] if match.groups() else "", True
        known = known or bool(match)
    return None, "", known
