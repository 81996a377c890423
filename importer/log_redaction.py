"""Removes secrets and phone numbers from log records."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

_PHONE = re.compile(r"\+?\d[\d ()-]{7,}\d")


class RedactingFilter(logging.Filter):
    """Replaces every secret and everything that looks like a phone number by ***."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = [secret for secret in secrets if secret]

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record's message and let it pass."""
        text = record.getMessage()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        record.msg, record.args = _PHONE.sub("***", text), ()
        return True
