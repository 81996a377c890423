"""Texts about rows that a person edits before they are sent."""

from __future__ import annotations

from importer.messages import ErrorText

STALE_EDIT = ErrorText(
    "Row {row} was changed meanwhile, in another tab or by somebody else.",
    "Look at the row as it is now, and change it again.",
)
NOTHING_TO_UNDO = ErrorText(
    "There is nothing to undo: it was undone already.", "Look at the rows as they are now."
)
NO_SUCH_ROW = ErrorText("The run has no row {row}.", "Look at the rows again.")
NO_SUCH_CELL = ErrorText("Row {row} has no cell {column} that can be changed.", "Look at the rows again.")
RUN_WAS_SENT = ErrorText(
    "The rows of run {run} cannot be changed any more, because it is being sent or was sent.",
    "Rows that did not go in can be fixed in failed_rows.xlsx, and imported again.",
)
