"""Prints the log of `importer.*` on standard error: decisions with -v, each request with -vv."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from importer.cli.console import print_line, verbosity
from importer.credentials import Credentials, Secret, find_credentials

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""The level for no -v, -v and -vv."""


class _TerminalHandler(logging.Handler):
    """Prints each record as one line, as all other text of the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record on standard error."""
        for line in self.format(record).splitlines():
            print_line(line, err=True)


class _LogFormatter(logging.Formatter):
    """Formats a record as `10:15:42 client: message`, with the last part of the logger's name."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(module_name)s: %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one record."""
        record.module_name = record.name.rpartition(".")[2]
        return super().format(record)


def configure_logging(key: Secret | None = None) -> None:
    """Print the log at the level that -v asks for, or nothing without -v. The key and phones are removed from it.

    Call it again with the key once that is known: the handler of an earlier call is replaced.
    """
    logger = logging.getLogger("importer")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
    level = _LEVELS[min(verbosity.get(), len(_LEVELS) - 1)]
    logger.setLevel(level)
    # Without any handler, logging would print warnings itself.
    logger.addHandler(_build_handler(key) if verbosity.get() else logging.NullHandler())


def _build_handler(key: Secret | None) -> logging.Handler:
    from importer.log_redaction import RedactingFilter

    handler = _TerminalHandler()
    handler.setFormatter(_LogFormatter())
    handler.addFilter(RedactingFilter(key))
    return handler


def load_credentials() -> Credentials:
    """Return the account's credentials, and keep the key out of the log."""
    credentials = find_credentials(os.environ, Path())
    configure_logging(credentials.key)
    return credentials
