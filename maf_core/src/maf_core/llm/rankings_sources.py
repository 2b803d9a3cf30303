"""Asks OpenRouter and Artificial Analysis. Both want a key, count requests, and change what they send."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from maf_core.errors import LLMError
from maf_core.llm.providers.fetching import FetchError, fetch
from maf_core.llm.rankings import ModelScores, ScoresPart, UsagePart, as_number, dig
from maf_core.settings import RankingsSettings

_DAYS = 7
_MOST_PAGES = 25
_MOST_ROWS = 5000
_TIMEOUT_S = 10.0
_INDEX = "artificial_analysis_{}_index"
_FIXES = {
    401: "Is the key right?",
    403: "Is the key right?",
    410: "The address is retired; set llm.rankings.",
    429: "The day's requests are used up; what is known stays in use.",
}


def openrouter_key(settings: RankingsSettings) -> str | None:
    """The key of the settings, else OPENROUTER_API_KEY."""
    return _key(settings.openrouter_key, "OPENROUTER_API_KEY")


def analysis_key(settings: RankingsSettings) -> str | None:
    """The key of the settings, else ARTIFICIAL_ANALYSIS_API_KEY."""
    return _key(settings.analysis_key, "ARTIFICIAL_ANALYSIS_API_KEY")


def _key(given: SecretStr | None, variable: str) -> str | None:
    return (given.get_secret_value() if given else os.environ.get(variable)) or None


async def fetch_usage(settings: RankingsSettings, now: datetime) -> UsagePart:
    """Tokens by model over the last seven complete days; `LLMError` in one sentence when they cannot be had."""
    key = openrouter_key(settings)
    if not key:
        raise LLMError("No usage rankings: set OPENROUTER_API_KEY, or llm.rankings.openrouter_key.")
    start = (now.astimezone(UTC) - timedelta(days=_DAYS)).date().isoformat()
    url = f"{settings.openrouter_url.rstrip('/')}/datasets/rankings-daily"
    data = await _ask(url, {"start_date": start}, {"authorization": f"Bearer {key}"})
    rows = data.get("data")
    if not isinstance(rows, list):
        raise LLMError(f"What {url} answered are no rankings; set llm.rankings.openrouter_url.")
    tokens: dict[str, int] = {}
    for row in rows[:_MOST_ROWS]:
        name, count = dig(row, "model_permaslug"), as_number(dig(row, "total_tokens"))
        if isinstance(name, str) and name != "other" and count is not None:
            tokens[name] = tokens.get(name, 0) + int(count)
    return UsagePart(tokens=tokens, as_of=str(dig(data, "meta", "as_of") or ""))


async def fetch_scores(settings: RankingsSettings, now: datetime) -> ScoresPart:
    """The scores of all models, page by page; `LLMError` in one sentence when they cannot be had."""
    key = analysis_key(settings)
    if not key:
        raise LLMError("No benchmark scores: set ARTIFICIAL_ANALYSIS_API_KEY, or llm.rankings.analysis_key.")
    url = f"{settings.analysis_url.rstrip('/')}/language/models/free"
    rows: list[ModelScores] = []
    for page in range(1, _MOST_PAGES + 1):
        data = await _ask(url, {"page": str(page)}, {"x-api-key": key})
        if not isinstance(data.get("data"), list):
            raise LLMError(f"What {url} answered are no scores; set llm.rankings.analysis_url.")
        rows += [row for row in map(_scores, data["data"]) if row is not None]
        if dig(data, "pagination", "has_more") is not True:
            break
    return ScoresPart(rows=rows[:_MOST_ROWS], as_of=f"{now.astimezone(UTC):%Y-%m-%d}")


async def _ask(url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
    try:
        return await fetch(url, params=params, headers=headers, timeout_s=_TIMEOUT_S)
    except FetchError as error:
        fix = _FIXES.get(error.status or 0, "What is known stays in use.")
        raise LLMError(f"{error} {fix}") from error


def _scores(row: object) -> ModelScores | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
        return None
    creator = dig(row, "model_creator", "name")
    return ModelScores(
        name=row["name"].removeprefix(f"{creator} "),
        slug=str(row.get("slug") or ""),
        speed=as_number(dig(row, "performance", "median_output_tokens_per_second")),
        **{
            name: as_number(dig(row, "evaluations", _INDEX.format(name)))
            for name in ("intelligence", "coding", "agentic")
        },
    )
