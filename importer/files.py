"""Files that a person wrote for us: settings and maps, read to a length that a person writes."""

from __future__ import annotations

from pathlib import Path

_LONGEST = 1 << 22  # bytes; a device never ends


def short_text_of(path: Path) -> str:
    """The text of a file that a person wrote, in UTF-8. Raises OSError, and ValueError for what is no such file."""
    with path.open("rb") as file:
        text = file.read(_LONGEST + 1)
    if len(text) > _LONGEST:
        raise ValueError("it is longer than any that a person writes")
    return text.decode("utf-8-sig")
