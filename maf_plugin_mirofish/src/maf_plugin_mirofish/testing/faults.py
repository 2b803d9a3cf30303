"""What can be wrong with an answer, whatever was asked."""

from __future__ import annotations

from dataclasses import dataclass

from maf_plugin_mirofish.testing.answers import Reply, crashed, html, ok, refused


@dataclass(frozen=True, slots=True)
class Fault:
    """Sent in place of the answer. `after`: what was asked for is done all the same. Nothing in `reply`: a reset.

    `delay_s`: how long it takes. `restart`: MiroFish is restarted just before.
    """

    reply: Reply | None = None
    after: bool = False
    delay_s: float = 0.0
    restart: bool = False
    answers: bool = False

    @classmethod
    def html(cls, status: int = 500) -> Fault:
        """Flask's own page."""
        return cls(html(status))

    @classmethod
    def traceback(cls) -> Fault:
        """An unexpected error."""
        return cls(crashed())

    @classmethod
    def refused(cls, status: int = 200) -> Fault:
        """`success: false`, by default with 200."""
        return cls(refused(status))

    @classmethod
    def hang(cls, seconds: float = 60.0, *, after: bool = True) -> Fault:
        """No answer for long, while the work goes on."""
        return cls(delay_s=seconds, after=after)

    @classmethod
    def reset(cls, *, after: bool = False) -> Fault:
        """The connection breaks off."""
        return cls(after=after)

    @classmethod
    def wrong_types(cls) -> Fault:
        """Success, with data of another shape."""
        return cls(ok([{"status": 7, "project_id": [], "simulation_id": None, "task_id": {}}]))

    @classmethod
    def garbage(cls) -> Fault:
        """Half a JSON text, called JSON."""
        return cls(Reply(200, b'{"success": true, "data": {"task_id": "'))

    @classmethod
    def huge(cls, size: int = 20_000_000) -> Fault:
        """A very long answer."""
        return cls(Reply(200, b'{"success": true, "data": "' + b"x" * size + b'"}'))

    @classmethod
    def restarted(cls) -> Fault:
        """MiroFish was restarted meanwhile; the answer itself is as it should be."""
        return cls(restart=True, answers=True)


class FaultPlan:
    """Which faults each route has still to show, in their order."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[Fault, int | None]]] = {}

    def add(self, route: str, fault: Fault, times: int | None) -> None:
        """Show a fault so many times; None: always."""
        self._waiting.setdefault(route, []).append((fault, times))

    def next(self, route: str) -> Fault | None:
        """The fault of this call; None when it goes well."""
        waiting = self._waiting.get(route, [])
        if not waiting:
            return None
        fault, times = waiting.pop(0)
        if times is None or times > 1:
            waiting.insert(0, (fault, None if times is None else times - 1))
        return fault
