"""E-mail addresses by email-validator, without asking the network; a domain is judged once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from importer.issues import IssueCode
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.text import bare

_is_plain_local = re.compile(r"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*").fullmatch
_IN_BRACKETS = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>")
_LABEL = re.compile(r"(?i)\b(?:mailto|e-?mail(?:\s*(?:id|address))?)\s*:\s*")
_SLASHED = re.compile(r"(@[^\s@/,;|]+)/(?=[^\s@/]+@)")
_PARTS = re.compile(r"(?i)\s*(?:[,;|\n]|:::|\s(?:/|&|and|or)\s)\s*|\s+(?=\S+@)")
_IN_FRONT, _BEHIND = " \"'", " .\"'"
_NO_ADDRESS = frozenset(
    {"0", "no", "no email", "no e-mail", "no mail", "no email id", "no mail id", "no id", "not available",
     "not given", "not provided", "not shared", "not applicable", "not known", "unknown", "nahi", "nahi hai", "नहीं", "नहीं है"}
)  # fmt: skip
"""What people type, in lower case, where a lead has none: there is nothing to mend."""
_LOCAL_LIMIT = 64  # RFC 5321, 4.5.3.1.1


def read_emails(text: str) -> list[str] | CellError | None:
    """The addresses of a cell in order, each once; bad ones, all of them named, make the cell faulty."""
    if (plain := plain_address(text)) is not None:
        return [plain]
    cell = bare(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    if cell.casefold().rstrip(".") in _NO_ADDRESS:
        return None
    parts = _PARTS.split(_SLASHED.sub(r"\1, ", _LABEL.sub(" ", cell)))
    found: list[str] = []
    bad: list[CellError] = []
    for part in _without_names([part for part in parts if part.strip(_BEHIND)]):
        address = _validated(part.lstrip(_IN_FRONT).rstrip(_BEHIND))
        if isinstance(address, CellError):
            bad.append(address)
        else:
            found.append(address)
    if bad:
        hints = "; ".join(dict.fromkeys(fault.hint for fault in bad))
        return CellError(IssueCode.NOT_AN_EMAIL, hints, ", ".join(fault.value for fault in bad))
    return list(dict.fromkeys(found)) or CellError(IssueCode.NOT_AN_EMAIL, "it has no @")


def _without_names(parts: list[str]) -> Iterator[str]:
    """The addresses of `Rao, Asha <a@b.in>`: words that stand in front of one in brackets are its name."""
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


def plain_address(text: str) -> str | None:
    """The quick way for a plain address: a checked local part before a domain that was judged before."""
    local, _, domain = text.strip().partition("@")
    if len(local) <= _LOCAL_LIMIT and domain.isascii() and _is_plain_local(local):
        sound = _sound_domain(domain)
        return f"{local}@{sound}" if sound and len(local) + len(sound) < 254 else None
    return None


@lru_cache(maxsize=50_000)
def _sound_domain(domain: str) -> str:
    """The domain as email-validator writes it, or ""."""
    address = _validated(f"a@{domain}")
    return "" if isinstance(address, CellError) else address.partition("@")[2]


def _validated(address: str) -> str | CellError:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - only sheets with e-mails

    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError as error:
        said = str(error).rstrip(".")
        return CellError(IssueCode.NOT_AN_EMAIL, said[:1].lower() + said[1:], address)
