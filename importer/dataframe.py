"""DataFrames in and out: one read as a sheet is read, and a run's rows as one."""

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
from importer.models.status import REPORT_COLUMNS, is_report_header
from importer.reader.reimport import restore_rows
from importer.reader.source import InMemoryReader, Sheet
from importer.report.results_csv import to_report_cells

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs  # in typing from Python 3.13

_HALF = re.compile("[\ud800-\udfff]").search  # half a character: no file and no request can hold it
_FIRST_ROW = 2  # the header is row 1, as when the frame is saved as a sheet
_EXACT_BELOW = 2**53  # a float above this has lost digits, and says so by its exponent
_BYTES_OF_A_FLOAT = 8


def is_frame(source: object) -> TypeIs[pd.DataFrame]:
    """Whether it is a DataFrame; pandas is not loaded to find out."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, pandas.DataFrame)


def sheet_of(frame: pd.DataFrame) -> Sheet:
    """The frame as a sheet, named `DataFrame`. Its index is left aside.

    A frame that came from `Result.to_frame` is known again: its `_` columns are set aside and the mapping of
    its run is kept, as for failed_rows.
    """
    headers = tuple(_header(name) for name in frame.columns)
    reader = InMemoryReader(*_read(frame, headers))
    reader.preview = msgspec.structs.replace(reader.preview, is_own_report=is_report_header(headers))
    return Sheet(reader, file="DataFrame", sha256=_digest(*_read(frame, headers)))


def _read(frame: pd.DataFrame, headers: tuple[str, ...]) -> tuple[tuple[str, ...], Iterator[SourceRow]]:
    """Headers and rows without our own columns."""
    rows = rows_of(frame)
    if not is_report_header(headers):
        return headers, rows
    headers, blocks = restore_rows(headers, split_into_blocks(rows))
    return headers, chain.from_iterable(blocks)


def rows_of(frame: pd.DataFrame) -> Iterator[SourceRow]:
    """The rows that hold something, in the frame's order."""
    columns = [_values(frame.iloc[:, index]) for index in range(frame.shape[1])]
    for number, values in enumerate(zip(*columns, strict=True), _FIRST_ROW):
        cells = tuple(map(text_of, values))
        if any(cell.strip() for cell in cells):
            yield SourceRow(number, cells, find_unreadable_cells(cells))


def text_of(value: object) -> str:  # noqa: PLR0911 - one line for each kind of value
    """What a person would see in the cell.

    A whole float is a whole number (a column with a gap in it turns 9845012345 into 9845012345.0), a float that is too
    narrow for its digits says so by its exponent, a date is ISO, bytes are UTF-8, and None, NaN and NaT are empty.
    """
    match value:
        case str() | bytes() | bytearray():
            return _of_text(value)
        case None:
            return ""
        case list() | tuple():
            return ", ".join(map(text_of, value))
        case _ if _is_missing(value):
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _EXACT_BELOW else repr(float(value))
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            at_midnight = value.tzinfo is None and value.time() == dt.time()
            return value.date().isoformat() if at_midnight else value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return _of_numpy(value) if hasattr(value, "dtype") else str(value)


def of_run(folder: Path) -> pd.DataFrame:
    """Every row of a run, from its journal."""
    import pandas as pd  # noqa: PLC0415 - only who asks for a frame pays for pandas

    with Journal.open(folder) as journal, journal.translate_decode_errors():
        headers = journal.metadata.headers
        rows = [(outcome.cells, to_report_cells(outcome)) for outcome in journal.read_report_rows()]
    own = pd.DataFrame([cells for cells, _ in rows], columns=list(headers), dtype="str")
    ours = pd.DataFrame([behind for _, behind in rows], columns=list(REPORT_COLUMNS), dtype="object")
    texts = dict.fromkeys(REPORT_COLUMNS, "str")
    ours = ours.astype({**texts, "_row": "int64", "_attempts": "int64", "_http_status": "Int64"})
    return pd.concat([own, ours], axis=1)


def _values(column: pd.Series[Any]) -> Iterable[object]:
    """A column's cells. Pandas would show those of a float32 column as whole floats, with digits that none of them has."""
    kind: Any = column.dtype
    size = getattr(kind, "itemsize", _BYTES_OF_A_FLOAT)
    narrow = kind.kind == "f" and size != _BYTES_OF_A_FLOAT
    return column.to_numpy(f"f{size}", na_value=math.nan) if narrow else column


def _of_text(value: str | bytes | bytearray) -> str:
    """It as a plain text: numpy and scrapers have kinds of str of their own, and some readers leave bytes."""
    text = str.__str__(value) if isinstance(value, str) else bytes(value).decode(errors="replace")
    return (
        text if not _HALF(text) else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    )


def _is_missing(value: object) -> bool:
    """Whether it is NaN, NaT or NA: the first two are not equal to themselves, the last will not say."""
    try:
        return bool(value != value)  # noqa: PLR0124 - NaN is what is not itself
    except (TypeError, ValueError, InvalidOperation):
        return str(value) in ("<NA>", "sNaN")


def _of_numpy(value: Any) -> str:
    """An array, or a value of a kind of numpy's own."""
    import numpy as np  # noqa: PLC0415 - it is there when one of its values is

    if value.shape:
        return ", ".join(map(text_of, value))
    match value.dtype.kind:
        case "M":
            return text_of(value.astype("M8[us]").tolist())
        case "f":  # its own digits: 1.1 as float32 is no 1.100000023841858, and 9845012345 is not held by it
            exact_below = 2 ** (np.finfo(value.dtype).nmant + 1)
            return text_of(float(str(value))) if abs(value) < exact_below else f"{value:e}"
        case _:
            return text_of(value.item())


def _header(name: Any) -> str:
    """A column's name; the parts of a MultiIndex are joined, as two header lines are."""
    return " ".join(filter(None, map(text_of, name))) if isinstance(name, tuple) else text_of(name)


def _digest(headers: tuple[str, ...], rows: Iterator[SourceRow]) -> str:
    digest = hashlib.sha256(msgspec.json.encode(headers))
    for row in rows:
        digest.update(msgspec.json.encode(row))
    return digest.hexdigest()
