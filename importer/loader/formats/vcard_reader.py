"""Read the contacts of a phone or an address book (.vcf): one row for each vCard, of version 2.1, 3.0 or 4.0."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from importer.issues import LOST_CHARACTER, Issue, IssueCode, find_unreadable_cells
from importer.loader.formats.dialect import MARK_UNDECODABLE, UNDECODABLE_BYTE, find_encoding
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import SourceRow

_BEGIN, _END = "begin:vcard", "end:vcard"
_MAX_CONTACT_CHARS = 5_000_000  # with a photo; a longer one has lost its end
_MAX_EXCERPT_CHARS = 40  # of a contact that cannot be read, in the sentence about it
_NOTES = "Notes"
_ADDRESS_PARTS = {"Address": ("box", "extended", "street"), "City": ("city",), "State": ("region",)} | {
    "PIN Code": ("code",),
    "Country": ("country",),
}
_HEADERS = (
    "Name", "Phone", "Other Phones", "Fax", "Email", "Company", "Job Title", *_ADDRESS_PARTS, "Other Address", "Website",
    "Birthday", "Categories", _NOTES,
)  # fmt: skip
_TEXT_PROPERTIES = {
    "EMAIL": "Email", "TITLE": "Job Title", "URL": "Website", "BDAY": "Birthday", "CATEGORIES": "Categories", "NOTE": _NOTES,
}  # fmt: skip
_READ_PROPERTIES = frozenset({"FN", "N", "TEL", "ORG", "ADR", *_TEXT_PROPERTIES})
_TECHNICAL_PROPERTIES = frozenset({"VERSION", "PRODID", "REV", "UID", "X-ABLABEL", "SOURCE", "KIND"})
_PHONE_SCHEME = re.compile(r"^tel:", re.IGNORECASE)  # of version 4.0: `tel:+91-98450-12345`
_MOBILE_TYPES = frozenset({"CELL", "IPHONE", "MOBILE"})


class Contacts(msgspec.Struct):
    """The contacts of a file as rows, with the columns that at least one of them fills."""

    headers: tuple[str, ...]
    rows: list[SourceRow]
    notices: list[Notice]


class _Contact(NamedTuple):
    cells: dict[str, str]
    issues: tuple[Issue, ...]


def read_contacts(path: Path, encoding: str | None) -> Contacts:
    """Return the contacts of a .vcf file. The row number is the number of the contact in the file."""
    found = find_encoding(path, encoding)
    unread: dict[str, None] = {}  # names of properties, in the order of the file
    with path.open(encoding=found.codec, errors=MARK_UNDECODABLE) as file:
        contacts = [_read_contact(text, unread) for text in _split_contacts(file)]
    headers = tuple(name for name in _HEADERS if any(contact.cells.get(name) for contact in contacts))
    rows = [
        SourceRow(number, tuple(contact.cells.get(name, "") for name in headers), contact.issues)
        for number, contact in enumerate(contacts, 1)
    ]
    notices = [Notice(NoticeKind.READ, file_messages.describe_contacts(len(rows), found.label))]
    if unread:
        notices.append(Notice(NoticeKind.IGNORED, file_messages.describe_unread_properties([*unread])))
    return Contacts(headers, rows, notices)


def _split_contacts(lines: Iterable[str]) -> Iterator[str]:
    """Yield the text of each contact. One without an end goes up to the next one, and text between them is its own."""
    text: list[str] = []
    size = 0
    for line in lines:
        word = line.strip().lower()
        if (word == _BEGIN or size > _MAX_CONTACT_CHARS) and "".join(text).strip():
            yield "".join(text)
            text, size = [], 0
        text.append(line)
        size += len(line)
        if word == _END:
            yield "".join(text)
            text, size = [], 0
    if "".join(text).strip():
        yield "".join(text)


def _read_contact(text: str, unread: dict[str, None]) -> _Contact:
    """Return the cells of a contact. One that cannot be read completely is rejected, also when it is imported again."""
    text = text.replace(UNDECODABLE_BYTE, LOST_CHARACTER)
    card = _parse_card(text)
    if card is not None:
        _note_unread(card, unread)
        cells = _to_cells(card)
        return _Contact(cells, find_unreadable_cells([*cells.values()]))
    card = _parse_card(text, is_lenient=True)
    cells = {_NOTES: text.strip()} if card is None else _to_cells(card)
    _note_unread(card or {}, unread)
    issue = Issue("row", IssueCode.UNREADABLE_CONTACT, "", text.strip()[:_MAX_EXCERPT_CHARS])
    return _Contact(cells | {_NOTES: cells[_NOTES] + LOST_CHARACTER}, (issue,))


def _note_unread(card: Iterable[str], unread: dict[str, None]) -> None:
    """Add the names of properties that are not read to `unread`."""
    unread.update(
        dict.fromkeys(name for name in card if name not in _READ_PROPERTIES | _TECHNICAL_PROPERTIES)
    )


def _parse_card(text: str, *, is_lenient: bool = False) -> dict[str, list[Any]] | None:
    """Return the lines of a vCard by the name of their property; None if it cannot be read."""
    from vobject import readComponents  # noqa: PLC0415 - contacts only
    from vobject.base import VObjectError  # noqa: PLC0415

    try:
        card = next(readComponents(io.StringIO(text), ignoreUnreadable=is_lenient, allowQP=True), None)
        lines = [line for lines in card.contents.values() for line in lines] if card is not None else []
    except (
        VObjectError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ):  # its own, and of broken values
        return None
    found: dict[str, list[Any]] = {}
    for line in lines:
        found.setdefault(line.name.upper(), []).append(line)
    return found or None


def _to_cells(card: dict[str, list[Any]]) -> dict[str, str]:
    """Return the cells of a contact by their header."""
    cells = {header: _join(card.get(name, ()), ", ") for name, header in _TEXT_PROPERTIES.items()}
    cells[_NOTES] = _join(card.get("NOTE", ()), "\n")
    cells["Company"] = _join(card.get("ORG", ()), ", ")
    cells["Name"] = _join(card.get("FN", ()), ", ") or _join(card.get("N", ()), ", ", _format_name)
    faxes = [line for line in card.get("TEL", ()) if "FAX" in _get_types(line)]
    phones = [line for line in card.get("TEL", ()) if line not in faxes]
    phones.sort(key=_rank_phone)
    cells["Phone"] = _join(phones[:1], ", ", _format_phone)
    cells["Other Phones"] = _join(phones[1:], ", ", _format_phone)
    cells["Fax"] = _join(faxes, ", ")
    addresses = [line.value for line in card.get("ADR", ())]
    for header, parts in _ADDRESS_PARTS.items():
        cells[header] = _format_address(addresses[0], parts) if addresses else ""
    every_part = [part for parts in _ADDRESS_PARTS.values() for part in parts]
    cells["Other Address"] = "; ".join(_format_address(address, every_part) for address in addresses[1:])
    return cells


def _join(lines: Iterable[Any], separator: str, format_value: Callable[[Any], str] | None = None) -> str:
    texts = [(format_value or _format_value)(line.value) for line in lines]
    return separator.join(dict.fromkeys(text for text in texts if text))


def _format_value(value: Any) -> str:
    """Return a value as text: a list has several parts, and bytes are a picture."""
    if isinstance(value, list):
        return ", ".join(text for part in value if (text := _format_value(part)))
    return value.strip() if isinstance(value, str) else ""


def _format_phone(value: Any) -> str:
    return _PHONE_SCHEME.sub("", _format_value(value))


def _format_name(name: Any) -> str:
    parts = (name.prefix, name.given, name.additional, name.family, name.suffix)
    return " ".join(text for part in parts if (text := _format_value(part)))


def _format_address(address: Any, parts: Iterable[str]) -> str:
    return ", ".join(text for part in parts if (text := _format_value(getattr(address, part))))


def _get_types(line: Any) -> frozenset[str]:
    """Return the types of a phone in capitals: `TEL;CELL;PREF:` of version 2.1, and `TEL;TYPE="cell,pref":` of 4.0."""
    types = [
        *line.singletonparams,
        *line.params.get("TYPE", ()),
        *(["PREF"] if "PREF" in line.params else []),
    ]
    return frozenset(",".join(types).upper().split(","))


def _rank_phone(line: Any) -> int:
    """Return the place of a phone: the preferred one, then a mobile, then the others in the order of the file."""
    types = _get_types(line)
    if "PREF" in types:
        return 0
    return 1 if types & _MOBILE_TYPES else 2
