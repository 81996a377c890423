"""Make text from cells, file names and servers safe for a terminal, a file and a shell."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

_NEEDS_NO_QUOTES = re.compile(r"[\w./\\:=+-]+").fullmatch  # `reports/run-1`, `C:\leads.csv`, `--limit`
_EXPANDS_IN_QUOTES = re.compile(
    r"[$`\"\u201c-\u201e]"
)  # PowerShell expands `$x` in "", and also ends it at a curly quote
_APOSTROPHE = re.compile(r"['\u2018-\u201b]")  # PowerShell also takes these four curly ones for one
_JOINERS = "\u200c\u200d"  # not printable, but Hindi and emoji are written with them


def quote_command(*words: str, windows: bool = os.name == "nt") -> str:
    """Return a command as it is typed into the shell of this system (PowerShell on Windows), quoted where needed."""
    return " ".join(map(_quote_for_windows, words)) if windows else shlex.join(words)


def quote_for_powershell(text: str) -> str:
    """Return the text in single quotes, in which PowerShell expands nothing."""
    doubled = _APOSTROPHE.sub(lambda found: found[0] * 2, text)
    return f"'{doubled}'"


def format_path(path: Path) -> str:
    """Return the path as text that can be written everywhere: a name on disk may have bytes that are not text."""
    return os.fsencode(path).decode("utf-8", "replace")


def sanitize(text: str) -> str:
    """Return the text without the characters that control a terminal or reverse the direction of writing.

    Each of them becomes a replacement mark (U+FFFD), and each kind of blank becomes a space.
    """
    if text.isprintable():
        return text
    return "".join(_sanitize_char(char) for char in text)


def _quote_for_windows(word: str) -> str:
    """Return the word in double quotes if possible, because cmd understands these too; else for PowerShell alone."""
    if _NEEDS_NO_QUOTES(word):
        return word
    if _EXPANDS_IN_QUOTES.search(word):
        return quote_for_powershell(word)
    backslashes = word[len(word.rstrip("\\")) :]  # they would escape the closing quote, so they are doubled
    return f'"{word}{backslashes}"'


def _sanitize_char(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char.isspace() else "\ufffd"
