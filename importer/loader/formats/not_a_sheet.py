"""Recognise what people have in place of a sheet: a link to one, or a chat."""

from __future__ import annotations

import re

from importer.errors import UnreadableFileError
from importer.messages import ErrorText, file_messages

_LINK = re.compile(r"https?:/{1,2}\S", re.IGNORECASE)  # a path of Python makes one slash of two
_GOOGLE_SHEET = re.compile(r"docs\.google\.com/(?:spreadsheets|open)|drive\.google\.com/", re.IGNORECASE)
_LINK_FILE = re.compile(
    r"\s*(?:\{|\[InternetShortcut\]|https?://)", re.IGNORECASE
)  # .gsheet, .url, a link alone
_MAX_LINK_FILE_CHARS = 2_000
_CHAT_LINE = re.compile(
    r"^\W*\d{1,4}[/.\-]\d{1,2}[/.\-]\d{2,4},?\s+\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s*[ap]\.?\s?m\.?)?(?:\]| [-\u2013]) \S",
    re.IGNORECASE | re.MULTILINE,
)  # `12/03/26, 10:15 am - Asha: ...` of Android, `[12/03/26, 10:15:02 AM] Asha: ...` of iPhones
_MIN_CHAT_LINES = 2
_CHAT_NAMES = re.compile(r"(?:^|/)(?:_chat\.txt|WhatsApp Chat [^/]*\.txt)$", re.IGNORECASE)


def check_is_no_link(name: str) -> None:
    """Raise UnreadableFileError, with advice, where there is a link in place of a file's name."""
    if _LINK.match(name):
        raise UnreadableFileError(*_describe_link(name))


def check_is_no_link_or_chat(text: str) -> None:
    """Raise UnreadableFileError for the beginning of a file that holds only a link, or a WhatsApp chat."""
    if len(text) < _MAX_LINK_FILE_CHARS and _LINK_FILE.match(text) and _GOOGLE_SHEET.search(text):
        raise UnreadableFileError(*file_messages.GOOGLE_SHEETS_LINK)
    first = text.strip("\ufeff\u200e \r\n").partition("\n")[0]
    if _CHAT_LINE.match(first) and len(_CHAT_LINE.findall(text)) >= _MIN_CHAT_LINES:
        raise UnreadableFileError(*file_messages.WHATSAPP_CHAT)


def is_chat_archive(names: list[str]) -> bool:
    """Return whether a zip archive is a chat that WhatsApp exported with its pictures."""
    return any(map(_CHAT_NAMES.search, names))


def _describe_link(name: str) -> ErrorText:
    return file_messages.GOOGLE_SHEETS_LINK if _GOOGLE_SHEET.search(name) else file_messages.LINK
