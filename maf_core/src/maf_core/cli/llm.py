"""`maf llm`: which models there are, which one would be asked, and whether it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maf_core.cli.tables import listed, table
from maf_core.errors import LLMError, NoModelError
from maf_core.settings import Settings, load_settings

if TYPE_CHECKING:
    from maf_core.llm.base import ModelChoice, ModelInfo
    from maf_core.llm.picker import ModelPicker
    from maf_core.llm.providers import Providers
    from maf_core.llm.rankings import Rankings

_MOST_SHOWN = 20
_DIMENSIONS = ("intelligence", "coding", "agentic", "speed")


@click.group()
def cli() -> None:
    """See which models there are, and whether they answer."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    config = click.option(
        "--config",
        "config_dir",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        envvar="MAF_CONFIG_DIR",
        help="Folder with maf.yaml.",
    )
    data = click.option("--data", "data_dir", type=click.Path(path_type=Path), help="Folder where rankings are kept.")
    return config(data(command))


_as_json = click.option("--json", "as_json", is_flag=True, help="Print one object.")


@asynccontextmanager
async def _picking(settings: Settings) -> AsyncIterator[tuple[Providers, ModelPicker]]:
    from maf_core.llm.picker import ModelPicker
    from maf_core.llm.providers import Providers
    from maf_core.plugins import PluginManager

    providers = Providers(settings.llm, PluginManager.load())
    try:
        yield providers, ModelPicker(providers, settings.llm, data_dir=settings.data_dir)
    finally:
        await providers.aclose()


@cli.command()
@click.argument("profile")
@click.option("--explain", is_flag=True, help="Print all candidates, why, and what was looked at.")
@_as_json
@_options
def pick(profile: str, explain: bool, as_json: bool, config_dir: Path | None, data_dir: Path | None) -> None:
    """Print the model that PROFILE means now, for example judge; also tier:quick or a model's name with a colon."""
    wanted = profile if ":" in profile else f"profile:{profile}"

    async def work() -> tuple[list[ModelChoice], list[str]]:
        async with _picking(load_settings(config_dir, data_dir=data_dir)) as (_, picker):
            return await picker.candidates(wanted), await picker.status()

    choices, status = asyncio.run(work())
    if as_json:
        candidates = [{"model": str(choice), **asdict(choice)} for choice in choices]
        click.echo(json.dumps({"wanted": wanted, "model": str(choices[0]), "candidates": candidates, "status": status}))
    elif explain:
        click.echo(table(*((str(choice), choice.reason) for choice in choices)))
        click.echo("\n".join(["", *status]))
    else:
        click.echo(str(choices[0]))


@cli.command()
@click.argument("model", required=False)
@_as_json
@_options
def check(model: str | None, as_json: bool, config_dir: Path | None, data_dir: Path | None) -> None:
    """Ask MODEL a tiny question and print how it went; by default the configured one.

    Of a profile the candidates are asked in turn until one answers. Exits 1 when none does.
    """
    from maf_core.llm.checking import Checked, check_model
    from maf_core.llm.picker import RULES

    settings = load_settings(config_dir, data_dir=data_dir)
    wanted = model or settings.llm.model
    if wanted == RULES:
        raise NoModelError('No model is configured: llm.model is "rules". Try one: maf llm check ollama:gpt-oss:20b')

    async def work() -> Checked:
        async with _picking(settings) as (providers, picker):
            for choice in await picker.candidates(wanted):
                try:
                    return await check_model(providers.get(choice.provider), choice, settings.llm)
                except LLMError as error:
                    click.echo(str(error), err=True)
        raise NoModelError(f"No model answered for {wanted}. See what is offered: maf llm models")

    checked = asyncio.run(work())
    click.echo(json.dumps(asdict(checked)) if as_json else str(checked))


@cli.command()
@_as_json
@_options
def models(as_json: bool, config_dir: Path | None, data_dir: Path | None) -> None:
    """List what the providers offer. Exits 1 when none of them says."""

    async def work() -> list[Any]:
        async with _picking(load_settings(config_dir, data_dir=data_dir)) as (_, picker):
            return await picker.listings()

    listings = asyncio.run(work())
    offered = [model for listing in listings for model in listing.models]
    problems = {listing.provider: listing.problem for listing in listings if listing.problem}
    if as_json:
        click.echo(json.dumps({"models": [asdict(model) for model in offered], "problems": problems}))
    elif offered:
        click.echo(table(("MODEL", "CONTEXT", "USD IN/OUT", "CAN"), *map(_model_row, offered)))
    for provider, problem in problems.items():
        click.echo(f"{provider}: {problem}", err=True)
    if len(problems) == len(listings):
        raise SystemExit(1)


def _model_row(model: ModelInfo) -> tuple[str, ...]:
    price = "-" if model.usd_in is None else f"{model.usd_in:g}/{model.usd_out or 0:g}"
    return f"{model.provider}:{model.name}", str(model.context_length or "-"), price, listed(model.capabilities)


@cli.command()
@_as_json
@_options
def rankings(as_json: bool, config_dir: Path | None, data_dir: Path | None) -> None:
    """Show how the models on offer do in public benchmarks, and how much they are used. Exits 1 when nobody says."""
    from maf_core.llm.rankings_cache import RankingsCache

    settings = load_settings(config_dir, data_dir=data_dir)

    async def work() -> tuple[Rankings, list[str]]:
        async with _picking(settings) as (_, picker):
            offered = [model.name for listing in await picker.listings() for model in listing.chatting]
        return await RankingsCache(settings.llm.rankings, settings.data_dir).get(), list(dict.fromkeys(offered))

    known, offered = asyncio.run(work())
    rows = [_ranked(known, name) for name in offered or _best(known)]
    if as_json:
        click.echo(json.dumps({"models": rows, "sources": known.credits, "problems": known.problems}))
    elif known.credits:
        columns = ("model", *_DIMENSIONS, "tokens_a_week")
        click.echo(table([name.upper() for name in columns], *([_cell(row[name]) for name in columns] for row in rows)))
        click.echo("\n".join(known.credits))
    for problem in known.problems:
        click.echo(problem, err=True)
    if not known.credits:
        raise SystemExit(1)


def _best(known: Rankings) -> list[str]:
    """When no provider says what it offers: the best of all."""
    best = sorted(known.scores.rows, key=lambda row: -(row.intelligence or 0))
    return list(dict.fromkeys(row.name for row in best))[:_MOST_SHOWN]


def _ranked(known: Rankings, name: str) -> dict[str, Any]:
    scores = {dimension: known.score(name, dimension) for dimension in _DIMENSIONS}  # type: ignore[arg-type]
    return {"model": name, **scores, "tokens_a_week": known.tokens(name)}


def _cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value or "-")
