"""Write the reports of a sheet that is judged and not sent yet."""

from __future__ import annotations

from importer.errors import raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.status import RunState
from importer.pipeline.context import RunContext
from importer.pipeline.reports_folder import now
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.state.account_memory import read_memory
from importer.state.field_memory import FieldMemory

_PHONES_PER_QUERY = 1000


def write_check_reports(journal: Journal, context: RunContext) -> Summary:
    """Write the reports of a run in which every row is judged. Raises NothingSentError if the disk fails."""
    with raise_as_nothing_sent():
        _note_known_leads(journal, context)
        journal.run.write_end(RunEnd(state=RunState.CHECKED, finished_at=now().isoformat()))
        return write_reports(journal, journal.folder)


def _note_known_leads(journal: Journal, context: RunContext) -> None:
    """Write down how many of the leads that can go in the CRM took from importer before, as this computer remembers.

    A check looks up no lead, so it knows of no others.
    """
    known = 0
    with read_memory(context.require_account().folder) as memory:
        if memory is not None:
            fields, after = FieldMemory(memory, journal.metadata.base_url), -1
            while found := journal.staging.read_valid_phones(after, _PHONES_PER_QUERY):
                after = found[-1][0]
                known += fields.count_known([phone for _, phone in found])
    journal.run.change_metadata(known_leads=known)
