"""Errors of the page in the browser, and what `importer ui` prints. The texts of the page itself are in importer/ui/texts."""

from __future__ import annotations

from importer.messages import ErrorText

OPENED = "importer is open in your browser: {url}"
OPEN_THIS = "Open this link in your browser: {url}"
LINK_ONCE = "The link works once, within a minute. For another one, run the command again, or use the link at the foot of the page."
STOP_WITH = "To stop: Ctrl-C. Everything is saved, and the next `importer ui` continues where you were."
STOPPING = "Stopping. The requests under way are finished first. To stop at once: Ctrl-C again."
ENDED_AT_ONCE = "importer has ended. A run that was sending can be continued: importer ui"
IDLE = "Nobody used the page for {minutes} minutes, so importer has ended. To go on: importer ui"
DENIED = (
    "This page is for the browser that importer has opened. To open it again, run `importer ui` in the terminal, "
    "or use the link at the foot of an open page."
)
PORT_ERROR = ErrorText(
    "Cannot use port {port}: {reason}.",
    "Another program may use it. Without --port, importer takes a free one.",
)
UPLOAD_TOO_LARGE = ErrorText(
    "The file is larger than {limit} MB.", "Save it as CSV, or split it. Then choose it again."
)
UPLOAD_EMPTY = ErrorText("Nothing was chosen, or the file is empty.", "Choose a file, or paste a table.")
BODY_TOO_LARGE = ErrorText(
    "The form is too large.", "To import a long table, save it as a file and choose it."
)
BODY_NOT_VALID = ErrorText(
    "The page sent something that importer cannot read.", "Reload the page and try again."
)
FORM_EXPIRED = ErrorText("This page is from an earlier start of importer.", "Reload it and try again.")
CHECK_STOPPED = ErrorText(
    "The check was stopped. Nothing was sent.", "To start it again, go on from the columns."
)
RUN_IN_USE = ErrorText("This run is busy.", "Wait until it has ended, or stop it first.")
PLAN_CHANGED = ErrorText(
    "The plan has changed since this page was shown. Nothing was sent.", "Look at the numbers and send again."
)
TYPE_THE_NUMBER = ErrorText(
    "Nothing was sent. This plan updates {count:,} leads.", "To send it, type that number into the field."
)
INTERNAL_ERROR = ErrorText(
    "Internal error in importer ({kind}). Your file is fine.",
    "Run `importer ui -v` again and send us the output.",
)
NO_PHONE_CHOSEN = ErrorText("No column has the phone numbers.", "Choose Phone for one of the columns.")
OWNER_NOT_A_PHONE = ErrorText(
    '"{value}" cannot be read as a phone number ({name}).', "Correct it, or leave it empty."
)
ALREADY_SENT = ErrorText("This run has sent leads already.", "To import the sheet again, choose it again.")
NEEDS_A_FILE = ErrorText("importer ui reads a file, not standard input.", "Give it the name of a file.")
