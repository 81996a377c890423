"""E-mail addresses by email-validator, without asking the network; a domain is judged once."""

from __future__ import annotations

import re
from functools import lru_cache

from importer.loader.cells.fault import Fault
from importer.loader.cells.text import bare

_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*")
_IN_BRACKETS = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>")
_PARTS = re.compile(r"\s*(?:[,;|\n]|:::|\s/\s)\s*|\s+(?=\S+@)")
_LOCAL_LIMIT = 64  # RFC 5321, 4.5.3.1.1


def read_emails(text: str) -> list[str] | Fault | None:
    """The addresses of a cell in order, each once; the first bad one makes the cell faulty."""
    if (plain := _plain(text)) is not None:
        return [plain]
    cell = bare(text)
    if cell is None or isinstance(cell, Fault):
        return cell
    cell = _IN_BRACKETS.sub(r" \1 ", cell) if "<" in cell else cell
    found: list[str] = []
    for part in filter(None, _PARTS.split(cell.strip())):
        if "@" not in part and "<" in text and found == []:
            continue  # the name in front of `Name <a@b.in>`
        address = _validated(part.removeprefix("mailto:").removeprefix("MAILTO:"))
        if isinstance(address, Fault):
            return address
        found.append(address)
    return list(dict.fromkeys(found)) or Fault("not_an_email", "it has no @")


def _plain(text: str) -> str | None:
    """The quick way for a plain address: a checked local part before a domain that was judged before."""
    local, _, domain = text.strip().partition("@")
    if len(local) <= _LOCAL_LIMIT and _PLAIN_LOCAL.fullmatch(local) and domain.isascii():
        sound = _sound_domain(domain)
        return f"{local}@{sound}" if sound and len(local) + len(sound) < 254 else None
    return None


@lru_cache(maxsize=50_000)
def _sound_domain(domain: str) -> str:
    """The domain as email-validator writes it, or ""."""
    address = _validated(f"a@{domain}")
    return "" if isinstance(address, Fault) else address.partition("@")[2]


def _validated(address: str) -> str | Fault:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - only sheets with e-mails

    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError as error:
        return Fault("not_an_email", str(error).rstrip("."), address)
