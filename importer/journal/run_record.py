"""What the journal knows about its run as a whole: metadata, state and end."""

from __future__ import annotations

from typing import Any

import msgspec

from importer.errors import DamagedJournalError
from importer.journal.database import JournalFile
from importer.journal.run_metadata import END_KEY, METADATA_KEY, RunEnd, RunMetadata
from importer.messages import run_messages
from importer.models.mapping import Mapping, Notice
from importer.models.status import RunState


class RunRecord:
    """The metadata of a run and its state, in memory and on disk."""

    def __init__(self, file: JournalFile, metadata: RunMetadata) -> None:
        self._file = file
        self.metadata = metadata

    @classmethod
    def create(cls, file: JournalFile, metadata: RunMetadata) -> RunRecord:
        """Write the metadata of a new run."""
        with file.commit():
            file.write_part(METADATA_KEY, metadata)
            file.write_part(END_KEY, RunEnd(state=RunState.STAGING))
        return cls(file, metadata)

    @classmethod
    def load(cls, file: JournalFile) -> RunRecord:
        """Read the metadata of an earlier run. Raises DamagedJournalError."""
        with file.translate_read_errors():
            metadata = file.read_part(METADATA_KEY, RunMetadata)
        if metadata is None:
            raise DamagedJournalError(*run_messages.INCOMPLETE_JOURNAL.format(path=file.path))
        return cls(file, metadata)

    @property
    def end(self) -> RunEnd:
        """The state of the run, and how it ended."""
        with self._file.translate_read_errors():
            return self._file.read_part(END_KEY, RunEnd) or RunEnd(state=RunState.STAGING)

    def write_end(self, end: RunEnd) -> None:
        """Write the state of the run, and how it ended."""
        with self._file.commit():
            self._file.write_part(END_KEY, end)

    def set_notices(self, notices: tuple[Notice, ...]) -> None:
        """Replace the notices, for instance when the end of the sheet adds hidden rows and footers."""
        self.change_metadata(notices=notices)

    def set_mapping(self, mapping: Mapping) -> None:
        """Replace the mapping, when answers were added to it while the rows were judged."""
        self.change_metadata(mapping=mapping)

    def change_metadata(self, **values: Any) -> None:
        """Replace fields of the metadata."""
        self.metadata = msgspec.structs.replace(self.metadata, **values)
        with self._file.commit():
            self._file.write_part(METADATA_KEY, self.metadata)
