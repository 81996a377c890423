"""Edit the rows of a judged run before it is sent. Each edit is judged at once, with the rows that share its phones.

The result is what judging the edited sheet from the start would give. The sheet itself is not read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from importer.errors import StaleEditError, UsageError
from importer.fields import FIELDS_BY_NAME
from importer.issues import LOST_CHARACTER, Issue, IssueCode
from importer.journal.edit_log import Edit, EditableRow, EditedRow, group_by_row
from importer.journal.row_index import CellProblem, RowIndex
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.messages import edit_messages, issue_messages, undo_messages
from importer.models.row import name_row
from importer.models.status import SHEET_COLUMN, UNSENT, RunKind, RunState
from importer.pipeline.context import RunContext
from importer.pipeline.judge_edits import EditJudge
from importer.pipeline.reports_folder import now
from importer.pipeline.resume import lock_journal
from importer.pipeline.schedule_tasks import reschedule_tasks

_IN, _OUT = "in", "out"
"""Whether a row takes part, as the log of edits writes it."""


class RowVersion(NamedTuple):
    """A row as its editor has seen it. An edit of an older version is refused, so that no other edit is lost."""

    number: int
    version: int


class CellEdit(NamedTuple):
    """A new text for one cell."""

    number: int
    column: int
    text: str


class EditResult(NamedTuple):
    """What an edit did: its step, and the rows that changed, also those that were merged with others or set apart."""

    step: int
    changed: tuple[int, ...]


class RowEditor:
    """Edits the rows of one run. It is kept while a person edits, because it holds an index. Not for two threads at once."""

    def __init__(self, journal: Journal, context: RunContext, *, clock: Callable[[], datetime] = now) -> None:
        self._journal = journal
        self._log = journal.edits
        self._clock = clock
        self._judge = EditJudge(journal, context)
        self.index = RowIndex(journal.file)
        self._headers = journal.metadata.headers
        self._fields = {column.index: column.field for column in journal.metadata.mapping.columns}
        self._seen_version = -1
        self.refresh()

    def refresh(self) -> None:
        """Build the index again if another connection has written to the journal."""
        (version,) = self._journal.file.sql.execute("PRAGMA main.data_version").fetchone()
        if version != self._seen_version or self.index.is_lost:
            self.index.build(self._judge.read_entries())
            self._seen_version = version

    def edit_cells(self, edits: Sequence[CellEdit], seen: Sequence[RowVersion]) -> EditResult:
        """Write new texts into cells, as one step. Raises StaleEditError, UsageError, RunLockedError."""
        last = {(edit.number, edit.column): edit for edit in edits}.values()
        numbers = [edit.number for edit in last]
        return self._change(numbers, seen, lambda rows: [self._to_edit(edit, rows) for edit in last])

    def edit_same(self, seen: RowVersion, problem: CellProblem, text: str) -> EditResult:
        """Write a text into all cells of a column with the same text and the same problem, as one step."""
        self.refresh()
        edits = [CellEdit(number, problem.column, text) for number in self.index.find_same(problem)]
        numbers = [edit.number for edit in edits]
        return self._change(numbers, [seen], lambda rows: [self._to_edit(edit, rows) for edit in edits])

    def leave_out(self, seen: Sequence[RowVersion]) -> EditResult:
        """Leave rows out of the import, as one step. Raises the same."""
        return self._move(seen, _OUT)

    def take_back(self, seen: Sequence[RowVersion]) -> EditResult:
        """Take rows back that were left out, as one step. Raises the same."""
        return self._move(seen, _IN)

    def undo(self, step: int) -> EditResult:
        """Undo a step, as a step of its own. Raises StaleEditError if one of its cells was changed again since."""
        edits = self._log.read_step(step)
        if not edits or self._log.is_undone(step):
            raise StaleEditError(*edit_messages.NOTHING_TO_UNDO)
        back = [edit._replace(before=edit.after, after=edit.before) for edit in reversed(edits)]
        numbers = [edit.number for edit in edits]
        return self._change(numbers, (), lambda rows: self._require_untouched(back, rows), undoes=step)

    def _move(self, seen: Sequence[RowVersion], to: str) -> EditResult:
        numbers = [one.number for one in seen]
        return self._change(
            numbers,
            seen,
            lambda rows: [Edit(number, None, _get_place(rows[number]), to) for number in numbers],
        )

    # --- one change

    def _change(
        self,
        numbers: Sequence[int],
        seen: Sequence[RowVersion],
        build: Callable[[Mapping[int, EditableRow]], Sequence[Edit]],
        *,
        undoes: int | None = None,
    ) -> EditResult:
        """Write edits and judge their rows, in one commit."""
        self.refresh()
        with lock_journal(self._journal), self._rebuild_index_on_error(), self._journal.file.commit():
            self._require_unsent()
            all_numbers = dict.fromkeys([*numbers, *(row.number for row in seen)])
            rows = self._log.read_rows(all_numbers)
            self._require_rows(rows, all_numbers, seen)
            edits = [edit for edit in build(rows) if edit.before != edit.after]
            edited = [self._apply(rows[number], found) for number, found in group_by_row(edits).items()]
            judged = self._judge.judge(edited, self.index)
            step = self._log.record(edits, edited, made_at=self._clock().isoformat(), undoes=undoes)
            self._journal.staging.record_rows(judged.staged)
            self._journal.staging.record_verdicts(judged.verdicts)
            reschedule_tasks(self._journal, self._judge.settings, list(judged.phones))
            self.index.update(self._judge.describe(judged))
            return EditResult(step, judged.changed)

    @contextmanager
    def _rebuild_index_on_error(self) -> Iterator[None]:
        """Have the index built again after an edit that was not written: its counts may be those of the edit."""
        try:
            yield
        except BaseException:
            self._seen_version = -1
            raise

    def _require_unsent(self) -> None:
        """Raise UsageError for a run that is sent. A plan becomes a check again: an edited row needs another plan."""
        run = self._journal.run
        state, metadata = run.end.state, run.metadata
        if metadata.kind is RunKind.UNDO:
            raise UsageError(*undo_messages.EDIT_OF_UNDO.format(run=self._journal.run_id))
        if state not in UNSENT:
            raise UsageError(*edit_messages.RUN_WAS_SENT.format(run=self._journal.run_id))
        if state is RunState.PLANNED:
            self._journal.plans.remove_plans()
            run.record_end(RunEnd(state=RunState.CHECKED, finished_at=self._clock().isoformat()))

    def _require_rows(
        self, rows: Mapping[int, EditableRow], numbers: Iterable[int], seen: Iterable[RowVersion]
    ) -> None:
        for number in numbers:
            if number not in rows:
                raise UsageError(*edit_messages.NO_SUCH_ROW.format(row=self._name(number)))
        for number, version in seen:
            if rows[number].version != version:
                raise StaleEditError(*edit_messages.STALE_EDIT.format(row=self._name(number)))

    def _require_untouched(self, back: Sequence[Edit], rows: Mapping[int, EditableRow]) -> Sequence[Edit]:
        """Return the edits if the cells are still as the step left them. Raises StaleEditError."""
        for edit in back:
            row = rows[edit.number]
            now_there = _get_place(row) if edit.column is None else row.cells[edit.column]
            if now_there != edit.before:
                raise StaleEditError(*edit_messages.STALE_EDIT.format(row=self._name(edit.number)))
        return back

    def _to_edit(self, edit: CellEdit, rows: Mapping[int, EditableRow]) -> Edit:
        row = rows[edit.number]
        can_change = 0 <= edit.column < len(row.cells) and self._headers[edit.column] != SHEET_COLUMN
        if not can_change:
            text = edit_messages.NO_SUCH_CELL.format(row=self._name(edit.number), column=str(edit.column + 1))
            raise UsageError(*text)
        return Edit(edit.number, edit.column, row.cells[edit.column], _clean(edit.text))

    def _apply(self, row: EditableRow, edits: Sequence[Edit]) -> EditedRow:
        """Return the row after its edits."""
        cells, is_left_out = list(row.cells), row.is_left_out
        for edit in edits:
            if edit.column is None:
                is_left_out = edit.after == _OUT
            else:
                cells[edit.column] = edit.after
        reader_issues = self._judge.find_reader_issues(row, self.index)
        return EditedRow(row, tuple(cells), reader_issues, is_left_out, tuple(self._describe(row, cells)))

    def _describe(self, row: EditableRow, cells: Sequence[str]) -> Iterator[Issue]:
        """Yield an issue for each cell that differs from the file, with the text that the file has."""
        for column, (in_file, text) in enumerate(zip(row.file_cells, cells, strict=True)):
            if in_file != text:
                field = self._fields.get(column, "")
                shown = (
                    issue_messages.FILE_VALUE.format(value=in_file) if in_file else issue_messages.EMPTY_CELL
                )
                yield Issue(
                    field if field in FIELDS_BY_NAME else "row",
                    IssueCode.EDITED,
                    self._headers[column],
                    in_file,
                    shown,
                )

    def _name(self, number: int) -> str:
        return name_row(number, self._journal.metadata.sheets)


def _get_place(row: EditableRow) -> str:
    return _OUT if row.is_left_out else _IN


def _clean(text: str) -> str:
    """Return a text that can be written down: half a surrogate pair, which JSON allows, is a lost character."""
    return (
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufffd", LOST_CHARACTER)
    )
