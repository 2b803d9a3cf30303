"""What MiroFish knows: files that survive a restart, tasks and processes that do not, and what is to go wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from maf_plugin_mirofish.testing.talk import Say, agree

Row = dict[str, Any]
_NEVER = float("inf")


@dataclass(slots=True)
class Task:
    """Background work: it ends by itself after `seconds`, and then does `effect`, unless MiroFish was restarted."""

    row: Row
    ends_at: float
    seconds: float
    effect: Callable[[], Row]
    fails: bool = False

    def shown(self) -> Row:
        """As its route shows it."""
        if self.row["status"] == "processing":
            gone = 1 - max(0.0, self.ends_at - time.monotonic()) / self.seconds if self.ends_at < _NEVER else 0.15
            self.row.update(progress=int(90 * gone), message=f"[1/4] 步骤: {int(90 * gone)}")
        return self.row


@dataclass(slots=True)
class Process:
    """The subprocess of a simulation, which stays alive after its end to answer questions."""

    started_at: float
    seconds: float
    rounds: int


@dataclass(slots=True)
class World:
    """`seconds`: how long things take. `troubles`: what goes wrong, and how many times (None: always)."""

    seconds: dict[str, float]
    agents: int = 8
    say: Say = agree
    projects: dict[str, Row] = field(default_factory=dict)
    simulations: dict[str, Row] = field(default_factory=dict)
    reports: dict[str, Row] = field(default_factory=dict)
    run_states: dict[str, Row] = field(default_factory=dict)
    interviews: dict[str, list[Row]] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    troubles: dict[str, int | None] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)

    def pay(self, what: str) -> None:
        """Count what costs money at a model."""
        self.paid[what] = self.paid.get(what, 0) + 1

    def troubled(self, name: str) -> bool:
        """Whether this is to go wrong now."""
        left = self.troubles.get(name, 0)
        if left:
            self.troubles[name] = left - 1
        return left is None or left > 0

    def begin(self, kind: str, seconds: float, effect: Callable[[], Row], **about: str) -> str:
        """Start a task; `build_stuck` and `build_failed` are the troubles of the kind `build`."""
        task_id = str(uuid4())
        row: Row = {"task_id": task_id, "task_type": kind, "status": "processing", "created_at": now()}
        row |= {"updated_at": now(), "progress": 0, "message": "", "progress_detail": {}, "result": None}
        row |= {"error": None, "metadata": about}
        stuck, fails = self.troubled(f"{kind}_stuck"), self.troubled(f"{kind}_failed")
        ends_at = _NEVER if stuck else time.monotonic() + seconds
        self.tasks[task_id] = Task(row, ends_at, max(seconds, 1e-9), effect, fails)
        return task_id

    def settle(self) -> None:
        """Let happen what has happened by now."""
        for task in self.tasks.values():
            if task.row["status"] == "processing" and time.monotonic() >= task.ends_at:
                _end(task)

    def restart(self) -> None:
        """Forget what was only in memory. What was at work never ends."""
        self.tasks.clear()
        self.processes.clear()


def _end(task: Task) -> None:
    if task.fails:
        task.row.update(status="failed", message="任务失败", error="Traceback …\nRuntimeError: out of luck")
    else:
        task.row.update(status="completed", message="任务完成", progress=100, result=task.effect())
    task.row["updated_at"] = now()


def now() -> str:
    """Local time, without a zone."""
    return datetime.now().isoformat()  # noqa: DTZ005 - as the real one does


def new_id(prefix: str, length: int = 12) -> str:
    """An id such as `sim_0123456789ab`."""
    return f"{prefix}_{uuid4().hex[:length]}"
