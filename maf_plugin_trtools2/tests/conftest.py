"""What the tests of this package share: the command `maf` on the test server, and files of bars."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis as redis_sync

from maf_core.cli import main

HEADER = "ticker,date,open,high,low,close,volume,adj_close"


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def server(redis_url: str):
    """A blocking client of an empty server, for tests that run `maf` in their own process."""
    with redis_sync.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def maf(server, redis_url: str, monkeypatch, capsys) -> Callable[..., Result]:
    """Run `maf trtools2 replay WORDS` on the test server."""

    def run(*words: object, redis: str = redis_url) -> Result:
        argv = ["maf", "trtools2", "replay", *map(str, words), "--redis", redis]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Result(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a CSV of rows; `A 2020-01-02` stands for a whole bar."""

    def write(*rows: str, name: str = "bars.csv", header: str = HEADER) -> Path:
        lines = [row if "," in row else "{},{},10,11,9,10.5,100,10.5".format(*row.split()) for row in rows]
        path = tmp_path / name
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    return write
