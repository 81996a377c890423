"""Leave out rows that the CRM took from this tool before, with the same values (`--changed`): they need no request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from importer.issues import Issue, IssueCode
from importer.journal.delivery_log import list_notes, remove_note
from importer.journal.run_journal import Journal
from importer.messages import format_time
from importer.models.row import Accepted, NewVerdict, Payload
from importer.models.status import NoteState, StagedVerdict
from importer.pipeline.context import RunContext
from importer.planner.policies import Policies
from importer.planner.sent_before import is_sent_before
from importer.state.account_memory import AccountMemory, read_memory
from importer.state.field_memory import FieldMemory, LeadMemory
from importer.state.note_ledger import NoteLedger, RunIdentity

_ROWS_PER_COMMIT = 1000


def leave_out_unchanged_rows(journal: Journal, context: RunContext) -> None:
    """Give each valid row that was sent before the verdict UNCHANGED, and say by which run. The CRM is not asked."""
    with open_memory_of_rows(journal, context) as finder:
        after = -1
        while finder is not None and (rows := journal.staging.read_valid_rows(after, _ROWS_PER_COMMIT)):
            after = rows[-1].row.number
            journal.staging.update_verdicts(finder.find(rows))


@contextmanager
def open_memory_of_rows(journal: Journal, context: RunContext) -> Iterator[UnchangedRows | None]:
    """Yield what finds unchanged rows, None if nothing is remembered of the account."""
    with read_memory(context.require_account().folder) as memory:
        policies = context.choose_policies(journal.metadata.mapping)
        yield None if memory is None else UnchangedRows(memory, _identify_run(journal), policies)


def _identify_run(journal: Journal) -> RunIdentity:
    metadata = journal.metadata
    return RunIdentity(metadata.run_id, metadata.account, metadata.base_url)


class UnchangedRows:
    """Finds rows that were sent before, in what this computer remembers of the account."""

    def __init__(self, memory: AccountMemory, run: RunIdentity, policies: Policies) -> None:
        self._fields = FieldMemory(memory, run.base_url)
        self._notes = NoteLedger(memory, run)
        self._account = run.account
        self._policies = policies

    def find(self, rows: Sequence[Accepted]) -> Iterator[NewVerdict]:
        """Yield the new verdicts of those of the rows that were sent before."""
        known = self._fields.read_settled([row.phone for row in rows], self._policies.describe())
        candidates = [row for row in rows if row.phone in known]
        payloads = self._drop_sent_notes([row.payload for row in candidates])
        for row, payload in zip(candidates, payloads, strict=True):
            lead = known[row.phone]
            if is_sent_before(payload, lead.fields, self._policies):
                issues = (*row.issues, _build_issue(lead))
                yield NewVerdict(row.row.number, StagedVerdict.UNCHANGED, row.payload, issues)

    def _drop_sent_notes(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads without notes that the CRM has for certain. A note in doubt stays: its row goes again."""
        notes = [list_notes(payload) for payload in payloads]
        known = self._notes.find_known([note for found in notes for note in found])
        sent = {
            note
            for note, one in known.items()
            if one.state is NoteState.SENT and one.account == self._account
        }
        return [
            remove_note(payload) if found and sent.issuperset(found) else payload
            for payload, found in zip(payloads, notes, strict=True)
        ]


def _build_issue(lead: LeadMemory) -> Issue:
    written = format_time(datetime.fromisoformat(lead.written_at))
    return Issue("row", IssueCode.SENT_BEFORE, "", written, lead.run_id)
