"""Judge rows that a person edits, with all rows that share a phone with them before or after the edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from importer.disjoint_sets import DisjointSets
from importer.issues import Issue, IssueCode, Severity, find_unreadable_cells, select_reader_issues
from importer.journal.edit_log import EditableRow, EditedRow
from importer.journal.row_index import CellProblem, IndexEntry, RowIndex, RowPart
from importer.journal.run_journal import Journal
from importer.journal.staging import (
    StagedRow,
    decode_issues,
    decode_payload,
    encode_issues,
    encode_payload,
    to_accepted,
)
from importer.loader.formats.delimited_text import MAX_CELL_CHARS
from importer.messages import format_count
from importer.models.issue_cells import IssueCells
from importer.models.row import Accepted, NewVerdict, SourceRow, SourceRows
from importer.models.status import StagedVerdict
from importer.pipeline.context import RunContext
from importer.pipeline.judge_rows import get_phone_header, make_processor_config
from importer.pipeline.unchanged_rows import open_memory_of_rows
from importer.reader.row_processor import RowProcessor
from importer.settings import merge_run_settings
from importer.validator.deduplicate import deduplicate_group
from importer.validator.lead_groups import list_numbers

_ROWS_PER_BLOCK = 1000
_MAX_EXCERPT_CHARS = 40
_DOUBT_CODES = frozenset({IssueCode.SHORTENED, IssueCode.DRAGGED})
_GROUP_CODES = frozenset({IssueCode.SHARED_PHONE, IssueCode.SHORTENED})
"""What rejects a row because of another row."""
_LEFT_OUT = Issue("row", IssueCode.LEFT_OUT_BY_HAND)


class RowState(NamedTuple):
    """A row to be judged: its cells, and what the reader had found with it as a whole."""

    number: int
    cells: tuple[str, ...]
    reader_issues: tuple[Issue, ...]
    is_left_out: bool


class JudgedEdits(NamedTuple):
    """What an edit makes of rows: each judged by itself, then what sharing a phone makes of some of them.

    `changed` are the rows that are not as they were. `phones` are those of each row that may be merged.
    """

    staged: list[StagedRow]
    verdicts: list[NewVerdict]
    changed: tuple[int, ...]
    phones: dict[int, tuple[str, ...]]


class EditJudge:
    """Judges edited rows by the mapping, the lists and the options of their run: it needs neither a key nor the network."""

    def __init__(self, journal: Journal, context: RunContext) -> None:
        metadata = journal.metadata
        self.settings = merge_run_settings(context.settings, metadata.options)
        account = context.find_account_of(metadata)
        self._context = context.replace(settings=self.settings, titles=metadata.titles, account=account)
        self._journal = journal
        self._process = RowProcessor(make_processor_config(metadata, self._context, None)).process
        self._issue_cells = IssueCells(metadata.mapping.columns)
        self._header = get_phone_header(metadata.mapping)

    # --- the index

    def read_entries(self) -> Iterator[IndexEntry]:
        """Yield what an index needs to know of the rows about which there is something to say."""
        log, after = self._journal.edits, -1
        while numbers := log.find_noted_rows(after, _ROWS_PER_BLOCK):
            after = numbers[-1]
            rows = log.read_rows(numbers)
            merged = [RowState(row.number, row.cells, (), False) for row in rows.values() if _was_merged(row)]
            phones = {number: list_numbers(row) for number, row in self._judge_alone(merged)[1].items()}
            yield from (
                self._build_entry(row, phones.get(number) or _read_phones(row))
                for number, row in rows.items()
            )

    def describe(self, judged: JudgedEdits) -> list[IndexEntry]:
        """Return the same of rows that were judged and written."""
        rows = self._journal.edits.read_rows(judged.phones)
        return [self._build_entry(row, judged.phones[number]) for number, row in rows.items()]

    def _build_entry(self, row: EditableRow, phones: Sequence[str]) -> IndexEntry:
        issues = decode_issues(row.issues)
        columns = self._issue_cells.find_columns(issues, row.cells) if issues else ()
        problems = {
            CellProblem(issue.machine_code, column, row.cells[column] if column >= 0 else "")
            for issue, column in zip(issues, columns, strict=True)
        }
        return IndexEntry(row.number, find_part(row.verdict, issues), tuple(problems), phones)

    # --- edits

    def find_reader_issues(self, row: EditableRow, index: RowIndex) -> tuple[Issue, ...]:
        """Return what the reader had found with a row as the file has it.

        A number that Excel may have shortened was doubted by the reader if no other row has it. If one has it, the two
        rows are compared again.
        """
        if row.reader_issues is not None:
            return decode_issues(row.reader_issues)
        issues = decode_issues(row.issues)
        doubts = tuple(issue for issue in issues if issue.code in _DOUBT_CODES)
        if any(issue.code == IssueCode.SHORTENED for issue in doubts) and index.find_rows([row.phone]) - {
            row.number
        }:
            doubts = tuple(issue for issue in doubts if issue.code != IssueCode.SHORTENED)
        return (*select_reader_issues(issues), *doubts)

    def judge(self, edited: Sequence[EditedRow], index: RowIndex) -> JudgedEdits:
        """Judge rows as they are after an edit, and all rows that share a phone with them. Nothing is written."""
        rows = {one.row.number: one.row for one in edited}
        before = self._judge_alone([self._get_state(row, index) for row in rows.values()])[1]
        staged, accepted = self._judge_alone([_get_new_state(one) for one in edited])
        phones, seen = _collect_numbers((*before.values(), *accepted.values())), set[str]()
        while new := phones - seen:
            seen |= new
            found = self._journal.edits.read_rows(index.find_rows(new) - rows.keys())
            rows |= found
            judged = self._judge_alone([self._get_state(row, index) for row in found.values()])
            staged |= judged[0]
            accepted |= judged[1]
            phones |= _collect_numbers(judged[1].values())
        verdicts = self._compare(accepted)
        return JudgedEdits(
            staged=list(staged.values()),
            verdicts=list(verdicts.values()),
            changed=_find_changed(rows, edited, staged, verdicts),
            phones={
                number: tuple(list_numbers(accepted[number])) if number in accepted else ()
                for number in staged
            },
        )

    def _get_state(self, row: EditableRow, index: RowIndex) -> RowState:
        issues = self.find_reader_issues(row, index)
        return RowState(
            row.number, row.cells, _keep_issues(issues, row.file_cells, row.cells), row.is_left_out
        )

    def _judge_alone(self, states: Sequence[RowState]) -> tuple[dict[int, StagedRow], dict[int, Accepted]]:
        """Return each row as it is by itself, and those among them that are accepted, by number."""
        left_out = {state.number for state in states if state.is_left_out}
        sources = [SourceRow(state.number, state.cells, state.reader_issues) for state in states]
        judged = [
            StagedRow(*row) for batch in self._process([SourceRows.from_rows(sources)]) for row in batch
        ]
        staged = {row.number: _leave_out(row) if row.number in left_out else row for row in judged}
        return staged, {
            number: _read_accepted(row) for number, row in staged.items() if row.payload is not None
        }

    def _compare(self, accepted: Mapping[int, Accepted]) -> dict[int, NewVerdict]:
        """Return the new verdicts of rows that share a phone, and of those that were sent before, by number."""
        duplicates, sheets = self._context.settings.duplicates, self._journal.metadata.sheets
        verdicts = {
            verdict.number: verdict
            for group in _split_by_phone(accepted)
            for verdict in deduplicate_group(group, duplicates, header=self._header, sheets=sheets)
        }
        if self._context.settings.changed:
            with open_memory_of_rows(self._journal, self._context) as memory:
                valid = list(_list_valid(accepted, verdicts))
                verdicts |= {verdict.number: verdict for verdict in (memory.find(valid) if memory else ())}
        return verdicts


def find_part(verdict: str, issues: Sequence[Issue]) -> RowPart:
    """Return the part of the rows to which a row with this verdict and these issues belongs."""
    match StagedVerdict(verdict):
        case StagedVerdict.VALID:
            return RowPart.WARNED if issues else RowPart.READY
        case StagedVerdict.INVALID:
            is_lead = all(issue.severity is not Severity.NOT_A_LEAD for issue in issues)
            return RowPart.TO_FIX if is_lead else RowPart.SKIPPED
        case StagedVerdict.DUPLICATE | StagedVerdict.UNCHANGED:
            return RowPart.SKIPPED


# --- one row


def _get_new_state(edited: EditedRow) -> RowState:
    issues = _keep_issues(edited.reader_issues, edited.row.file_cells, edited.cells)
    return RowState(edited.row.number, edited.cells, issues, edited.is_left_out)


def _keep_issues(
    issues: tuple[Issue, ...], file_cells: Sequence[str], cells: Sequence[str]
) -> tuple[Issue, ...]:
    """Return the reader's issues that still hold after an edit.

    A person who changed a cell has looked at the row: a comma too many is no issue any more. A doubted number is one as
    long as it stands there, and so is a cell that cannot be read or is too long.
    """
    if tuple(file_cells) == tuple(cells):
        return issues
    doubts = (issue for issue in issues if issue.code in _DOUBT_CODES and issue.value in cells)
    return (*find_unreadable_cells(cells), *_find_long_cells(cells), *doubts)


def _find_long_cells(cells: Sequence[str]) -> Iterator[Issue]:
    for cell in cells:
        if len(cell) > MAX_CELL_CHARS:
            yield Issue("row", IssueCode.TOO_LONG, "", cell[:_MAX_EXCERPT_CHARS], format_count(len(cell)))
            return


def _leave_out(row: StagedRow) -> StagedRow:
    return row._replace(verdict=StagedVerdict.INVALID.value, payload=None, issues=encode_issues([_LEFT_OUT]))


def _read_accepted(row: StagedRow) -> Accepted:
    assert row.payload is not None
    return to_accepted((row.number, row.phone, row.payload, row.issues))


def _was_merged(row: EditableRow) -> bool:
    """Return whether a row may have been accepted by itself, and was not because of another row."""
    if row.verdict == StagedVerdict.INVALID:
        return any(issue.code in _GROUP_CODES for issue in decode_issues(row.issues))
    return row.verdict == StagedVerdict.DUPLICATE


def _read_phones(row: EditableRow) -> Sequence[str]:
    """Return the phones of a row that is sent, or was sent before. The journal finds those with a single one."""
    if row.payload is None or (row.verdict == StagedVerdict.VALID and '"add_phones":' not in row.payload):
        return ()
    payload = decode_payload(row.payload)
    return (payload["customer_phone"], *payload.get("add_phones", ()))


# --- several rows


def _collect_numbers(rows: Iterable[Accepted]) -> set[str]:
    return {phone for row in rows for phone in list_numbers(row)}


def _split_by_phone(accepted: Mapping[int, Accepted]) -> Iterator[list[Accepted]]:
    """Yield the rows that share a number, directly or by way of others, in file order."""
    sets, first = DisjointSets[int](), dict[str, int]()
    for number, row in accepted.items():
        for phone in list_numbers(row):
            sets.connect(first.setdefault(phone, number), number)
    for numbers in sets.list_sets():
        if len(numbers) > 1:
            yield [accepted[number] for number in numbers]


def _list_valid(accepted: Mapping[int, Accepted], verdicts: Mapping[int, NewVerdict]) -> Iterator[Accepted]:
    """Yield the rows that would be sent, with what was merged into them."""
    for number, row in accepted.items():
        verdict = verdicts.get(number)
        if verdict is None:
            yield row
        elif verdict.verdict is StagedVerdict.VALID and verdict.payload is not None:
            yield Accepted(row.row, row.phone, verdict.payload, verdict.issues)


def _find_changed(
    rows: Mapping[int, EditableRow],
    edited: Sequence[EditedRow],
    staged: Mapping[int, StagedRow],
    verdicts: Mapping[int, NewVerdict],
) -> tuple[int, ...]:
    """Return the rows whose cells, verdict, payload or issues are not as they were, in order."""
    changed = {one.row.number for one in edited}
    for number, row in staged.items():
        verdict = verdicts.get(number)
        if verdict is None:
            now = (row.verdict, row.payload, row.issues)
        else:
            now = (verdict.verdict.value, encode_payload(verdict.payload), encode_issues(verdict.issues))
        if now != (rows[number].verdict, rows[number].payload, rows[number].issues):
            changed.add(number)
    return tuple(sorted(changed))
