"""DataFrames in and out: one read as a sheet is read, and a run's rows as one."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from importer.issues import faults_of_cells
from importer.journal import Journal
from importer.models import REPORT_COLUMNS, SourceRow
from importer.report.tables import report_cells
from importer.staging import RowsReader, Sheet
from importer.staging.own_files import is_ours, theirs

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs  # in typing from Python 3.13

_HALF = re.compile("[\ud800-\udfff]").search  # half a character: no file and no request can hold it
_FIRST_ROW = 2  # the header is row 1, as when the frame is saved as a sheet
_EXACT_BELOW = 2**53  # a float above this has lost digits, and says so by its exponent


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
    if ours := is_ours(headers):
        frame = frame.iloc[:, theirs(headers)]
        headers = tuple(headers[index] for index in theirs(headers))
    reader = RowsReader(headers, rows_of(frame))
    reader.opened = msgspec.structs.replace(reader.opened, ours=ours)
    return Sheet(reader, file="DataFrame", sha256=_digest(headers, rows_of(frame)))


def rows_of(frame: pd.DataFrame) -> Iterator[SourceRow]:
    """The rows that hold something, in the frame's order."""
    columns = [frame.iloc[:, index] for index in range(frame.shape[1])]
    for number, values in enumerate(zip(*columns, strict=True), _FIRST_ROW):
        cells = tuple(map(text_of, values))
        if any(cell.strip() for cell in cells):
            yield SourceRow(number, cells, faults_of_cells(cells))


def text_of(value: object) -> str:  # noqa: PLR0911 - one line for each kind of value
    """What a person would see in the cell.

    A whole float is a whole number (a column with a gap in it turns 9845012345 into 9845012345.0), a date is
    ISO, and None, NaN and NaT are empty.
    """
    match value:
        case str():
            return (
                value
                if not _HALF(value)
                else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            )
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
            return text_of(value.tolist()) if hasattr(value, "tolist") else str(value)  # numpy's own kinds


def of_run(folder: Path) -> pd.DataFrame:
    """Every row of a run, from its journal."""
    import pandas as pd  # noqa: PLC0415 - only who asks for a frame pays for pandas

    with Journal.open(folder) as journal, journal.decoding():
        headers = journal.header.headers
        rows = [(outcome.cells, report_cells(outcome)) for outcome in journal.outcomes()]
    own = pd.DataFrame([cells for cells, _ in rows], columns=list(headers), dtype="str")
    ours = pd.DataFrame([behind for _, behind in rows], columns=list(REPORT_COLUMNS), dtype="object")
    texts = dict.fromkeys(REPORT_COLUMNS, "str")
    ours = ours.astype({**texts, "_row": "int64", "_attempts": "int64", "_http_status": "Int64"})
    return pd.concat([own, ours], axis=1)


def _is_missing(value: object) -> bool:
    """Whether it is NaN, NaT or NA: the first two are not equal to themselves, the last will not say."""
    try:
        return bool(value != value)  # noqa: PLR0124 - NaN is what is not itself
    except (TypeError, ValueError):
        return str(value) == "<NA>"


def _header(name: Any) -> str:
    """A column's name; the parts of a MultiIndex are joined, as two header lines are."""
    return " ".join(filter(None, map(text_of, name))) if isinstance(name, tuple) else text_of(name)


def _digest(headers: tuple[str, ...], rows: Iterator[SourceRow]) -> str:
    digest = hashlib.sha256(msgspec.json.encode(headers))
    for row in rows:
        digest.update(msgspec.json.encode(row))
    return digest.hexdigest()
