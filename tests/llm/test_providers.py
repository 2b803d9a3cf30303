"""Where models answer: addresses, keys, catalogues, and what is sent to whom."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import UserError

from maf_core import LLMProviderSpec
from maf_core.errors import ConfigError, LLMError, PluginError, UnknownNameError
from maf_core.llm.base import LLMProvider, ModelInfo
from maf_core.llm.catalogue import Catalogue
from maf_core.llm.providers import Providers, split_model
from maf_core.llm.providers.ollama import ollama_address
from maf_core.plugins import PluginManager, Selection
from maf_core.settings import LLMSettings, load_settings
from maf_core.testing.http import listening
from maf_core.testing.ollama import Fault, OllamaServer, StandInModel

SECRET = "sk-a.secret-that-nobody-sees"


class Opinion(BaseModel):
    """What is asked for."""

    side: str
    confidence: float = Field(ge=0, le=1)


@pytest.fixture(scope="module")
def plugins() -> PluginManager:
    return PluginManager.load(Selection(), [])


@pytest.fixture
def providers_of(plugins):
    """Providers after these settings; closed when the context ends."""

    @asynccontextmanager
    async def make(manager: PluginManager = plugins, **providers):
        made = Providers(LLMSettings.model_validate({"providers": providers}), manager)
        try:
            yield made
        finally:
            await made.aclose()

    return make


async def ask(provider: LLMProvider, model: str, output=Opinion, **settings):
    agent = Agent(provider.model(model), output_type=output)
    return (await agent.run("What do you think of AAPL?", model_settings=settings)).output


class TestAddresses:
    @pytest.mark.parametrize(
        ("given", "address"),
        [
            ("http://box:1234", "http://box:1234"),
            ("http://box:1234/v1", "http://box:1234"),
            ("http://box:1234/v1/", "http://box:1234"),
            ("http://box:1234/api", "http://box:1234"),
            ("https://box/ollama/v1", "https://box/ollama"),
            ("https://box", "https://box"),
            ("box", "http://box:11434"),
            ("box:80", "http://box:80"),
            (":8080", "http://localhost:8080"),
            ("0.0.0.0", "http://localhost:11434"),
            ("0.0.0.0:1", "http://localhost:1"),
            ("[::]:1", "http://localhost:1"),
            ("[::1]:1", "http://[::1]:1"),
            (" box ", "http://box:11434"),
            ("http://me:pass@box:1", "http://box:1"),
            ("", None),
        ],
    )
    def test_ollamas_own_variable(self, given, address):
        assert ollama_address({"OLLAMA_HOST": given}) == address

    def test_the_address_of_clients_wins_over_what_the_daemon_listens_on(self):
        both = {"OLLAMA_HOST": "0.0.0.0", "OLLAMA_BASE_URL": "http://box/v1"}
        assert ollama_address(both) == "http://box"

    @given(st.text(max_size=30))
    def test_any_text_is_an_address_or_a_sentence(self, given):
        with contextlib.suppress(LLMError):
            address = ollama_address({"OLLAMA_HOST": given})
            assert address is None or "://" in address

    @pytest.mark.parametrize(
        ("environment", "own", "address"),
        [
            ({}, {}, "http://localhost:11434"),
            ({"OLLAMA_API_KEY": SECRET}, {}, "https://ollama.com"),
            ({"OLLAMA_API_KEY": SECRET, "OLLAMA_HOST": "box"}, {}, "http://box:11434"),
            ({"OLLAMA_HOST": "box"}, {"base_url": "http://file:1/v1"}, "http://file:1"),
            ({}, {"api_key": SECRET}, "https://ollama.com"),
        ],
    )
    async def test_where_ollama_is(self, providers_of, monkeypatch, environment, own, address):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        async with providers_of(ollama=own) as providers:
            assert providers.get("ollama").address == address

    @pytest.mark.parametrize(
        "address", ["box:8000", "ftp://box", "http://", "http://me:hush@box", "http://box:port", "http://[box"]
    )
    def test_an_address_in_the_file_is_checked_and_not_shown(self, tmp_path, address):
        (tmp_path / "maf.yaml").write_text(f"llm: {{providers: {{lab: {{base_url: '{address}'}}}}}}")
        with pytest.raises(ConfigError, match=r"llm\.providers\.lab\.base_url: .*http://host:port") as caught:
            load_settings(tmp_path)
        assert "hush" not in str(caught.value)


class TestRegistry:
    def test_a_name_may_have_colons(self):
        assert split_model("ollama:gpt-oss:120b") == ("ollama", "gpt-oss:120b")

    async def test_one_kind_may_have_many_addresses(self, providers_of):
        lab = {"kind": "ollama", "base_url": "http://lab:1"}
        home = {"kind": "ollama", "base_url": "http://home:1"}
        async with providers_of(lab=lab, home=home) as providers:
            assert providers.get("lab").address == "http://lab:1"
            assert providers.get("home").address == "http://home:1"
            assert [provider.name for provider in providers.ready] == ["lab", "home"]

    async def test_without_settings_it_is_ollama(self, providers_of):
        async with providers_of() as providers:
            assert [provider.name for provider in providers.ready] == ["ollama"]

    async def test_openai_is_ready_with_a_key(self, providers_of, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        async with providers_of() as providers:
            assert [provider.name for provider in providers.ready] == ["ollama", "openai"]

    async def test_a_plugins_provider(self, providers_of, load):
        class Mine(LLMProvider):
            name = "mine"

            def model(self, name):
                from pydantic_ai.models.test import TestModel

                return TestModel(custom_output_args={"side": name, "confidence": 1})

            async def catalogue(self):
                return [ModelInfo(self.name, "best")]

        manager = load(LLMProviderSpec(name="mine", factory=Mine))
        async with providers_of(manager, other={"kind": "mine"}) as providers:
            assert (await ask(providers.get("mine"), "best")).side == "best"
            assert (await providers.get("other").catalogue())[0].provider == "other"

    async def test_one_that_cannot_be_made_does_not_keep_the_others_from_being_asked(self, providers_of, load):
        manager = load(LLMProviderSpec(name="broken", factory="no_such_package.llm:Broken"))
        async with providers_of(manager) as providers:
            assert [provider.name for provider in providers.ready] == ["ollama"]
            with pytest.raises(PluginError, match="no_such_package"):
                providers.get("broken")

    async def test_a_catalogue_that_raises_is_a_listing_with_a_problem(self, providers_of, load):
        class Broken(LLMProvider):
            name = "broken"

            def model(self, name):
                raise NotImplementedError

            async def catalogue(self):
                raise ZeroDivisionError(self.secrets[0])

        manager = load(LLMProviderSpec(name="broken", factory=Broken))
        async with providers_of(manager, broken={"api_key": SECRET}) as providers:
            listing = await Catalogue().of(providers.get("broken"))
        assert listing.problem == "The provider broken failed: ZeroDivisionError: ***"

    @pytest.mark.parametrize("name", ["olama", "gpt-oss", "", "no/such"])
    async def test_an_unknown_provider_names_those_there_are(self, providers_of, name):
        async with providers_of() as providers:
            assert not providers.has(name)
            with pytest.raises(UnknownNameError, match=r"Known: .*ollama, openai, and those of pydantic-ai"):
                providers.get(name)

    async def test_the_nearest_name_is_suggested(self, providers_of):
        async with providers_of() as providers:
            with pytest.raises(UnknownNameError, match="Did you mean 'ollama'"):
                providers.get("olama")

    def test_without_the_extra_it_is_the_command_to_type(self):
        code = (
            "import sys; sys.modules['pydantic_ai'] = None\n"
            "from maf_core.llm.providers import Providers\n"
            "from maf_core.plugins import PluginManager, Selection\n"
            "from maf_core.settings import LLMSettings\n"
            "providers = Providers(LLMSettings(), PluginManager.load(Selection(), []))\n"
            "for ask in (lambda: providers.get('ollama').model('x'), lambda: providers.get('openai').model('x'),\n"
            "            lambda: providers.get('anthropic')):\n"
            "    try: ask()\n"
            "    except Exception as error: print(type(error).__name__, error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        said = "LLMError Models need packages that are not installed. Run: pip install 'maf[llm]'"
        assert done.stdout.splitlines() == [said] * 3


class TestOllama:
    async def test_a_model_answers(self, providers_of, ollama):
        ollama.rules["qwen3:8b"] = {"side": "BUY", "confidence": 0.7}
        async with providers_of(ollama={"base_url": ollama.url}) as providers:
            assert await ask(providers.get("ollama"), "qwen3:8b") == Opinion(side="BUY", confidence=0.7)

    async def test_the_limit_goes_out_under_the_name_that_ollama_reads(self, providers_of, ollama):
        async with providers_of(ollama={"base_url": ollama.url}) as providers:
            for model in ("qwen3:8b", "gpt-oss:120b-cloud"):
                await ask(providers.get("ollama"), model, max_tokens=123)
        assert [call.body["max_tokens"] for call in ollama.calls] == [123, 123]
        assert not [call for call in ollama.calls if "max_completion_tokens" in call.body]

    async def test_a_local_model_is_held_to_the_schema(self, providers_of, ollama):
        ollama.rules["qwen3:8b"] = "I would buy."
        async with providers_of(ollama={"base_url": ollama.url}) as providers:
            provider = providers.get("ollama")
            assert provider.enforces_schemas("qwen3:8b")
            assert await ask(provider, "qwen3:8b", NativeOutput(Opinion))

    @pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "glm-5.2:cloud", "x:1b:cloud", "gpt-oss:20b"])
    async def test_the_cloud_is_not_and_neither_is_gpt_oss(self, providers_of, model):
        with OllamaServer(models=[model]) as server:
            async with providers_of(ollama={"base_url": server.url}) as providers:
                assert not providers.get("ollama").enforces_schemas(model)
                with pytest.raises(UserError, match="Native structured output is not supported"):
                    await ask(providers.get("ollama"), model, NativeOutput(Opinion))
                assert await ask(providers.get("ollama"), model)

    @pytest.mark.parametrize("address", ["https://ollama.com", "https://eu.ollama.com/v1"])
    async def test_nothing_at_ollama_com_is(self, providers_of, address):
        async with providers_of(ollama={"base_url": address}) as providers:
            assert not providers.get("ollama").enforces_schemas("qwen3:8b")

    @pytest.mark.parametrize("said", [True, False])
    async def test_the_settings_know_better(self, providers_of, said):
        async with providers_of(ollama={"enforces_schemas": said}) as providers:
            assert providers.get("ollama").enforces_schemas("gpt-oss:20b") is said
            assert providers.get("ollama").enforces_schemas("qwen3:8b") is said

    async def test_nobody_but_us_asks_again(self, providers_of, ollama):
        ollama.rules["*"] = Fault.busy()
        async with providers_of(ollama={"base_url": ollama.url}) as providers:
            with pytest.raises(Exception, match="server busy"):
                await ask(providers.get("ollama"), "qwen3:8b")
        assert len(ollama.calls) == 1

    async def test_the_catalogue(self, providers_of):
        models = [StandInModel("a:1b"), StandInModel("b:1b-cloud", remote=True)]
        with OllamaServer(models=models) as server:
            async with providers_of(box={"kind": "ollama", "base_url": f"{server.url}/v1"}) as providers:
                offered = await providers.get("box").catalogue()
        assert [(model.provider, model.name) for model in offered] == [("box", "a:1b"), ("box", "b:1b-cloud")]

    @pytest.mark.parametrize(
        ("path", "kind"), [("/api/tags", "ollama"), ("/models", "openai")], ids=["ollama", "openai"]
    )
    @pytest.mark.parametrize(
        ("row", "found"),
        [
            ({"name": "a", "id": "a"}, ModelInfo("lab", "a")),
            ({"name": "a", "id": "a", "details": None, "capabilities": None, "pricing": None}, ModelInfo("lab", "a")),
            (
                {"name": "a", "id": "a", "details": [], "pricing": {"prompt": "-1", "completion": {}}},
                ModelInfo("lab", "a"),
            ),
            ({"name": 7, "id": 7}, None),
            ({}, None),
            ("a", None),
            (None, None),
        ],
    )
    async def test_odd_rows_are_read_leniently(self, providers_of, path, kind, row, found):
        async def handle(request, connection):
            assert request.path.endswith(path)
            await connection.send(200, json.dumps({"models": [row], "data": [row]}).encode())

        async with (
            listening(handle, "127.0.0.1", 0) as (host, port),
            providers_of(lab={"kind": kind, "base_url": f"http://{host}:{port}"}) as providers,
        ):
            assert await providers.get("lab").catalogue() == ([found] if found else [])

    async def test_prices_and_lengths_are_read_where_a_server_tells_them(self, providers_of):
        row = {"id": "a", "context_length": 131072, "pricing": {"prompt": "0.00000015", "completion": "0.0000006"}}

        async def handle(_, connection):
            await connection.send(200, json.dumps({"data": [row]}).encode())

        async with (
            listening(handle, "127.0.0.1", 0) as (host, port),
            providers_of(lab={"kind": "openai", "base_url": f"http://{host}:{port}"}) as providers,
        ):
            [model] = await providers.get("lab").catalogue()
        assert (model.context_length, model.usd_in, model.usd_out) == (131072, pytest.approx(0.15), pytest.approx(0.6))

    async def test_nobody_there_is_a_sentence_with_what_to_do(self, providers_of):
        async with providers_of(ollama={"base_url": "http://127.0.0.1:1"}) as providers:
            with pytest.raises(LLMError, match=r"Nobody answers at http://127\.0\.0\.1:1/api/tags\. .*ollama serve"):
                await providers.get("ollama").catalogue()

    async def test_somebody_else_is_a_sentence_too(self, providers_of, ollama):
        async with providers_of(ollama={"base_url": f"{ollama.url}/elsewhere"}) as providers:
            with pytest.raises(LLMError, match="answered 404"):
                await providers.get("ollama").catalogue()


class TestKeys:
    """Who gets to see which key: the stand-in answers 401 to all but its own."""

    @pytest.fixture
    def cloud(self):
        with OllamaServer(cloud=True, api_key=SECRET) as server:
            yield server

    async def test_the_key_of_the_settings_goes_to_the_address_of_the_settings(self, providers_of, cloud):
        async with providers_of(ollama={"base_url": cloud.url, "api_key": SECRET}) as providers:
            assert await ask(providers.get("ollama"), "gpt-oss:120b")

    async def test_the_environments_key_goes_to_the_environments_address(self, providers_of, cloud, monkeypatch):
        monkeypatch.setenv("OLLAMA_HOST", cloud.url)
        monkeypatch.setenv("OLLAMA_API_KEY", SECRET)
        async with providers_of() as providers:
            assert await ask(providers.get("ollama"), "gpt-oss:120b")

    @pytest.mark.parametrize("kind", ["ollama", "openai"])
    async def test_the_environments_key_goes_to_no_address_of_a_file(self, providers_of, cloud, monkeypatch, kind):
        monkeypatch.setenv("OLLAMA_API_KEY", SECRET)
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        async with providers_of(lab={"kind": kind, "base_url": cloud.url}) as providers:
            with pytest.raises(Exception, match="401") as caught:
                await ask(providers.get("lab"), "gpt-oss:120b")
        assert SECRET not in str(caught.value)

    async def test_no_key_is_ever_shown(self, providers_of, cloud):
        async with providers_of(lab={"kind": "openai", "base_url": cloud.url, "api_key": SECRET}) as providers:
            provider = providers.get("lab")
            assert provider.secrets == (SECRET,)
            shown = [repr(provider), repr(provider.settings), str(provider.own), provider.own.model_dump_json()]
        assert [text for text in shown if SECRET in text] == []


class TestOpenAI:
    async def test_whatever_speaks_like_it(self, providers_of, ollama):
        ollama.rules["qwen3:8b"] = {"side": "BUY", "confidence": 0.7}
        async with providers_of(lab={"kind": "openai", "base_url": ollama.url}) as providers:
            assert (await ask(providers.get("lab"), "qwen3:8b", max_tokens=50)).side == "BUY"
            names = [model.name for model in await providers.get("lab").catalogue()]
        assert ollama.calls[0].body["max_tokens"] == 50
        assert names == list(ollama.models)

    @pytest.mark.parametrize("enforced", [True, False])
    async def test_whether_it_holds_models_to_schemas_is_for_the_settings_to_say(self, providers_of, ollama, enforced):
        own = {"kind": "openai", "base_url": ollama.url, "enforces_schemas": enforced}
        async with providers_of(lab=own) as providers:
            assert providers.get("lab").enforces_schemas("qwen3:8b") is enforced
            asked = ask(providers.get("lab"), "qwen3:8b", NativeOutput(Opinion))
            if enforced:
                assert await asked
            else:
                with pytest.raises(UserError):
                    await asked

    async def test_openai_itself_wants_a_key(self, providers_of):
        async with providers_of() as providers:
            assert providers.get("openai").address == "https://api.openai.com/v1"
            assert providers.get("openai").enforces_schemas("gpt-5")
            with pytest.raises(LLMError, match="set OPENAI_API_KEY"):
                providers.get("openai").model("gpt-5")

    async def test_an_address_without_models_is_a_sentence(self, providers_of, ollama):
        async with providers_of(lab={"kind": "openai", "base_url": f"{ollama.url}/else/where"}) as providers:
            with pytest.raises(LLMError, match=r"answered 404.*llm\.providers\.lab"):
                await providers.get("lab").catalogue()


class TestThoseThatPydanticAIKnows:
    async def test_a_missing_package_is_the_command_to_type(self, providers_of):
        async with providers_of() as providers:
            with pytest.raises(LLMError, match=r"Run: pip install 'pydantic-ai-slim\[anthropic\]'"):
                providers.get("anthropic").model("claude-fable-5-1")

    async def test_a_missing_key_says_which(self, providers_of, monkeypatch):
        monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
        async with providers_of() as providers:
            with pytest.raises(LLMError, match="DEEPSEEK_API_KEY"):
                providers.get("deepseek").model("deepseek-chat")

    async def test_address_and_key_of_the_settings_are_used(self, providers_of):
        with OllamaServer(cloud=True, api_key=SECRET) as server:
            own = {"kind": "openai-chat", "base_url": f"{server.url}/v1", "api_key": SECRET}
            async with providers_of(lab=own) as providers:
                assert await ask(providers.get("lab"), "gpt-oss:120b")

    async def test_what_it_does_not_take_is_said(self, providers_of):
        async with providers_of(deepseek={"base_url": "http://box", "api_key": SECRET}) as providers:
            with pytest.raises(LLMError, match=r"deepseek takes no base_url; leave it out of llm\.providers\.deepseek"):
                providers.get("deepseek").model("deepseek-chat")

    async def test_it_is_asked_by_name_only(self, providers_of):
        async with providers_of() as providers:
            assert not providers.get("deepseek").ready
            with pytest.raises(LLMError, match="name one as deepseek:NAME"):
                await providers.get("deepseek").catalogue()
