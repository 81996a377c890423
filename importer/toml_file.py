"""Read the TOML files that people write: settings, column maps and presets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from importer.messages.settings_messages import (
    TOML_BACKSLASH,
    TOML_NOT_UTF8,
    TOML_TOO_DEEP,
    TOML_TOO_LONG,
    TOML_UNQUOTED,
)

_MAX_BYTES = 1 << 22  # a device such as /dev/zero never ends
# How tomllib's messages begin where a text has no quotes, or the curly ones of a word processor.
_UNQUOTED_ERRORS = ("Invalid value", "Invalid statement", "Expected '=' after a key")


def read_short_text(path: Path) -> str:
    """Return the text of a file that a person wrote.

    Raises OSError, and ValueError with the reason where it is too long or is not UTF-8.
    """
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(TOML_TOO_LONG)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(TOML_NOT_UTF8) from None


def parse_toml(text: str) -> dict[str, Any]:
    """Return the contents of a TOML text. Raises ValueError with the reason, and how to fix it where we know."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if "\\" in str(error) or "hex" in str(error):  # "D:\leads", "C:\Users": \U takes eight hex digits
            raise ValueError(TOML_BACKSLASH.format(error=error)) from None
        if str(error).startswith(_UNQUOTED_ERRORS):
            raise ValueError(TOML_UNQUOTED.format(error=error)) from None
        raise
    except RecursionError:
        raise ValueError(TOML_TOO_DEEP) from None
