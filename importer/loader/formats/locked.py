"""What is said of a workbook that a password protects, whichever reader meets the lock."""

from __future__ import annotations

from importer.errors import UnreadableFileError


def locked() -> UnreadableFileError:
    """Nobody is asked for the password: a copy without it is made in the program that knows it."""
    return UnreadableFileError(
        "The workbook is protected with a password.",
        "Open it in Excel, take the password out (File > Info > Protect Workbook > Encrypt with Password, empty "
        "the box), save it, and import that. In LibreOffice: Save As, without Save with password.",
    )
