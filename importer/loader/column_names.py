"""Names columns that have no header, as spreadsheets letter them."""

from __future__ import annotations


def format_column_name(index: int) -> str:
    """Return the name of a column without a header: `Column A` for 0, `Column AA` for 26."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return f"Column {letters}"
