"""One call of a model that failed: what it means (`faults.py`), and what it may have cost."""

from __future__ import annotations

from collections.abc import Iterable

from maf_core.errors import MAFError
from maf_core.llm.faults import SOON_S, Fault, classify, without_secrets

_TRIES = 3
_PAUSE_SECONDS = 0.25


class CallError(Exception):
    """A call failed. `began`: the model may have begun to answer. `cut`: its answer was too long.

    `recorded`: that was in an earlier life of this run.
    """

    def __init__(self, fault: Fault, *, began: bool = True, cut: bool = False, recorded: bool = False) -> None:
        super().__init__(fault.sentence)
        self.fault = fault
        self.began = began
        self.cut = cut
        self.recorded = recorded

    def pause(self, tries: int) -> float | None:
        """Seconds to wait before asking again after so many tries; None when it is enough."""
        if self.fault.action != "retry" or tries >= _TRIES:
            return None
        if self.cut:
            return 0.0
        return _PAUSE_SECONDS * 2 ** (tries - 1) if self.fault.after_s is None else self.fault.after_s


def broken(sentence: str) -> CallError:
    """The answer cannot be used, but the next one may be fine."""
    return CallError(Fault("retry", sentence, SOON_S))


def too_long(sentence: str) -> CallError:
    """The answer does not fit into what it may take."""
    return CallError(Fault("retry", sentence), cut=True)


def call_error(error: Exception, secrets: Iterable[str]) -> CallError:
    """What an exception of a model's client means."""
    if isinstance(error, CallError):
        return error
    if not _meant(error):
        said = without_secrets(f"{type(error).__name__}: {error}", secrets)
        return broken(f"The server's answer cannot be read: {said}")
    return CallError(classify(error, secrets), began=_began(error))


def _meant(error: Exception) -> bool:
    """Whether the client raised it on purpose; else it met an answer that its author never thought of."""
    from pydantic_ai.exceptions import AgentRunError, UnexpectedModelBehavior, UserError

    unreadable = isinstance(error, UnexpectedModelBehavior)
    return isinstance(error, AgentRunError | UserError | MAFError | ImportError | TimeoutError) and not unreadable


def _began(error: Exception) -> bool:
    """Whether the model may have begun to answer: then somebody may send a bill."""
    from pydantic_ai.exceptions import ModelAPIError, ModelConnectionError, ModelHTTPError

    if isinstance(error, ModelHTTPError):
        return error.in_stream
    if isinstance(error, ModelConnectionError):
        return error.phase not in ("connect", "pool")
    return isinstance(error, ModelAPIError | TimeoutError)
