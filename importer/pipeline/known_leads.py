"""Count the leads of a checked sheet that importer has sent before: a check looks up no lead, so it knows of no others."""

from __future__ import annotations

from importer.journal.run_journal import Journal
from importer.pipeline.context import RunContext
from importer.state.account_memory import read_memory
from importer.state.field_memory import FieldMemory

_PHONES_PER_QUERY = 1000


def note_known_leads(journal: Journal, context: RunContext) -> None:
    """Write down how many of the leads that can go in the CRM took from importer before, as this computer remembers."""
    known = 0
    with read_memory(context.require_account().folder) as memory:
        if memory is not None:
            fields, after = FieldMemory(memory, journal.metadata.base_url), -1
            while found := journal.staging.read_valid_phones(after, _PHONES_PER_QUERY):
                after = found[-1][0]
                known += fields.count_known([phone for _, phone in found])
    journal.run.change_metadata(known_leads=known)
