"""Read rows of bars from a Parquet file; needs the extra `parquet`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maf_core.errors import UsageError
from maf_plugin_trtools2.columns import locate
from maf_plugin_trtools2.files import Row, readable


def read_parquet(path: Path) -> tuple[set[str], Iterator[Row]]:
    """As `read_rows`; places count rows from 1."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise UsageError(
            f"{path} is Parquet, which takes pyarrow. Install it: pip install 'maf-plugin-trtools2[parquet]'"
        ) from None
    try:
        file = ParquetFile(path)
    except ArrowException as error:
        raise UsageError(f"{path} is no readable Parquet file: {_reason(error)}. Write it anew, or use CSV.") from error
    names = file.schema_arrow.names
    columns = {field: names[at] for field, at in locate(path, names).items()}
    return set(columns), _rows(path, file, columns, ArrowException)


def _rows(path: Path, file: Any, columns: dict[str, str], failure: type[Exception]) -> Iterator[Row]:
    number = 0
    with readable(path), file:
        try:
            for batch in file.iter_batches(columns=list(columns.values())):
                table = batch.to_pydict()
                for values in zip(*(table[name] for name in columns.values()), strict=True):
                    number += 1
                    yield Row(f"{path}:{number}", dict(zip(columns, values, strict=True)))
        except failure as error:
            raise UsageError(
                f"{path} is damaged after row {number}: {_reason(error)}. Write it anew, or use CSV."
            ) from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
