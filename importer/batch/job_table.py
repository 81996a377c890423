"""Read the jobs of a manifest from a table that was made in Excel: a row is a job, a column an option."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importer.errors import UsageError
from importer.loader.table.table_reader import OpenOptions, open_table
from importer.messages import batch_messages
from importer.settings import PAIR_OPTIONS


def read_job_table(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row's number and its options by name; an empty cell is no option. Raises UsageError, UnreadableFileError."""
    if not path.is_file():
        raise UsageError(*batch_messages.NO_JOB_TABLE.format(file=path))
    table = open_table(path, OpenOptions(header_row=1))
    names = [_normalize_name(header) for header in table.headers]
    for row in table.rows:
        cells = {
            name: cell.strip() for name, cell in zip(names, row.cells, strict=False) if name and cell.strip()
        }
        if cells:
            yield row.number, {name: _parse_cell(name, cell) for name, cell in cells.items()}


def _normalize_name(header: str) -> str:
    """Return the option of a header: `Header row` and `--header-row` are `header_row`."""
    return header.strip().strip("-").casefold().replace(" ", "_").replace("-", "_")


def _parse_cell(name: str, cell: str) -> object:
    """Return the value of an option. Pairs are written as on the command line, with `;` between: `city=fill; tag=VIP`."""
    if name not in PAIR_OPTIONS:
        return cell
    pairs = [pair.rpartition("=") for pair in cell.split(";") if pair.strip()]
    return {left.strip(): right.strip() for left, _, right in pairs}
