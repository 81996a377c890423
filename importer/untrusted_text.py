"""Text from cells, file names and servers, made safe for a terminal and for a shell."""

from __future__ import annotations

import os
import re
import shlex

_IS_BARE = re.compile(r"[\w./\\:=+-]+").fullmatch
_READ_WITHIN = re.compile(r"[$`\"\u201c-\u201e]")
_APOSTROPHE = re.compile(r"['\u2018-\u201b]")
_JOINERS = "\u200c\u200d"  # Hindi and emoji are written with them


def quote_command(*words: str, windows: bool = os.name == "nt") -> str:
    """A command as it is typed into this system's shell (PowerShell on Windows), quoted where it must be."""
    return " ".join(map(_for_powershell, words)) if windows else shlex.join(words)


def quote_for_powershell(text: str) -> str:
    """The text as PowerShell takes it word for word. It knows four more apostrophes than ours."""
    doubled = _APOSTROPHE.sub(lambda found: found[0] * 2, text)
    return f"'{doubled}'"


def sanitize(text: str) -> str:
    """The text with a mark in place of all that a terminal would obey, or that turns the writing round."""
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _for_powershell(word: str) -> str:
    """In double quotes where they do, which cmd takes too; within them PowerShell reads some marks."""
    if _IS_BARE(word):
        return word
    if _READ_WITHIN.search(word):
        return quote_for_powershell(word)
    behind = word[len(word.rstrip("\\")) :]  # backslashes that would take the closing quote for a letter
    return f'"{word}{behind}"'


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char.isspace() else "\ufffd"
