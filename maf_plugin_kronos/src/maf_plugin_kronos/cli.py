"""`maf kronos`: the forecast service."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from maf_core.errors import MAFError, UsageError

if TYPE_CHECKING:
    from maf_plugin_kronos.service.engine import BackendName, Engine


class MissingPackagesError(MAFError):
    """An extra of this distribution is not installed."""


@click.group()
def cli() -> None:
    """Serve price forecasts over HTTP."""


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=7070, show_default=True, help="0 picks a free one.")
@click.option("--backend", type=click.Choice(["bootstrap", "kronos"]), default="bootstrap", show_default=True)
@click.option("--model", metavar="PATH_OR_ID", help="Kronos weights (default: NeoQuasar/Kronos-small, pinned).")
@click.option("--tokenizer", metavar="PATH_OR_ID", help="Its tokenizer (default: the one published with the model).")
@click.option("--revision", help="Commit of the model on the hub.")
@click.option("--device", default="cpu", show_default=True, help="Where the model computes: cpu, cuda:0, mps.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds that one forecast may take.",
)
def serve(
    host: str,
    port: int,
    backend: BackendName,
    model: str | None,
    tokenizer: str | None,
    revision: str | None,
    device: str,
    timeout_s: float,
) -> None:
    """Answer POST /forecast until SIGTERM or Ctrl-C."""
    _require("serve", "fastapi", "uvicorn", "numpy")
    from maf_core.logs import configure
    from maf_core.serving.http import listen, url_of
    from maf_plugin_kronos.service import server

    configure()
    if backend == "kronos":
        engine = _kronos(model, tokenizer, revision, device, timeout_s)
    elif model or tokenizer or revision:
        raise UsageError(
            "The bootstrap has no weights: leave --model, --tokenizer and --revision, or add --backend kronos."
        )
    else:
        engine = _bootstrap(timeout_s)
    sock = listen(host, port)
    # Bound to stdout now: while a model loads, its prints are redirected.
    announce = partial(click.echo, f"kronos serving on {url_of(host, sock)} (backend {backend})", file=sys.stdout)
    server.serve(engine, sock, announce)


def _bootstrap(timeout_s: float) -> Engine:
    from maf_plugin_kronos.service.bootstrap import BootstrapSampler
    from maf_plugin_kronos.service.engine import Engine

    return Engine("bootstrap", BootstrapSampler.model, BootstrapSampler, timeout_s)


def _kronos(model: str | None, tokenizer: str | None, revision: str | None, device: str, timeout_s: float) -> Engine:
    _require("model", "torch", "model", "pandas")
    from maf_plugin_kronos.service.engine import Engine
    from maf_plugin_kronos.service.model import KronosSampler
    from maf_plugin_kronos.service.zoo import weights_of

    weights = weights_of(model, tokenizer, revision)
    return Engine("kronos", weights.model, lambda: KronosSampler(weights, device), timeout_s)


def _require(extra: str, *modules: str) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingPackagesError(
            f"Not installed: {', '.join(missing)}. Run: pip install 'maf-plugin-kronos[{extra}]'"
        )
