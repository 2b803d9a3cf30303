"""Rankings over real HTTP: what the two services send, how they fail, and what is kept meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maf_core.llm.rankings_cache import FILE_NAME, OLDEST_S, RETRY_S, RankingsCache, rankings_wanted
from maf_core.llm.rankings_sources import fetch_scores, fetch_usage
from maf_core.settings import LLMSettings, RankingsSettings
from maf_core.testing.http import listening

DAY = 86_400.0
NOW = 1_795_000_000.0
SECRET = "the-key-that-nobody-sees"


def model(name, slug="", creator="", speed=None, **indices):
    evaluations = {f"artificial_analysis_{index}_index": value for index, value in indices.items()}
    return {
        "id": name,
        "name": name,
        "slug": slug,
        "model_creator": {"name": creator},
        "evaluations": evaluations,
        "pricing": {},
        "performance": {"median_output_tokens_per_second": speed},
    }


MODELS = [
    model("gpt-oss-120B (high)", "gpt-oss-120b", "OpenAI", intelligence=33.3, coding=28.1, agentic=None, speed=321.5),
    model("gpt-oss-120B (low)", "gpt-oss-120b-low", "OpenAI", intelligence=24.5, coding=30.0, speed=350),
    model("NVIDIA Nemotron 3 Super 120B A12B", "nvidia-nemotron-3", "NVIDIA", intelligence=36.0),
]
USAGE = [
    {"date": "2026-11-19", "model_permaslug": "openai/gpt-oss-120b", "total_tokens": "1000"},
    {"date": "2026-11-20", "model_permaslug": "openai/gpt-oss-120b", "total_tokens": "234"},
    {"date": "2026-11-20", "model_permaslug": "z-ai/glm-5.2-20260612", "total_tokens": "99"},
    {"date": "2026-11-20", "model_permaslug": "other", "total_tokens": "1"},
]


class Services:
    """OpenRouter and Artificial Analysis on one port. `fails`: a status, or a body, for each."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict]] = []
        self.fails: dict[str, int | bytes] = {}
        self.page_size = 2

    async def handle(self, request, connection) -> None:
        which = "usage" if "rankings" in request.path else "scores"
        self.asked.append((which, {name: values[0] for name, values in request.query.items()}))
        key = {"usage": ("authorization", f"Bearer {SECRET}"), "scores": ("x-api-key", SECRET)}[which]
        fails = self.fails.get(which, 401 if request.headers.get(key[0]) != key[1] else None)
        if isinstance(fails, int):
            said = {"usage": {"code": fails, "message": f"no: {SECRET}"}, "scores": f"no: {SECRET}"}[which]
            await connection.send(fails, json.dumps({"error": said}).encode(), headers={"retry-after": "60"})
        elif isinstance(fails, bytes):
            await connection.send(200, fails, "text/html")
        else:
            await connection.send(200, json.dumps(getattr(self, which)(request)).encode())

    def usage(self, _):
        meta = {"as_of": "2026-11-21T02:00:00Z", "start_date": "2026-11-13", "end_date": "2026-11-20", "version": "v1"}
        return {"data": USAGE, "meta": meta}

    def scores(self, request):
        page = int(request.query["page"][0])
        rows = MODELS[(page - 1) * self.page_size : page * self.page_size]
        more = page * self.page_size < len(MODELS)
        pagination = {"page": page, "page_size": self.page_size, "total_pages": 2, "has_more": more}
        return {"tier": "free", "intelligence_index_version": 4.3, "pagination": pagination, "data": rows}


@pytest.fixture
async def services():
    served = Services()
    async with listening(served.handle, "127.0.0.1", 0) as (host, port):
        served.url = f"http://{host}:{port}"
        yield served


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cache_of(services, tmp_path):
    def make(clock=None, key=SECRET, folder=tmp_path, **more):
        settings = {"openrouter_url": services.url, "analysis_url": services.url, **more}
        keys = {"openrouter_key": key, "analysis_key": key} if key else {}
        return RankingsCache(RankingsSettings(**settings, **keys), folder, clock or Clock())

    return make


async def test_usage_and_scores_are_joined_by_name(services, cache_of):
    rankings = await cache_of().get()
    assert rankings.problems == []
    assert rankings.score("gpt-oss:120b-cloud", "intelligence") == 33.3
    assert rankings.score("gpt-oss:120b", "coding") == 30.0  # the best of two levels of effort
    assert rankings.score("gpt-oss:120b", "agentic") is None
    assert rankings.score("gpt-oss:120b", "speed") == 350
    assert rankings.score("nemotron-3-super", "intelligence") == 36.0
    assert rankings.score("unheard-of", "intelligence") is None
    assert (rankings.tokens("openai/gpt-oss-120b"), rankings.tokens("glm-5.2:cloud")) == (1234, 99)
    assert rankings.tokens("other") == 0
    assert sorted(which for which, _ in services.asked) == ["scores", "scores", "usage"]
    assert ("usage", {"start_date": "2026-11-11"}) in services.asked


async def test_the_sources_are_named_as_they_want_to_be(cache_of):
    rankings = await cache_of().get()
    assert rankings.credits == [
        "Source: Artificial Analysis (artificialanalysis.ai), as of 2026-11-18.",
        "Source: OpenRouter (openrouter.ai/rankings), as of 2026-11-21T02:00:00Z.",
    ]


async def test_they_are_asked_once_a_day_by_all_processes_of_a_machine(services, cache_of):
    clock = Clock()
    first = await cache_of(clock).get()
    assert await cache_of(clock).get() == first
    assert len(services.asked) == 3
    clock.now += DAY + 1
    again = cache_of(clock)
    await again.get()
    await again.get()
    assert len(services.asked) == 6


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        (401, "Is the key right?"),
        (403, "Is the key right?"),
        (410, "The address is retired; set llm.rankings."),
        (429, "The day's requests are used up"),
        (500, "What is known stays in use."),
        (b"<html>Just a moment...</html>", "is no JSON object"),
        (b'{"data": "soon"}', "set llm.rankings."),
        (b'{"status": 200}', "set llm.rankings."),
    ],
)
async def test_a_service_that_fails_says_so_and_what_was_known_stays(services, cache_of, fails, words):
    clock = Clock()
    await cache_of(clock).get()
    services.fails = {"usage": fails, "scores": fails}
    clock.now += DAY + 1
    rankings = await cache_of(clock).get()
    assert [words in problem for problem in rankings.problems] == [True, True]
    assert SECRET not in str(rankings.problems)
    assert rankings.score("gpt-oss:120b", "intelligence") == 33.3
    assert rankings.tokens("gpt-oss:120b") == 1234


async def test_one_may_fail_without_the_other(services, cache_of):
    services.fails = {"usage": 500}
    rankings = await cache_of().get()
    assert rankings.score("gpt-oss:120b", "intelligence") == 33.3
    assert rankings.tokens("gpt-oss:120b") == 0
    assert len(rankings.problems) == 1


async def test_after_a_failure_it_is_a_quarter_of_an_hour_until_the_next_try(services, cache_of):
    clock = Clock()
    services.fails = {"usage": 429, "scores": 429}
    await cache_of(clock).get()
    await cache_of(clock).get()
    assert len(services.asked) == 2
    services.fails = {}
    clock.now += RETRY_S + 1
    rankings = await cache_of(clock).get()
    assert rankings.problems == []
    assert rankings.tokens("gpt-oss:120b") == 1234


async def test_what_is_a_month_old_says_nothing_any_more(services, cache_of):
    clock = Clock()
    await cache_of(clock).get()
    services.fails = {"usage": 500, "scores": 500}
    clock.now += OLDEST_S + 1
    rankings = await cache_of(clock).get()
    assert rankings.score("gpt-oss:120b", "intelligence") is None
    assert rankings.tokens("gpt-oss:120b") == 0


async def test_nobody_there_is_a_sentence(cache_of):
    away = "http://127.0.0.1:1"
    rankings = await cache_of(openrouter_url=away, analysis_url=away).get()
    assert ["Nobody answers at http://127.0.0.1:1" in problem for problem in rankings.problems] == [True, True]


async def test_without_keys_nobody_is_asked_and_a_key_that_comes_later_counts_at_once(services, cache_of, monkeypatch):
    without = cache_of(key=None)
    rankings = await without.get()
    assert [problem.split(":")[0] for problem in rankings.problems] == ["No benchmark scores", "No usage rankings"]
    assert services.asked == []
    monkeypatch.setenv("OPENROUTER_API_KEY", SECRET)
    monkeypatch.setenv("ARTIFICIAL_ANALYSIS_API_KEY", SECRET)
    assert (await without.get()).tokens("gpt-oss:120b") == 1234


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b'{"scores": {"rows": [{}]}}', b"\xff\xfe"])
async def test_a_file_that_is_not_ours_is_fetched_anew(cache_of, tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    assert (await cache_of().get()).tokens("gpt-oss:120b") == 1234
    assert json.loads((tmp_path / FILE_NAME).read_text())["usage"]["tokens"]["openai/gpt-oss-120b"] == 1234


async def test_a_folder_that_cannot_be_written_is_said_and_changes_nothing_else(cache_of, tmp_path):
    (tmp_path / "file").write_text("")
    rankings = await cache_of(folder=tmp_path / "file").get()
    assert "cannot be kept" in rankings.problems[0]
    assert rankings.tokens("gpt-oss:120b") == 1234


async def test_nothing_else_is_left_in_the_folder(cache_of, tmp_path):
    await cache_of().get()
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert SECRET not in (tmp_path / FILE_NAME).read_text()


async def test_a_service_that_never_comes_to_an_end_is_left(services, cache_of):
    services.page_size = 0
    await cache_of().get()
    assert len([which for which, _ in services.asked if which == "scores"]) == 25


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
rows = st.dictionaries(
    st.sampled_from(["name", "slug", "evaluations", "performance", "model_permaslug", "total_tokens", "model_creator"]),
    json_values,
)


@given(st.lists(rows | json_values, max_size=4), json_values)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_they_send_is_read_leniently(data, meta):
    served = Services()
    served.usage = served.scores = lambda request: {"data": data, "meta": meta, "pagination": meta}
    async with listening(served.handle, "127.0.0.1", 0) as (host, port):
        url = f"http://{host}:{port}"
        given_settings = RankingsSettings(
            openrouter_url=url, analysis_url=url, openrouter_key=SECRET, analysis_key=SECRET
        )
        now = datetime.fromtimestamp(NOW, UTC)
        usage = await fetch_usage(given_settings, now)
        scores = await fetch_scores(given_settings, now)
    assert all(isinstance(count, int) for count in usage.tokens.values())
    assert len(scores.rows) <= len(data)


@pytest.mark.parametrize(
    ("variable", "setting", "wanted"),
    [
        (None, False, False),
        (None, True, True),
        ("1", False, True),
        ("true", False, True),
        ("0", True, False),
        ("", True, True),
    ],
)
def test_the_environment_wins_over_the_file(monkeypatch, variable, setting, wanted):
    if variable is not None:
        monkeypatch.setenv("MAF_USE_RANKINGS", variable)
    assert rankings_wanted(LLMSettings(use_rankings=setting)) is wanted
