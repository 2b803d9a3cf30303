"""Read rows of bars from CSV (also gzipped) and Parquet files."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from maf_core import BadEntryError
from maf_core.errors import UsageError
from maf_plugin_trtools2.columns import locate


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands (`file:line`), and its values by field; or the fault that leaves it without any."""

    place: str
    values: Mapping[str, Any]
    fault: str = ""


Rows = Iterator[Row]


def read_rows(path: Path) -> tuple[set[str], Rows]:
    """The fields a file has, and its rows one by one.

    Raises `UsageError`, also while reading on, when the file is not there, is damaged or lacks a column.
    """
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return _csv(path)
    if name.endswith((".parquet", ".pq")):
        from maf_plugin_trtools2.parquet import read_parquet

        with readable(path):
            return read_parquet(path)
    raise UsageError(f"{path} is neither CSV nor Parquet. Name it .csv, .csv.gz or .parquet, after what it holds.")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into a sentence for its user."""
    try:
        yield
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}. Check the path, or try --sample.") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{path} cannot be read: {reason}. Mend the file or its permissions.") from error


def _csv(path: Path) -> tuple[set[str], Rows]:
    lines = _lines(path)
    _, first = next(lines, (0, b""))
    if not first:
        raise UsageError(f"{path} is empty. Its first line names the columns, each further line is a bar.")
    try:
        header = _split(first)
    except BadEntryError as error:
        raise UsageError(f"{path} cannot be read: {error}. Save it as CSV in UTF-8.") from error
    columns = locate(path, header)
    return set(columns), (_row(f"{path}:{number}", line, columns, len(header)) for number, line in lines)


def _row(place: str, line: bytes, columns: Mapping[str, int], width: int) -> Row:
    try:
        cells = _split(line)
    except BadEntryError as error:
        return Row(place, {}, str(error))
    if len(cells) != width:
        return Row(place, {}, f"the row has {len(cells)} values, the header {width}")
    return Row(place, {name: cells[at] for name, at in columns.items()})


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers."""
    with readable(path), _opened(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def _split(line: bytes) -> list[str]:
    # Each line on its own: a stray quote then spoils one row and does not swallow those that follow.
    try:
        return next(csv.reader([line.decode("utf-8-sig")]))
    except UnicodeDecodeError as error:
        raise BadEntryError("the row is not UTF-8") from error
    except csv.Error as error:
        raise BadEntryError(f"the row is not CSV: {error}") from error
