"""Files that a person wrote for us, in TOML: settings, maps, presets; read to a length that a person writes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_LONGEST = 1 << 22  # bytes; a device never ends


def read_short_text(path: Path) -> str:
    """The text of such a file. Raises OSError, and ValueError with why it is none."""
    with path.open("rb") as file:
        text = file.read(_LONGEST + 1)
    if len(text) > _LONGEST:
        raise ValueError("it is longer than any that a person writes")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not a text file in UTF-8") from None


_UNQUOTED = ("Invalid value", "Invalid statement", "Expected '=' after a key")


def parse_toml(text: str) -> dict[str, Any]:
    """What the text says as TOML. Raises ValueError with what is wrong in it."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if "\\" in str(error) or "hex" in str(error):  # of `"D:\leads"` and `"C:\Users"`
            raise ValueError(rf"{error}; a text with \ in it stands in single quotes") from None
        if str(error).startswith(_UNQUOTED):  # by hand, or by a word processor that bends them
            raise ValueError(
                f'{error}; texts stand between straight quotes, as in "Contact No." = "city"'
            ) from None
        raise
    except RecursionError:
        raise ValueError("its brackets stand too deep in one another") from None
