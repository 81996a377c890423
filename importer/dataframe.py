"""Read a DataFrame as a sheet, and return the rows of a run as a DataFrame."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from importer.issues import find_unreadable_cells
from importer.journal.run_journal import Journal
from importer.models.row import SourceRow, split_into_blocks
from importer.models.status import is_report_header
from importer.reader.restore_sheet import restore_rows
from importer.reader.source import InMemoryReader, Sheet
from importer.report.results_csv import choose_report_columns, to_report_cells

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs  # in typing from Python 3.13

_has_lone_surrogate = re.compile(
    "[\ud800-\udfff]"
).search  # half a character: no file and no request can hold it
_FIRST_ROW = 2  # the header is row 1, as when the frame is saved as a sheet
_EXACT_BELOW = 2**53  # a float of 64 bits above this has lost digits
_FLOAT64_BYTES = 8


def is_frame(source: object) -> TypeIs[pd.DataFrame]:
    """Return whether it is a DataFrame, without loading pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, pandas.DataFrame)


def to_sheet(frame: pd.DataFrame) -> Sheet:
    """Return the frame as a sheet with the name `DataFrame`. Its index is ignored.

    A frame from `Result.to_frame` is recognised: its `_` columns are ignored and the mapping of its run is kept, as for
    failed_rows.csv.
    """
    headers = tuple(map(_to_header, frame.columns))
    reader = InMemoryReader(*_read_frame(frame, headers))
    reader.preview = msgspec.structs.replace(reader.preview, is_own_report=is_report_header(headers))
    return Sheet(reader, file="DataFrame", sha256=_compute_digest(*_read_frame(frame, headers)))


def iter_rows(frame: pd.DataFrame) -> Iterator[SourceRow]:
    """Yield the rows that are not blank, in the order of the frame."""
    columns = [_to_values(frame.iloc[:, index]) for index in range(frame.shape[1])]
    for number, values in enumerate(zip(*columns, strict=True), _FIRST_ROW):
        cells = tuple(map(to_cell_text, values))
        if any(cell.strip() for cell in cells):
            yield SourceRow(number, cells, find_unreadable_cells(cells))


def to_cell_text(value: object) -> str:  # noqa: PLR0911 - one line for each kind of value
    """Return what a person would see in the cell.

    A whole float becomes a whole number, because a column with a gap turns 9845012345 into 9845012345.0. A float that has
    lost digits shows it by its exponent. A date is ISO, bytes are UTF-8, and None, NaN and NaT are empty.
    """
    match value:
        case str() | bytes() | bytearray():
            return _to_plain_text(value)
        case None:
            return ""
        case list() | tuple():
            return ", ".join(map(to_cell_text, value))
        case _ if _is_missing(value):
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _EXACT_BELOW else repr(float(value))
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            is_date = value.tzinfo is None and value.time() == dt.time()
            return value.date().isoformat() if is_date else value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return _convert_numpy(value) if hasattr(value, "dtype") else str(value)


def read_run_frame(folder: Path) -> pd.DataFrame:
    """Return every row of a run from its journal: the columns of the sheet, then the `_` columns."""
    import pandas as pd  # noqa: PLC0415 - pandas is loaded only when a frame is asked for

    with Journal.open(folder) as journal, journal.translate_decode_errors():
        headers, columns = journal.metadata.headers, choose_report_columns(journal)
        rows = [(row.cells, to_report_cells(row, columns)) for row in journal.read_report_rows()]
    sheet_part = pd.DataFrame([cells for cells, _ in rows], columns=list(headers), dtype="str")
    report_part = pd.DataFrame([cells for _, cells in rows], columns=list(columns), dtype="object")
    texts = dict.fromkeys(columns, "str")
    report_part = report_part.astype(
        {**texts, "_row": "int64", "_attempts": "int64", "_http_status": "Int64"}
    )
    return pd.concat([sheet_part, report_part], axis=1)


def _read_frame(frame: pd.DataFrame, headers: tuple[str, ...]) -> tuple[tuple[str, ...], Iterator[SourceRow]]:
    """Return the headers and rows without the `_` columns of a report."""
    rows = iter_rows(frame)
    if not is_report_header(headers):
        return headers, rows
    headers, blocks = restore_rows(headers, split_into_blocks(rows))
    return headers, chain.from_iterable(blocks)


def _to_values(column: pd.Series[Any]) -> Iterable[object]:
    """Return the values of a column; those of float32 as numpy has them, because pandas would add digits to them."""
    dtype: Any = column.dtype
    size = getattr(dtype, "itemsize", _FLOAT64_BYTES)
    is_narrow_float = dtype.kind == "f" and size != _FLOAT64_BYTES
    return column.to_numpy(f"f{size}", na_value=math.nan) if is_narrow_float else column


def _to_plain_text(value: str | bytes | bytearray) -> str:
    """Return it as a plain str: numpy and scrapers have their own kinds of str, and some readers return bytes."""
    text = str.__str__(value) if isinstance(value, str) else bytes(value).decode(errors="replace")
    if not _has_lone_surrogate(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_missing(value: object) -> bool:
    """Return whether it is NaN, NaT or NA: the first two are not equal to themselves, NA raises TypeError."""
    try:
        return bool(value != value)  # noqa: PLR0124 - only NaN and NaT differ from themselves
    except (TypeError, ValueError, InvalidOperation):
        return str(value) in ("<NA>", "sNaN")


def _convert_numpy(value: Any) -> str:
    """Return the text of an array, or of a value that has a numpy type."""
    import numpy as np  # noqa: PLC0415 - it is loaded already if one of its values is here

    if value.shape:
        return ", ".join(map(to_cell_text, value))
    match value.dtype.kind:
        case "M":
            return to_cell_text(value.astype("M8[us]").tolist())
        case "f":
            # By its own digits: 1.1 as float32 is not 1.100000023841858, and float32 cannot hold 9845012345. The power is
            # a float, because numpy 1 does not compare a long double with an int of 65 bits.
            exact_below = 2.0 ** (np.finfo(value.dtype).nmant + 1)
            return to_cell_text(float(str(value))) if abs(value) < exact_below else f"{value:e}"
        case _:
            return to_cell_text(value.item())


def _to_header(name: Any) -> str:
    """Return the name of a column. The parts of a MultiIndex are joined, as two header rows are."""
    if isinstance(name, tuple):
        return " ".join(filter(None, map(to_cell_text, name)))
    return to_cell_text(name)


def _compute_digest(headers: tuple[str, ...], rows: Iterator[SourceRow]) -> str:
    """Return the SHA-256 of the content, in hex."""
    digest = hashlib.sha256(msgspec.json.encode(headers))
    for row in rows:
        digest.update(msgspec.json.encode(row))
    return digest.hexdigest()
