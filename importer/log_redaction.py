"""Remove the API key and phone numbers from log records."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from urllib.parse import quote

from importer.credentials import API_KEY_VARIABLE, Secret

KEY_MARK, PHONE_MARK = "[key]", "[phone]"

# An ISO date, which is kept: `2026-11-25`. Or seven or more digits of any script, with a plus in front and up to three
# blanks, dashes, dots, slashes or brackets between two of them: `9845012345`, `+91 98450-12345`, `(080) 4112 2009`. Blanks
# may be escaped, as repr writes them: `98450\xa012345`.
_DATE_OR_PHONE = re.compile(
    r"(?<!\d)(?P<date>20\d\d-[01]\d-[0-3]\d)(?!\d)"
    r"|\+?\d(?:(?:[ \u00a0\u2009\u202f\-\u2010-\u2015./()]|\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|[nrt])){0,3}\d){6,}"
)

_FORMATTER = logging.Formatter()


class RedactingFilter(logging.Filter):
    """A filter for a log *handler*; on a logger it would not see the records of the loggers below it.

    It removes the given API key, the key in the environment, and everything that looks like a phone number.
    """

    def __init__(self, key: Secret | None = None, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self._key_texts: list[str] = []
        for text in (key.reveal() if key else "", environ.get(API_KEY_VARIABLE, "")):
            self._add_key(text)

    def add_key(self, key: Secret) -> None:
        """Remove this key too, from now on: for a key that is found after logging was set up."""
        self._add_key(key.reveal())

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message, the traceback and the stack of a record; keep the record."""
        record.msg, record.args = self.redact(_format_message(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        record.exc_info = None  # a formatter that ignores exc_text would print the values again
        if record.exc_text:
            record.exc_text = self.redact(record.exc_text)
        if record.stack_info:
            record.stack_info = self.redact(record.stack_info)
        return True

    def redact(self, text: str) -> str:
        """Return the text with `[key]` and `[phone]` in place of keys and phone numbers."""
        for key in self._key_texts:
            text = text.replace(key, KEY_MARK)
        return _DATE_OR_PHONE.sub(lambda found: found["date"] or PHONE_MARK, text)

    def _add_key(self, text: str) -> None:
        """Add a key in all its spellings: as it is, stripped, and as repr, JSON and a URL write it."""
        for key in (text, text.strip()):
            if key:
                self._key_texts += [key, repr(key)[1:-1], json.dumps(key)[1:-1], quote(key, safe="")]
        self._key_texts = sorted(set(self._key_texts), key=len, reverse=True)  # the longest first


def _format_message(record: logging.LogRecord) -> str:
    """Return the message with its arguments, also where these do not fit: logging would print them unredacted."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a wrong log call must not stop a run
        return f"{record.msg} {record.args!r}"
