"""What a failed call means: ask again, ask the next model, or give up. The name to use is `classify`.

    except Exception as error:
        fault = classify(error, secrets=provider.secrets)
        if fault.action == "next_model":
            picker.refused(choice, fault.sentence, fault.rest_s)

No exception of a client library gets past this module's caller: what it says becomes a sentence without secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from maf_core.errors import BudgetExceededError, MAFError

Action = Literal["retry", "next_model", "give_up"]

# How long a model is left alone: it may come back soon, or not before somebody does something about it.
SOON_S = 30.0
LATER_S = 600.0
_LONGEST = 240
_KEYS = re.compile(r"\b(sk-|gsk_|Bearer\s+|[?&]key=)[\w.\-]{6,}")
# Timeout, conflict, too early, too many: the same question may be answered a little later.
_PASSING = (408, 409, 425, 429)
_USED_UP = ("usage limit", "quota", "credits", "billing", "insufficient")


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do after a failed call, and why.

    `rest_s`: how long to leave the model alone, when it is the next model's turn; 0: only this question went wrong.
    `after_s`: how long to wait before asking again, when the server has said so.
    """

    action: Action
    sentence: str
    rest_s: float = 0.0
    after_s: float | None = None


def classify(error: BaseException, secrets: Iterable[str] = ()) -> Fault:
    """What to do after this exception of a call; `secrets` are cut out of what the server said."""
    from pydantic_ai import exceptions as ai

    said = _said(error, secrets)
    if isinstance(error, BudgetExceededError | ai.UsageLimitExceeded):
        return Fault("give_up", said)
    if isinstance(error, ai.ModelHTTPError):
        return _of_status(error.status_code, said, error.retry_after)
    if isinstance(error, ai.ModelTimeoutError | ai.ModelRequestTimeout | TimeoutError):
        return Fault("next_model", "The model did not answer in time.", SOON_S)
    if isinstance(error, ai.ModelConnectionError):
        return _of_connection(error.phase)
    if isinstance(error, ai.OutputTokenLimitExceeded):
        return Fault("next_model", "The answer is longer than llm.max_output_tokens allows.")
    if isinstance(error, ai.ModelAPIError):
        return Fault("retry", f"The server's answer cannot be read: {said}")
    if isinstance(error, ai.UnexpectedModelBehavior):
        return Fault("next_model", f"The model's answers do not fit what was asked for: {said}")
    if isinstance(error, MAFError | ai.UserError | ImportError):
        return Fault("next_model", said, LATER_S)
    return Fault("give_up", f"{type(error).__name__}: {said}")


def _of_status(status: int, said: str, after_s: float | None) -> Fault:
    match status:
        case 401 | 407:
            fix = "Is the provider's api_key right? For Ollama: set OLLAMA_API_KEY, or run `ollama signin`."
            return Fault("next_model", f"The server wants to know who asks ({status}). {fix}", LATER_S)
        case 402 | 403 | 404 | 410:
            return Fault("next_model", f"The server refuses this model ({status}): {said}", LATER_S)
        case 429 if any(word in said.lower() for word in _USED_UP):
            return Fault("next_model", f"The account has used up its share (429): {said}", LATER_S)
        case _ if status in _PASSING or status >= 500:
            return Fault("retry", f"The server failed ({status}): {said}", SOON_S, after_s)
    return Fault("next_model", f"The server does not understand the question ({status}): {said}")


def _of_connection(phase: str | None) -> Fault:
    if phase in ("connect", "pool"):
        return Fault("next_model", "Nobody answers at the provider's address; is the server running?", SOON_S)
    return Fault("retry", "The connection broke while the model was answering.", SOON_S)


def _said(error: BaseException, secrets: Iterable[str]) -> str:
    """The server's own words, or the exception's, on one short line."""
    refused = hasattr(error, "status_code") and _message(getattr(error, "body", None))
    return without_secrets(refused or getattr(error, "message", "") or str(error), secrets)


def _message(body: Any) -> str | None:
    """Ollama's `{"error": text}`, OpenAI's `{"error": {"message": text}}`, or plain text; an HTML page says nothing."""
    if isinstance(body, Mapping):
        inner = body.get("error", body.get("message"))
        return _message(inner) if isinstance(inner, Mapping) else inner and str(inner)
    text = str(body or "")
    return "a web page, not an answer of a model" if text.lstrip().startswith("<") else text


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """The text on one line, cut to a readable length, without the secrets and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    line = " ".join(_KEYS.sub(r"\1***", text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
