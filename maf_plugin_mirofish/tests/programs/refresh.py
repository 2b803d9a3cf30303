"""Runs the refresher until it is killed: refresh.py REDIS_URL LEASE_S SETTINGS_AS_JSON."""

from __future__ import annotations

import asyncio
import json
import sys

from maf_core import AppContext, logs
from maf_core.plugins import Candidate, PluginManager
from maf_core.settings import Settings
from maf_core.streams.connect import connect
from maf_plugin_mirofish import plugin
from maf_plugin_mirofish.refresher import MiroFishRefresher


async def main(redis_url: str, lease_s: str, section: str) -> None:
    logs.configure("error")
    manager = PluginManager.load(candidates=[Candidate("mirofish", "m", "1", module=plugin)])
    async with connect(redis_url) as redis:
        settings = Settings(plugins={"mirofish": json.loads(section)}, lease_s=float(lease_s))
        refresher = MiroFishRefresher(AppContext.create(redis, settings, manager))
        await refresher.prepare()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await refresher.run(asyncio.Event())


asyncio.run(main(*sys.argv[1:]))
