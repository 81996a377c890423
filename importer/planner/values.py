"""Canonical values: two values of a field are equal if their canonical values are, however they are written."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from importer.fields import FIELDS_BY_NAME, Kind

Canonical: TypeAlias = "str | float | frozenset[str] | None"
"""A value that can be compared. None is blank: null, "", [] and a missing key are the same."""

_FINGERPRINT_BYTES = 12


def canonicalize(field: str, value: Any) -> Canonical:
    """Return the canonical value of a field (`city`, `address.text`), as the sheet or the CRM has it."""
    if value is None:
        return None
    return _CANONICALIZERS[field](value)


def fingerprint(key: bytes, field: str, value: Canonical) -> bytes:
    """Return 12 bytes that identify a value and do not reveal it without the key."""
    text = repr(sorted(value)) if isinstance(value, frozenset) else repr(value)
    return hashlib.blake2b(f"{field}\0{text}".encode(), key=key, digest_size=_FINGERPRINT_BYTES).digest()


def _canonicalize_text(value: Any) -> str | None:
    """Ignore how a text is encoded, spaces around it, kinds of line ends and of spaces. Case counts."""
    text = str(value)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace("\N{NO-BREAK SPACE}", " ")
    text = text.strip()
    if "\n" in text or "\r" in text:
        text = "\n".join(map(str.strip, text.replace("\r\n", "\n").replace("\r", "\n").split("\n")))
    return text or None


def _canonicalize_number(value: Any) -> float | str | None:
    """Compare numbers by value, also where the CRM shows them as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return _canonicalize_text(value)


def _canonicalize_website(value: Any) -> str | None:
    """Scheme and host are the same in any case, and one slash at the end does not count."""
    text = _canonicalize_text(value)
    if text is None:
        return None
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
    except ValueError:
        return text
    folded = urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, parts.query, parts.fragment))
    return folded.removeprefix("//").removesuffix("/")


def _canonicalize_texts(value: Iterable[Any]) -> frozenset[str] | None:
    """Compare lists as sets."""
    return frozenset(text for one in value if (text := _canonicalize_text(one))) or None


def _canonicalize_emails(value: Iterable[Any]) -> frozenset[str] | None:
    found = _canonicalize_texts(value)
    return found and frozenset(text.casefold() for text in found)


_KINDS: dict[Kind, Callable[[Any], Canonical]] = {
    Kind.WEBSITE: _canonicalize_website,
    Kind.EMAILS: _canonicalize_emails,
    Kind.PHONES: _canonicalize_texts,
    Kind.TITLES: _canonicalize_texts,
    Kind.MONEY: _canonicalize_number,
    Kind.COORDINATE: _canonicalize_number,
}
_CANONICALIZERS = {name: _KINDS.get(field.kind, _canonicalize_text) for name, field in FIELDS_BY_NAME.items()}
