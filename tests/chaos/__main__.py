"""`python -m tests.chaos`: prove that nothing is lost and nothing is doubled, whoever dies or is cut off."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.chaos import cutting, killing
from tests.chaos.audit import trail_lines
from tests.chaos.machines import cannot
from tests.chaos.scene import Outcome

from maf_core.streams.valkey import binary


def main() -> int:
    """Run what was asked for and print the figures; 1 when something is wrong."""
    options = _options()
    if options.cut and (why := cannot()):
        print(f"skipped: {why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="maf-chaos-") as folder:
        return _cut(options, folder) if options.cut else _kill(options, folder)


def _kill(options: argparse.Namespace, folder: str) -> int:
    asked = killing.Killing(
        entries=options.entries,
        kills=options.kills,
        seed=options.seed,
        binary=options.redis_server or binary(),
        folder=Path(options.keep or folder),
        fsync=options.fsync,
    )
    done = asyncio.run(killing.perform(asked))
    return _told(killing.told(asked, done), done.outcome, done.clean)


def _cut(options: argparse.Namespace, folder: str) -> int:
    asked = cutting.Cutting(
        seconds=options.cut,
        binary=options.redis_server or binary(),
        folder=Path(options.keep or folder),
        fsync=options.fsync,
    )
    done = asyncio.run(cutting.perform(asked))
    return _told(cutting.told(asked, done), done.outcome, done.clean)


def _told(figures: Iterable[str], outcome: Outcome, clean: bool) -> int:
    found = outcome.found
    print("\n".join(figures))
    print(f"lost = {len(found.lost)}, doubled = {len(found.doubled)}, odd = {len(found.odd)}")
    for line in filter(None, [outcome.stuck, *trail_lines(found)]):
        print(line)
    return 0 if clean else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000, help="how many entries come in")
    parser.add_argument("--kills", type=int, default=100, help="how many faults of all kinds")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides which fault comes when")
    parser.add_argument("--cut", type=float, metavar="SECONDS", help="no kills: cut one of two machines off, as root")
    parser.add_argument("--redis-server", metavar="PATH", help="another server than the embedded one")
    parser.add_argument("--fsync", choices=["always", "everysec"], default="always")
    parser.add_argument("--keep", metavar="DIR", help="leave data and logs in this folder")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
