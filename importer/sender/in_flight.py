"""One row on its way to the CRM: its attempts, its doubts, and the body of its next request."""

from __future__ import annotations

import msgspec

from importer.models.delivery import PendingRow
from importer.models.status import NoteState


class InFlightRow:
    """One row on its way, and what became of it so far."""

    def __init__(self, row: PendingRow) -> None:
        self.row = row
        self.attempts = 0
        self.sent = 0
        self.left_at = 0.0
        self.has_left = False
        self.is_under_way = False
        self.is_settled = False
        self.may_have_arrived = False

    @property
    def was_in_doubt(self) -> bool:
        """Whether an attempt of this sending, or of one before a crash, may have arrived."""
        return self.may_have_arrived or self.row.may_have_arrived

    def doubt(self) -> None:
        """It may have arrived; a note that was with it must not travel again."""
        self.may_have_arrived = True
        if self.row.note is not None:
            self.row = msgspec.structs.replace(self.row, note_state=NoteState.UNKNOWN)

    def body(self, *, create: bool) -> dict[str, object]:
        """The request's body: with the note only while it is sure that it has not arrived."""
        body = {**self.row.payload, "create_customer_if_customer_phone_not_found": create}
        if (note := self.row.note) is not None:
            body["customer_note"] = note
        return body
