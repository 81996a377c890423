"""Remove the API key and phone numbers from log records."""

from __future__ import annotations

import logging
import re

from importer.credentials import Secret

_PHONE = re.compile(r"\+?\d[\d ()-]{5,}\d")


class RedactingFilter(logging.Filter):
    """A filter for a log handler that removes the key and everything that looks like a phone number."""

    def __init__(self, key: Secret | None = None) -> None:
        super().__init__()
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message of a record and keep the record."""
        text = record.getMessage()
        if self._key is not None:
            text = text.replace(self._key.reveal(), "[key]")
        record.msg, record.args = _PHONE.sub("[phone]", text), ()
        return True
