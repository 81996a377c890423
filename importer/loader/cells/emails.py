"""Reads e-mail addresses with email-validator, without network access. Each domain is validated once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from importer.issues import IssueCode
from importer.loader.cells.text import CellError, strip_cell
from importer.loader.vocabulary import load_vocabulary

_is_simple_local_part = re.compile(r"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*").fullmatch  # asha.rao+x
_IN_BRACKETS = re.compile(r"<\s*([^<>\s@]+@[^<>\s]+)\s*>")  # Asha Rao <asha@example.in>
_LABEL = re.compile(r"(?i)\b(?:mailto|e-?mail(?:\s*(?:id|address))?)\s*:\s*")  # "mailto:", "Email Id: "
_SLASH_BETWEEN = re.compile(r"(@[^\s@/,;|]+)/(?=[^\s@/]+@)")  # a@example.in/b@example.in
_SEPARATORS = re.compile(  # comma, semicolon, " and ", or a space before the next address; spaces from their first one only
    r"(?i)(?:(?<!\s)\s*|(?<=\s))(?:[,;|\n]|:::|\s(?:/|&|and|or)\s)\s*|(?<!\s)\s+(?=\S+@)"
)
_LEADING_MARKS, _TRAILING_MARKS = " \"'", " .\"'"
_MAX_LOCAL_CHARS = 64  # RFC 5321, 4.5.3.1.1
_MAX_ADDRESS_CHARS = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_MAX_CACHED_DOMAINS = 50_000


def read_emails(text: str) -> list[str] | CellError | None:
    """Return the addresses of a cell in order, without repeats. One bad address makes the cell an error that names all."""
    if (simple := parse_simple_email(text)) is not None:
        return [simple]
    cell = strip_cell(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    if cell.casefold().rstrip(".") in load_vocabulary().cells.no_email:
        return None
    addresses: list[str] = []
    errors: list[CellError] = []
    for candidate in _split_emails(cell):
        address = _validate(candidate)
        if isinstance(address, CellError):
            errors.append(address)
        else:
            addresses.append(address)
    if errors:
        hints = "; ".join(dict.fromkeys(error.hint for error in errors))
        return CellError(IssueCode.NOT_AN_EMAIL, hints, ", ".join(error.value for error in errors))
    return list(dict.fromkeys(addresses)) or CellError(IssueCode.NOT_AN_EMAIL, "it has no @")


def parse_simple_email(text: str) -> str | None:
    """Return a simple address quickly: an ASCII local part, and a domain that was validated before. Else return None."""
    local, _, domain = text.strip().partition("@")
    if len(local) <= _MAX_LOCAL_CHARS and domain.isascii() and _is_simple_local_part(local):
        normalized = _normalize_domain(domain)
        fits = normalized and len(local) + len(normalized) < _MAX_ADDRESS_CHARS
        return f"{local}@{normalized}" if fits else None
    return None


def _split_emails(cell: str) -> Iterator[str]:
    """Yield what should be an address, without labels, names and marks around it."""
    parts = _SEPARATORS.split(_SLASH_BETWEEN.sub(r"\1, ", _LABEL.sub(" ", cell)))
    for part in _drop_names([part for part in parts if part.strip(_TRAILING_MARKS)]):
        yield part.lstrip(_LEADING_MARKS).rstrip(_TRAILING_MARKS)


def _drop_names(parts: list[str]) -> Iterator[str]:
    """Yield the address of `Rao, Asha <a@b.in>`: words in front of an address in brackets are a name."""
    words: list[str] = []
    for part in parts:
        bracketed = _IN_BRACKETS.search(part)
        if bracketed:
            yield bracketed[1]
            words = []
        elif "@" not in part:
            words.append(part)
        else:
            yield from (*words, part)
            words = []
    yield from words


@lru_cache(maxsize=_MAX_CACHED_DOMAINS)
def _normalize_domain(domain: str) -> str:
    """Return the domain as email-validator writes it, or "" if it is not valid."""
    address = _validate(f"a@{domain}")
    return "" if isinstance(address, CellError) else address.partition("@")[2]


def _validate(address: str) -> str | CellError:
    """Return the address as email-validator writes it, or its reason with a small first letter."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - only sheets with e-mails

    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        return CellError(IssueCode.NOT_AN_EMAIL, reason[:1].lower() + reason[1:], address)
