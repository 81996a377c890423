"""Judge pending rows again whose dropdown values were removed from the account since the run began."""

from __future__ import annotations

from typing import NamedTuple

from importer.issues import Issue, IssueCode, Severity
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.messages import run_messages
from importer.models.delivery import NOTE_BREAK, DeliveryResult, PendingRow
from importer.models.mapping import AccountTitles, get_active_titles
from importer.models.row import NewVerdict, Payload
from importer.models.status import RowStatus, StagedVerdict
from importer.settings import UnknownPolicy
from importer.validator.judge import TitleRecheck

_ROWS_PER_COMMIT = 1000


class _ChangedRow(NamedTuple):
    """A pending row, its payload by the titles that the account has now, and its new issues."""

    row: PendingRow
    payload: Payload
    issues: tuple[Issue, ...]

    @property
    def is_sendable(self) -> bool:
        """Whether the row is sent, without the values that were removed."""
        return all(issue.severity is Severity.WARNING for issue in self.issues)


def judge_gone_titles(journal: Journal, titles: AccountTitles, unknown: UnknownPolicy) -> None:
    """Judge pending rows whose stage, group, label or product was removed, or is spelled differently now.

    A row that can no longer be sent is rejected. If it may have been imported before the run was killed, it is unknown.
    """
    if not _has_lost_titles(journal, titles):
        return
    recheck = TitleRecheck(titles, unknown=unknown)
    after = -1
    while rows := journal.delivery.read_pending(after, _ROWS_PER_COMMIT):
        after = rows[-1].number
        judged = [_ChangedRow(row, *recheck.check(row.payload)) for row in rows]
        changed = [one for one in judged if one.issues or one.payload != one.row.payload]
        _write_changed_rows(journal, changed)


def _has_lost_titles(journal: Journal, titles: AccountTitles) -> bool:
    """Return whether a title that was active when the run began is not active now."""
    now = get_active_titles(titles)
    return any(
        not set(found).issubset(now.get(dropdown, ()))
        for dropdown, found in get_active_titles(journal.metadata.titles).items()
    )


def _write_changed_rows(journal: Journal, changed: list[_ChangedRow]) -> None:
    earlier = journal.staging.read_issues([one.row.number for one in changed])
    unsure = [one for one in changed if one.row.may_have_arrived and not one.is_sendable]
    judged = [one for one in changed if one.is_sendable or not one.row.may_have_arrived]
    journal.staging.update_verdicts(_build_verdict(one, earlier[one.row.number]) for one in judged)
    journal.delivery.record(DeliveryBatch(results=[_build_unsure_result(one) for one in unsure]))


def _build_verdict(changed: _ChangedRow, earlier: tuple[Issue, ...]) -> NewVerdict:
    row, issues = changed.row, (*earlier, *changed.issues)
    if not changed.is_sendable:
        return NewVerdict(row.number, StagedVerdict.INVALID, None, issues)
    note = {"customer_note": NOTE_BREAK.join(row.notes)} if row.notes else {}
    return NewVerdict(row.number, StagedVerdict.VALID, {**changed.payload, **note}, issues)


def _build_unsure_result(changed: _ChangedRow) -> DeliveryResult:
    """Return the result of a row that may have been imported, and cannot be sent again to make sure."""
    unsure = Issue("row", IssueCode.UNSURE, "", run_messages.DETAIL_RUN_KILLED)
    return DeliveryResult(
        number=changed.row.number,
        status=RowStatus.UNKNOWN,
        attempts=1,
        http_status=None,
        note=changed.row.note_state,
        issues=(unsure, *changed.issues),
    )
