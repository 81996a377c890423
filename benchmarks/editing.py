"""Measure what a page of rows, a filter and an edit cost where `importer ui` answers, by the number of rows.

The run is a check of the usual sheet. Each figure is the CPU time of the best of several requests, in milliseconds, with the
200 rows of the page read and ready to be drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from importer.credentials import Credentials, Secret
from importer.journal.row_index import RowPart
from importer.journal.row_search import Direction, RowSearch, RowView
from importer.journal.run_journal import Journal
from importer.pipeline.context import RunContext
from importer.pipeline.edit_rows import CellEdit, RowEditor
from importer.pipeline.grid_rows import GridReader
from importer.settings import Settings

_REPEATS = 7


def measure_editing(folder: Path, url: str) -> dict[str, float]:
    """Return the seconds to open the run in `folder`, and milliseconds for each kind of request."""
    with Journal.open_unverified(folder) as journal:
        context = RunContext(settings=Settings(), credentials=Credentials(url, Secret("k")))
        began = time.process_time()
        editor = RowEditor(journal, context)
        opened_s = time.process_time() - began
        search, grid = RowSearch(journal.file, editor.index), GridReader(journal, editor.index)

        def show(
            view: RowView, start: int | None = None, direction: Direction = Direction.FORWARD
        ) -> Callable[[], object]:
            return lambda: grid.read_rows(search.find_page(view, start, direction).numbers)

        (rows,) = journal.file.sql.execute("SELECT count(*) FROM rows").fetchone()
        to_fix = search.find_page(RowView(part=RowPart.TO_FIX)).numbers
        (phone_column,) = (
            column.index for column in journal.metadata.mapping.find_columns("customer_phone")[:1]
        )
        phones = iter(range(10**9))

        def edit() -> None:
            editor.edit_cells([CellEdit(to_fix[0], phone_column, f"98{next(phones):08}")], [])

        code = editor.index.codes.most_common(1)[0][0]
        requests = {
            "first page": show(RowView()),
            "page in the middle": show(RowView(), rows // 2),
            "last page": show(RowView(), None, Direction.BACKWARD),
            "rows to fix": show(RowView(part=RowPart.TO_FIX), to_fix[-1]),
            "rows with one problem": show(RowView(code=code)),
            "text that many rows have": show(RowView(text="pune")),
            "text that no row has": show(RowView(text="no such text")),
            "one edit": edit,
        }
        found = {
            name: min(_time(request) for _ in range(_REPEATS)) * 1000 for name, request in requests.items()
        }
        return {"rows": rows, "opened_s": opened_s, **found}


def _time(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
