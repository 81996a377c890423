"""The runs whose rows are edited: each with its journal and its index, open from the first page to the next task."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from importer.errors import RunLockedError
from importer.fields import FIELDS_BY_NAME, Kind, get_field_label
from importer.journal.row_search import RowSearch
from importer.journal.run_journal import Journal
from importer.messages import ui_messages
from importer.models.mapping import get_unique_titles, group_titles_by_field
from importer.models.status import SHEET_COLUMN
from importer.pipeline.context import RunContext
from importer.pipeline.edit_rows import RowEditor
from importer.pipeline.grid_rows import GridReader
from importer.settings import Settings

_NAME_FIELDS = ("full_name", "first_name", "business_name")
_MAX_OPEN = 4  # runs at once; each has an index in temporary files


class OpenRows:
    """The rows of one run.

    `titles` are the values that the account has, by column; `single_titles` take only one. `name_column` says whose row it is.
    """

    def __init__(self, folder: Path) -> None:
        self.journal = Journal.open(folder)
        try:
            self.editor = RowEditor(self.journal, RunContext(settings=Settings()))
        except BaseException:
            self.journal.close()
            raise
        self.search = RowSearch(self.journal.file, self.editor.index)
        self.grid = GridReader(self.journal, self.editor.index)
        self.headers = self.journal.metadata.headers
        columns = self.journal.metadata.mapping.columns
        titles = group_titles_by_field(get_unique_titles(self.journal.metadata.titles))
        self.titles = {column.index: titles[column.field] for column in columns if titles.get(column.field)}
        fields = {column.index: column.field for column in columns if column.field in FIELDS_BY_NAME}
        self.single_titles = {at for at, name in fields.items() if FIELDS_BY_NAME[name].kind is Kind.TITLE}
        names = [at for name in _NAME_FIELDS for at, field in fields.items() if field == name]
        self.name_column = names[0] if names else None
        self.labels = [get_field_label(fields[at]) if at in fields else "" for at in range(len(self.headers))]
        self.lock = threading.Lock()
        self.is_closed = False

    @property
    def columns(self) -> list[int]:
        """The columns that a person may change."""
        return [at for at, header in enumerate(self.headers) if header != SHEET_COLUMN]


class RowEditors:
    """Opens the rows of a run when a page needs them. One request at a time uses them."""

    def __init__(self) -> None:
        self._open: dict[str, OpenRows] = {}
        self._lock = threading.Lock()

    @contextmanager
    def open(self, folder: Path) -> Iterator[OpenRows]:
        """Yield the rows of the run in `folder`. Raises DamagedJournalError, or RunLockedError if they were closed meanwhile."""
        with self._lock:
            rows = self._open.pop(folder.name, None) or OpenRows(folder)
            self._open[folder.name] = rows  # the last one is the one used last
            for run_id in list(self._open)[:-_MAX_OPEN]:
                self._close(run_id)
        with rows.lock:
            if rows.is_closed:
                raise RunLockedError(*ui_messages.RUN_IN_USE)
            rows.editor.refresh()
            yield rows

    def close(self, run_id: str) -> None:
        """Close the rows of a run, because something else works with it now."""
        with self._lock:
            self._close(run_id)

    def _close(self, run_id: str) -> None:
        rows = self._open.pop(run_id, None)
        if rows is not None:
            with rows.lock:
                rows.is_closed = True
                rows.journal.close()
