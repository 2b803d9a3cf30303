"""Which model is asked, and why: profiles against real catalogues, falls with their reasons, and rankings."""

from __future__ import annotations

import time

import pytest

from maf_core.errors import NoModelError, UnknownNameError
from maf_core.llm.base import ModelChoice
from maf_core.llm.faults import LATER_S
from maf_core.llm.picker import ModelPicker
from maf_core.llm.profiles import PROFILES, profile_of
from maf_core.llm.providers import Providers
from maf_core.llm.providers.ollama import OllamaModels
from maf_core.llm.rankings import ModelScores, Rankings, ScoresPart, UsagePart
from maf_core.llm.rankings_cache import FILE_NAME
from maf_core.plugins import PluginManager, Selection
from maf_core.settings import LLMSettings
from maf_core.testing.ollama import CLOUD_MODELS, OllamaServer, StandInModel

AWAY = "http://127.0.0.1:1"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def picker_of(tmp_path):
    """A picker after these settings; `providers` maps names to addresses."""
    clock = Clock()

    def make(profiles=None, **providers) -> ModelPicker:
        given = {name: {"base_url": url, "kind": "ollama"} for name, url in providers.items()}
        settings = LLMSettings.model_validate({"providers": given, "profiles": profiles or {}})
        made = Providers(settings, PluginManager.load(Selection(), []))
        picker = ModelPicker(made, settings, data_dir=tmp_path, now=clock)
        picker.clock = clock
        return picker

    return make


@pytest.fixture
def offering():
    """Start a server that offers these models."""
    servers = []

    def start(*models, **options) -> str:
        servers.append(OllamaServer(models=models, **options).start())
        return servers[-1].url

    yield start
    for server in servers:
        server.stop()


async def names(picker, wanted) -> list[str]:
    return [str(choice) for choice in await picker.candidates(wanted)]


class TestProfiles:
    @pytest.mark.parametrize(
        ("profiles", "first"),
        [
            (("synthesis", "judge", "json_strict"), "gpt-oss:120b"),
            (("quick", "narrative", "classification"), "glm-4.7"),
            (("coding", "long_context"), "qwen3-coder:480b"),
            (("research",), "deepseek-v3.1:671b"),
        ],
    )
    def test_who_is_asked_first(self, profiles, first):
        assert {profile_of(name, {}).models[0] for name in profiles} == {first}

    def test_behind_a_name_stands_its_successor_and_at_the_end_the_tier(self):
        assert list(profile_of("quick", {}).models) == [
            "glm-4.7",
            "glm-5.2",
            "gpt-oss:20b",
            "gemma4:31b",
            "gpt-oss:120b",
        ]
        assert list(profile_of("coding", {}).models)[:2] == ["qwen3-coder:480b", "qwen3.5:397b"]
        assert "gpt-oss:20b" in profile_of("judge", {}).models

    def test_every_profile_has_something_of_the_free_plan(self):
        free = {"gpt-oss:20b", "gpt-oss:120b", "gemma4:31b"}
        assert [name for name in PROFILES if not free & set(profile_of(name, {}).models)] == []

    def test_a_list_of_the_users_is_all_there_is(self):
        assert list(profile_of("judge", {"judge": ["mine"]}).models) == ["mine"]
        assert list(profile_of("new", {"new": ["mine"]}).models) == ["mine"]

    def test_a_tier_of_the_users_stands_behind_the_profiles(self):
        assert list(profile_of("judge", {"deep": ["mine"]}).models)[-1] == "mine"

    async def test_an_unknown_profile_names_those_there_are(self, picker_of):
        with pytest.raises(
            UnknownNameError, match=r"no profile 'juge'; there are quick, deep, synthesis, judge, .*mine"
        ):
            await picker_of({"mine": ["x"]}).candidates("profile:juge")
        with pytest.raises(UnknownNameError, match="there are quick, deep"):
            await picker_of().candidates("tier:judge")


class TestCatalogue:
    async def test_what_is_offered_first_in_the_list_is_taken(self, picker_of, offering):
        picker = picker_of(ollama=offering(*CLOUD_MODELS, cloud=True))
        first = (await picker.candidates("profile:judge"))[0]
        assert first == ModelChoice("ollama", "gpt-oss:120b", "profile judge: first of 7")

    async def test_a_retired_model_gives_way_to_its_successor_and_says_so(self, picker_of, offering):
        picker = picker_of(ollama=offering(*CLOUD_MODELS, cloud=True))
        first = (await picker.candidates("profile:narrative"))[0]
        assert first == ModelChoice("ollama", "glm-5.2", "profile narrative: glm-4.7 is not offered by ollama")

    async def test_a_profile_falls_back_to_its_tier(self, picker_of, offering):
        picker = picker_of(ollama=offering("gpt-oss:20b"))
        [only] = await picker.candidates("profile:coding")
        assert str(only) == "ollama:gpt-oss:20b"
        assert only.reason.startswith("profile coding: qwen3-coder:480b is not offered by ollama; qwen3.5:397b is not")

    @pytest.mark.parametrize(
        ("offered", "asked"),
        [
            ("gpt-oss:120b-cloud", "gpt-oss:120b-cloud"),
            ("gpt-oss:120b:cloud", "gpt-oss:120b:cloud"),
            ("openai/gpt-oss-120b:latest", "openai/gpt-oss-120b:latest"),
        ],
    )
    async def test_other_names_of_the_same_model_are_found(self, picker_of, offering, offered, asked):
        picker = picker_of(ollama=offering(offered))
        assert (await names(picker, "profile:judge")) == [f"ollama:{asked}"]

    async def test_one_at_home_goes_before_one_in_the_cloud(self, picker_of, offering):
        picker = picker_of(ollama=offering("gpt-oss:120b-cloud", "gpt-oss:120b"))
        assert (await names(picker, "profile:judge"))[0] == "ollama:gpt-oss:120b"

    async def test_names_without_a_provider_are_looked_up_at_all_of_them_in_order(self, picker_of, offering):
        lab, home = offering("a:1b", "b:1b"), offering("b:1b", "c:1b")
        picker = picker_of({"mine": ["c:1b", "home:b:1b", "b:1b", "a:1b"]}, lab=lab, home=home)
        assert await names(picker, "profile:mine") == ["home:c:1b", "home:b:1b", "lab:b:1b", "lab:a:1b"]

    async def test_a_server_that_is_away_is_said_and_the_list_is_taken_as_it_is(self, picker_of):
        choices = await picker_of(ollama=AWAY).candidates("profile:judge")
        assert [choice.name for choice in choices] == list(profile_of("judge", {}).models)
        assert "taken unseen: Nobody answers at http://127.0.0.1:1/api/tags" in choices[0].reason

    async def test_what_is_seen_goes_before_what_is_not(self, picker_of, offering):
        picker = picker_of({"mine": ["b:1b", "a:1b"]}, away=AWAY, lab=offering("a:1b"))
        assert await names(picker, "profile:mine") == ["lab:a:1b", "away:b:1b"]

    async def test_a_provider_that_lists_nothing_keeps_its_place(self, picker_of, offering):
        picker = picker_of({"mine": ["deepseek:deepseek-chat", "a:1b"]}, lab=offering("a:1b"))
        choices = await picker.candidates("profile:mine")
        assert [str(choice) for choice in choices] == ["deepseek:deepseek-chat", "lab:a:1b"]
        assert "taken unseen: deepseek does not say" in choices[0].reason

    async def test_a_provider_that_does_not_list_all_it_has_is_believed(self, picker_of, offering, monkeypatch):
        monkeypatch.setattr(OllamaModels, "lists_all", False)
        picker = picker_of({"mine": ["lab:b:1b", "b:1b", "a:1b"]}, lab=offering("a:1b"))
        choices = await picker.candidates("profile:mine")
        assert [str(choice) for choice in choices] == ["lab:b:1b", "lab:a:1b"]
        assert "not in its catalogue, which is not all it has" in choices[0].reason

    async def test_nothing_to_be_had_says_why_and_what_there_is(self, picker_of, offering):
        picker = picker_of(
            {"mine": ["a:1b", "lab:b:1b"]}, lab=offering("c:1b", StandInModel("bge", capabilities=("embedding",)))
        )
        with pytest.raises(NoModelError) as caught:
            await picker.candidates("profile:mine")
        assert str(caught.value) == (
            "No model for mine: a:1b is not offered by lab; b:1b is not offered by lab. "
            "Offered are lab:c:1b; name one as llm.model, or in a list under llm.profiles."
        )

    async def test_it_is_asked_once_in_a_while_and_sooner_after_a_failure(self, picker_of):
        server = OllamaServer(models=["a:1b"])
        server.start()
        picker = picker_of({"mine": ["lab:a:1b"]}, lab=server.url)
        assert "first of 1" in (await picker.candidates("profile:mine"))[0].reason
        server.stop()
        picker.clock.now += 299
        assert "unseen" not in (await picker.candidates("profile:mine"))[0].reason
        picker.clock.now += 2
        assert "unseen" in (await picker.candidates("profile:mine"))[0].reason
        with OllamaServer(models=["a:1b"], port=int(server.url.rpartition(":")[2])):
            picker.clock.now += 16
            assert "unseen" not in (await picker.candidates("profile:mine"))[0].reason


class TestNames:
    async def test_what_is_named_is_taken_whatever_the_catalogue_says(self, picker_of):
        [only] = await picker_of(ollama=AWAY).candidates("ollama:gpt-oss:120b")
        assert (only.provider, only.name, only.reason) == ("ollama", "gpt-oss:120b", "as named")

    async def test_a_bare_name_is_looked_up(self, picker_of, offering):
        picker = picker_of(lab=offering("gpt-oss:20b"))
        assert await names(picker, "gpt-oss:20b") == ["lab:gpt-oss:20b"]
        with pytest.raises(NoModelError, match="gpt-oss:120b is not offered by lab"):
            await picker.candidates("gpt-oss:120b")

    async def test_rules_are_no_model(self, picker_of):
        with pytest.raises(NoModelError, match="profile:judge"):
            await picker_of().candidates("rules")


class TestRefusals:
    async def test_a_refused_model_is_left_alone_for_a_while(self, picker_of, offering):
        picker = picker_of(ollama=offering(*CLOUD_MODELS, cloud=True))
        first, second, *_ = await picker.candidates("profile:judge")
        picker.refused(first, "The server refuses this model (403): this model requires a subscription")
        choices = await picker.candidates("profile:judge")
        assert str(choices[0]) == str(second)
        assert (
            "ollama:gpt-oss:120b is left alone for 600 s more: The server refuses this model (403)" in choices[0].reason
        )
        picker.clock.now += LATER_S + 1
        assert str((await picker.candidates("profile:judge"))[0]) == str(first)

    async def test_one_bad_answer_is_no_reason_to_leave_a_model_alone(self, picker_of):
        picker = picker_of(ollama=AWAY)
        choice = ModelChoice("ollama", "a")
        picker.refused(choice, "The answer does not fit.", 0)
        assert await picker.candidates("ollama:a")

    async def test_a_named_model_that_was_refused_says_so(self, picker_of):
        picker = picker_of(ollama=AWAY)
        picker.refused(ModelChoice("ollama", "a"), "It is gone.", 60)
        with pytest.raises(
            NoModelError, match=r"ollama:a is left alone for 60 s more: It is gone\. Wait, or name another"
        ):
            await picker.candidates("ollama:a")

    async def test_all_refused_is_no_model(self, picker_of, offering):
        picker = picker_of(ollama=offering("gpt-oss:20b"))
        [only] = await picker.candidates("tier:deep")
        picker.refused(only, "It is gone.")
        with pytest.raises(NoModelError, match="It is gone"):
            await picker.candidates("tier:deep")


class TestRankings:
    """The file of rankings is fresh, so that nobody is asked."""

    @pytest.fixture(autouse=True)
    def wanted(self, monkeypatch, tmp_path):
        monkeypatch.setenv("MAF_USE_RANKINGS", "1")
        rows = [
            ModelScores(name="gpt-oss-120B (high)", intelligence=33, coding=28, speed=300),
            ModelScores(name="gpt-oss-20B (high)", intelligence=24, coding=18, speed=900),
            ModelScores(name="Gemma 4 31B", intelligence=30, coding=35, speed=40),
            ModelScores(name="Tiny 1B", intelligence=3, coding=1, speed=5000),
        ]
        now = time.time()
        scores = ScoresPart(fetched_at=now, as_of="2026-11-18", rows=rows)
        usage = UsagePart(fetched_at=now, as_of="2026-11-18", tokens={"z-ai/glm-5.2": 7_000_000_000})
        (tmp_path / FILE_NAME).write_text(Rankings(scores=scores, usage=usage).model_dump_json())

    async def test_the_best_by_the_profiles_benchmark_goes_first(self, picker_of, offering):
        picker = picker_of(ollama=offering("gpt-oss:120b", "gemma4:31b", "gpt-oss:20b", "tiny:1b"))
        assert (await names(picker, "profile:judge"))[0] == "ollama:gpt-oss:120b"
        coding = await picker.candidates("profile:coding")
        assert coding[0] == ModelChoice("ollama", "gemma4:31b", "profile coding: coding 35 by benchmark, of 4 offered")

    async def test_fast_is_worth_nothing_without_sense(self, picker_of, offering):
        picker = picker_of(ollama=offering("gpt-oss:120b", "gemma4:31b", "gpt-oss:20b", "tiny:1b"))
        assert (await names(picker, "profile:quick"))[:3] == [
            "ollama:gpt-oss:20b",
            "ollama:gpt-oss:120b",
            "ollama:gemma4:31b",
        ]

    async def test_what_is_not_measured_goes_by_usage_and_then_by_the_list(self, picker_of, offering):
        picker = picker_of(ollama=offering("qwen3.5:397b", "glm-5.2", "gpt-oss:20b"))
        choices = await picker.candidates("profile:coding")
        assert [choice.name for choice in choices] == ["gpt-oss:20b", "glm-5.2:latest", "qwen3.5:397b"]
        assert choices[1].reason == "profile coding: not measured, 7.0 billion tokens a week by usage"

    async def test_a_list_of_the_users_is_put_in_order_and_stays_all_there_is(self, picker_of, offering):
        url = offering("gpt-oss:120b", "gemma4:31b", "gpt-oss:20b")
        picker = picker_of({"judge": ["gpt-oss:20b", "gpt-oss:120b"]}, ollama=url)
        assert await names(picker, "profile:judge") == ["ollama:gpt-oss:120b", "ollama:gpt-oss:20b"]

    async def test_a_refused_model_is_not_taken_for_its_rank(self, picker_of, offering):
        picker = picker_of(ollama=offering("gpt-oss:120b", "gemma4:31b"))
        picker.refused(ModelChoice("ollama", "gemma4:31b"), "It is gone.")
        assert await names(picker, "profile:coding") == ["ollama:gpt-oss:120b"]

    async def test_without_rankings_the_list_counts_and_the_choice_says_so(self, picker_of, offering, tmp_path):
        (tmp_path / FILE_NAME).unlink()
        picker = picker_of(ollama=offering("gemma4:31b", "gpt-oss:120b"))
        first = (await picker.candidates("profile:coding"))[0]
        assert first.name == "gpt-oss:120b"
        assert "No benchmark scores: set ARTIFICIAL_ANALYSIS_API_KEY" in first.reason

    async def test_embeddings_answer_no_questions(self, picker_of, offering):
        url = offering("gpt-oss:20b", StandInModel("gemma4:31b", capabilities=("embedding",)))
        assert await names(picker_of({"deep": ["gpt-oss:20b"]}, ollama=url), "tier:quick") == ["ollama:gpt-oss:20b"]


async def test_the_state_of_things_in_lines(picker_of, offering):
    picker = picker_of(ollama=offering("a:1b", "b:1b"), away=AWAY)
    picker.refused(ModelChoice("ollama", "a:1b"), "It is gone.", 60)
    lines = await picker.status()
    assert lines[0] == "ollama: 2 models offered"
    assert lines[1].startswith("away: Nobody answers at http://127.0.0.1:1/api/tags")
    assert lines[2] == "ollama:a:1b is left alone for 60 s more: It is gone."
    assert lines[3].startswith("rankings: not used")
