"""`maf dashboard`: what MAF does, over HTTP."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from maf_core.cli.options import app_of, connection_options, settings_of
from maf_core.errors import MissingPackageError
from maf_core.logs import configure


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; others need a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8700, show_default=True, help="0 picks a free one.")
@connection_options
def dashboard(host: str, port: int, redis_url: str | None, data_dir: Path | None, config_dir: Path | None) -> None:
    """Serve the dashboard until SIGTERM or Ctrl-C.

    On another address than 127.0.0.1 it demands MAF_DASHBOARD_TOKEN and whoever asks must send it.
    """
    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        raise MissingPackageError(f"Not installed: {', '.join(missing)}. Run: pip install 'maf[dashboard]'")
    from maf_core.dashboard.access import Access
    from maf_core.dashboard.app import create_app
    from maf_core.dashboard.server import serve
    from maf_core.serving.http import listen, url_of

    configure()
    settings = settings_of(redis_url, data_dir, config_dir)
    access = Access.on(host, settings.dashboard_token)
    with listen(host, port) as sock:

        def say() -> None:
            click.echo(f"dashboard on {url_of(host, sock)}", file=sys.stdout)

        async def work() -> None:
            async with app_of(settings, config_dir) as context:
                app = create_app(context.plugins, access)
                await serve(app, context, sock, say)

        asyncio.run(work())
