"""One row on its way to the CRM: its state, its attempts, and the body of its next request."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from importer.models.delivery import PendingRow
from importer.models.status import NoteState


class InFlightState(Enum):
    """Where a row is between the journal and its result."""

    READY = auto()  # its intent is on disk, and no request has left
    SENDING = auto()  # a request is under way
    WAITING = auto()  # its last request was answered, and another one may follow
    SETTLED = auto()  # it has its result


class InFlightRow:
    """A row that a worker delivers. `left_at` is the clock's time of its last departure."""

    def __init__(self, row: PendingRow) -> None:
        self.row = row
        self.state = InFlightState.READY
        self.attempts = 0  # those that count
        self.requests = 0  # all, also those that the server asked to send again later
        self.left_at = 0.0
        self._is_in_doubt = False

    @property
    def may_have_arrived(self) -> bool:
        """Whether an attempt of this run, or one before a crash, may have arrived."""
        return self._is_in_doubt or self.row.may_have_arrived

    @property
    def can_be_withdrawn(self) -> bool:
        """Whether nothing of this run can have arrived, so that the row is pending again."""
        if self.state is InFlightState.SETTLED or self.state is InFlightState.SENDING:
            return False
        return not self._is_in_doubt

    def mark_doubt(self) -> None:
        """Record that the last request may have arrived. A note that was with it must not be sent again."""
        self._is_in_doubt = True
        if self.row.note is not None:
            self.row = msgspec.structs.replace(self.row, note_state=NoteState.UNKNOWN)

    def build_body(self, *, create: bool) -> dict[str, object]:
        """Build the body of the next request. The note is in it only while it surely has not arrived."""
        body = {**self.row.payload, "create_customer_if_customer_phone_not_found": create}
        if (note := self.row.note) is not None:
            body["customer_note"] = note
        return body
