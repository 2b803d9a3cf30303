"""What a failed call means, for every way in which a real server fails."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_ai import Agent, UsageLimits
from pydantic_ai.exceptions import UsageLimitExceeded

from maf_core.errors import BudgetExceededError, LLMError
from maf_core.llm.faults import LATER_S, SOON_S, classify, without_secrets
from maf_core.llm.providers import Providers
from maf_core.plugins import PluginManager, Selection
from maf_core.settings import LLMSettings
from maf_core.testing.ollama import Fault, Reply

SECRET = "0123456789abcdef.sesame"


class Opinion(BaseModel):
    """What is asked for."""

    side: str


@pytest.fixture
async def failure(ollama):
    """Ask the stand-in once; the exception that comes of it."""
    settings = LLMSettings.model_validate({"providers": {"ollama": {"base_url": ollama.url}}})
    providers = Providers(settings, PluginManager.load(Selection(), []))

    async def ask(rule, **settings) -> Exception:
        ollama.rules["*"] = rule
        agent = Agent(providers.get("ollama").model("qwen3:8b"), output_type=Opinion)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is the question
            await agent.run("hello", model_settings=settings)
        return caught.value

    yield ask
    await providers.aclose()


@pytest.mark.parametrize(
    ("rule", "action", "rest_s", "words"),
    [
        (Fault.bad_request(), "next_model", 0, "does not understand the question (400): invalid options: num_ctx"),
        (Fault.unauthorized(), "next_model", LATER_S, "OLLAMA_API_KEY"),
        (Fault.subscription(), "next_model", LATER_S, "refuses this model (403): this model requires a subscription"),
        (Fault.not_found("x"), "next_model", LATER_S, "refuses this model (404): model 'x' not found"),
        (Fault(410, "gone"), "next_model", LATER_S, "refuses this model (410): gone"),
        (Fault.usage_limit(), "next_model", LATER_S, "used up its share (429): you (stand-in) have reached"),
        (Fault(429, "too many requests"), "retry", SOON_S, "failed (429): too many requests"),
        (Fault.server_error(), "retry", SOON_S, "failed (500): Internal Server Error (ref: "),
        (Fault.html(), "retry", SOON_S, "failed (502): a web page, not an answer of a model"),
        (Fault.busy(), "retry", SOON_S, "failed (503): server busy, please try again. maximum pending"),
        (Fault(529, "overloaded"), "retry", SOON_S, "failed (529): overloaded"),
        (Reply(cut_after=0), "retry", SOON_S, "connection broke"),
        (Reply(malformed=True), "retry", 0, "cannot be read"),
        (Reply("I would buy."), "next_model", 0, "do not fit what was asked for"),
    ],
)
async def test_a_failure_has_a_meaning_and_a_sentence(failure, rule, action, rest_s, words):
    fault = classify(await failure(rule))
    assert (fault.action, fault.rest_s) == (action, rest_s)
    assert words in fault.sentence


async def test_slow_is_for_the_next_model(failure):
    fault = classify(await failure(Reply(delay_s=30), timeout=0.05))
    assert (fault.action, fault.sentence) == ("next_model", "The model did not answer in time.")


async def test_too_short_a_limit_says_which_setting(failure):
    assert "llm.max_output_tokens" in classify(await failure(None, max_tokens=1)).sentence


async def test_nobody_there_is_for_the_next_model(failure, ollama):
    ollama.stop()
    fault = classify(await failure(None))
    assert (fault.action, fault.rest_s) == ("next_model", SOON_S)
    assert "is the server running?" in fault.sentence


async def test_the_server_says_how_long_to_wait(failure):
    busy = Fault(503, "busy", headers={"retry-after": "7"})
    assert classify(await failure(busy)).after_s == 7


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_what_a_server_echoes_is_no_secret_in_the_sentence(failure, status):
    echo = f"bad key {SECRET}, header Bearer {SECRET}, or sk-abcdefgh12345678"
    error = await failure(Fault(status, echo))
    sentence = classify(error, [SECRET]).sentence
    assert SECRET not in sentence
    assert "sk-abcdefgh" not in sentence


@pytest.mark.parametrize("error", [BudgetExceededError("It is spent."), UsageLimitExceeded("It is spent.")])
def test_what_is_spent_is_spent_for_every_model(error):
    assert classify(error).action == "give_up"
    assert classify(error).sentence.startswith("It is spent.")


def test_a_model_that_cannot_even_be_made_is_for_the_next():
    fault = classify(LLMError("Run: pip install 'maf[llm]'"))
    assert (fault.action, fault.sentence) == ("next_model", "Run: pip install 'maf[llm]'")


def test_our_own_mistakes_are_not_blamed_on_a_model():
    assert classify(ZeroDivisionError("division by zero")).action == "give_up"


async def test_limits_of_a_run_end_it(failure, ollama):
    agent = Agent("test", output_type=Opinion)
    with pytest.raises(UsageLimitExceeded) as caught:
        await agent.run("hello", usage_limits=UsageLimits(request_limit=0))
    assert classify(caught.value).action == "give_up"


@given(st.text(), st.text(string.ascii_letters + string.digits + "-_.", min_size=8), st.text())
def test_no_secret_survives_wherever_it_stands(before, secret, after):
    shown = without_secrets(f"{before}{secret}{after}", [secret])
    assert "\n" not in shown
    assert len(shown) <= 240
    assert secret not in shown.replace("***", "") or secret in before + after
