"""Rows to drafts: the mapping is worked out once, and what is left for each row is a short loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from importer.fields import FIELDS_BY_NAME, Field, Kind
from importer.issues import Issue, IssueCode
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.emails import read_emails
from importer.loader.cells.money import compile_money_reader
from importer.loader.cells.names import read_full_name, read_latitude, read_list, read_longitude
from importer.loader.cells.phones import PhoneReader, PhonesRead, compile_phone_reader
from importer.loader.cells.text import clean, clean_name, clean_note, clean_number
from importer.loader.rows.column_rules import CLEAR, without_rules, wrapped_reader
from importer.loader.rows.row_rules import compile_row_rules
from importer.loader.vocabulary import load_vocabulary, normalize_header, split_words
from importer.models.mapping import ColumnChoice, Mapping, MatchSource
from importer.models.row import Draft, Payload, SourceRow

Drafter = Callable[[SourceRow], Draft]
Cells = tuple[str, ...]
_Put = Callable[[Payload, Any], None]

OF_THE_LEADS_PHONES = frozenset({"customer_phone", "add_phones", "dial_code"})
"""Fields that are read together, and are each lead's own."""


class Step(NamedTuple):
    """What is done with one column: read its cell (a value, a Fault, CLEAR, or None for nothing), put it into the payload."""

    at: int
    field: str
    header: str
    read: Callable[[str], Any]
    put: _Put


def compile_drafter(mapping: Mapping, *, region: str) -> Drafter:
    """The loader of one run's rows. `region` is the country of phones without a country code."""
    read_phones = compile_phone_reader(region)
    put_phones = _compile_phones(mapping, region)
    steps = steps_of(mapping, region=region)
    judge_rules = compile_row_rules(mapping.row_rules, mapping.columns)
    fill = _compile_fill(mapping, read_phones)
    phone_header = next((column.header for column in mapping.find_columns("customer_phone")), "")

    def draft(row: SourceRow) -> Draft:
        cells = row.cells
        if judge_rules is not None and (issue := judge_rules(cells)):
            return Draft(row, {}, (issue,))
        payload: Payload = {}
        faults = list(row.issues)
        put_phones(cells, payload, faults)
        for index, field, header, read, put in steps:
            text = cells[index]
            if not text:
                continue
            value = read(text)
            if value is None:
                continue
            if type(value) is CellError:
                faults.append(Issue(field, value.code, header, value.value or text, value.hint))
            elif value is CLEAR:
                put(payload, None)
            else:
                put(payload, value)
        if fill is not None:
            fill(payload, faults)
        if "customer_phone" not in payload:
            _need_phone(payload, faults, phone_header)
        return Draft(row, payload, tuple(faults))

    return draft


def steps_of(mapping: Mapping, *, region: str) -> list[Step]:
    """What is done with the columns of a row, in this order; the lead's own phones and constants are not among them."""
    read_phones = compile_phone_reader(region)
    plain = sorted(filter(_is_plain, mapping.columns), key=lambda column: column.field == "full_name")
    return [_step(mapping, column, read_phones) for column in plain]


def _is_plain(column: ColumnChoice) -> bool:
    field = FIELDS_BY_NAME.get(column.field)
    return field is not None and field.name not in OF_THE_LEADS_PHONES and column.rules.constant is None


def _step(mapping: Mapping, column: ColumnChoice, read_phones: PhoneReader) -> Step:
    field = FIELDS_BY_NAME[column.field]
    read = wrapped_reader(_reader_of(field, column.header, read_phones), column, mapping)
    return Step(column.index, field.name, column.header, read, _put_of(field, mapping, column))


def _put_of(field: Field, mapping: Mapping, column: ColumnChoice) -> _Put:
    """How a value of this field enters the payload beside what is there."""
    name = field.name
    if name.startswith("address."):
        return _into_address(name.removeprefix("address."))
    if field.kind is Kind.FULL_NAME:
        has_other_names = any(mapping.find_columns(other) for other in ("first_name", "last_name"))
        return _full_name_beside(column.header) if has_other_names else _full_name
    if field.kind in (Kind.EMAILS, Kind.TITLES):
        return _extend(name)
    if field.takes_many_columns and (len(mapping.find_columns(name)) > 1 or _needs_its_header(column)):
        return _add_line(name, column.header)
    return _set(name)


def _needs_its_header(column: ColumnChoice) -> bool:
    """Whether a text says little without its header: `Rating: Hot` in the additional info, not `Hot`."""
    if column.field != "additional_info" or not column.header:
        return False
    plain = normalize_header(column.header)
    vocabulary = load_vocabulary()
    return plain in vocabulary.kept_headers or vocabulary.known_headers.get(plain) != column.field


def _set(name: str) -> _Put:
    def put(payload: Payload, value: Any) -> None:
        payload[name] = value

    return put


def _extend(name: str) -> _Put:
    def put(payload: Payload, value: list[str]) -> None:
        if name not in payload:
            payload[name] = list(value)
        else:
            payload[name] = list(dict.fromkeys([*payload[name], *value]))

    return put


def _add_line(name: str, header: str) -> _Put:
    """Several columns into one text: a line each, under its own header."""

    def put(payload: Payload, value: str) -> None:
        line = f"{header}: {value}"
        payload[name] = f"{payload[name]}\n{line}" if payload.get(name) else line

    return put


def _into_address(part: str) -> _Put:
    def put(payload: Payload, value: Any) -> None:
        address = payload.setdefault("address", {})
        joined = isinstance(value, str) and address.get(part)
        address[part] = f"{address[part]}, {value}" if joined else value

    return put


def _full_name_beside(header: str) -> _Put:
    """A full name that is another than the first and last name, or of which a part found no place, is kept as information.

    What it has beside both, a title or a middle name, it does not: exports have columns for these.
    """
    keep = _add_line("additional_info", header)

    def put(payload: Payload, value: tuple[str, str]) -> None:
        _full_name(payload, value)
        name = " ".join(value).strip()
        first, last, full = (
            set(split_words(text))
            for text in (payload.get("first_name") or "", payload.get("last_name") or "", name)
        )
        if not (full <= first | last or (first and last and first | last <= full)):
            keep(payload, name)

    return put


def _full_name(payload: Payload, value: tuple[str, str]) -> None:
    """Comes last, since columns for the first and last name win; it adds the other half where one is empty.

    `Rao` as the full name beside `Rao` as the last name adds no first name.
    """
    first, last = value
    has_first, has_last = "first_name" in payload, "last_name" in payload
    if not has_first and (not has_last or payload["last_name"] == last):
        payload["first_name"] = first
    if last and not has_last and payload["first_name"] == first:
        payload["last_name"] = last


_READER_OF_KIND: dict[Kind, Callable[[str], Any]] = {
    Kind.TEXT: clean,
    Kind.FULL_NAME: read_full_name,
    Kind.WEBSITE: clean,
    Kind.EMAILS: read_emails,
    Kind.TITLE: clean,
    Kind.TITLES: read_list,
}
_READERS: dict[str, Callable[[str], Any]] = {
    "first_name": clean_name,
    "last_name": clean_name,
    "business_name": clean_name,
    "additional_info": clean_note,
    "customer_note": clean_note,
    "address.additional": clean_number,
    "address.initials": clean_number,
    "address.latitude": read_latitude,
    "address.longitude": read_longitude,
}


def _reader_of(field: Field, header: str, read_phones: PhoneReader) -> Callable[[str], Any]:
    if field.kind is Kind.PHONE:
        return _one_phone(read_phones)
    if field.kind is Kind.MONEY:
        return compile_money_reader(header)
    return _READERS.get(field.name) or _READER_OF_KIND[field.kind]


def _one_phone(read_phones: PhoneReader) -> Callable[[str], Any]:
    """A reader for a field that is one phone: an assignee. A name beside it is no loss, a second number is."""

    def read(text: str) -> str | CellError | None:
        found = read_phones(text, "")
        if not isinstance(found, PhonesRead):
            return found
        one = len(found.numbers) == 1 and all(code != IssueCode.PART_LEFT_OUT for code, _ in found.left_out)
        return found.numbers[0] if one else CellError(IssueCode.TWO_NUMBERS)

    return read


def _compile_phones(mapping: Mapping, region: str) -> Callable[[Cells, Payload, list[Issue]], None]:
    """Reads the lead's own phone and its others; the first good number is the lead's."""
    steps = [
        (
            column,
            bool(column.rules.prefixes or column.rules.separators or column.rules.empty_values),
            compile_phone_reader(region, is_needed=name == "customer_phone"),
        )
        for name in ("customer_phone", "add_phones")
        for column in mapping.find_columns(name)
    ]
    dial_index = next((column.index for column in mapping.find_columns("dial_code")), None)

    def put_phones(cells: Cells, payload: Payload, faults: list[Issue]) -> None:
        numbers: list[str] = []
        for column, ruled, read in steps:
            text = cells[column.index]
            if not text:
                continue
            dial_code = cells[dial_index] if dial_index is not None else ""
            found = read(without_rules(text, column) if ruled else text, dial_code)
            if found is None:
                continue
            if isinstance(found, CellError):
                faults.append(Issue(column.field, found.code, column.header, found.value or text, found.hint))
                continue
            for code, part in found.left_out:
                faults.append(Issue(column.field, code, column.header, part))
            if column.field == "customer_phone":
                payload["customer_phone"] = found.numbers[0]
            numbers += found.numbers
        own = payload.get("customer_phone")
        if others := [number for number in dict.fromkeys(numbers) if number != own]:
            payload["add_phones"] = others

    return put_phones


def _need_phone(payload: Payload, faults: list[Issue], header: str) -> None:
    """A lead without its own phone takes the first of its others, said openly; without any it is refused."""
    if any(issue.field == "customer_phone" for issue in faults):
        return
    others = payload.pop("add_phones", [])
    if not others:
        faults.append(Issue("customer_phone", IssueCode.MISSING, header))
        return
    payload["customer_phone"] = others[0]
    faults.append(Issue("customer_phone", IssueCode.PROMOTED, header, others[0]))
    if others[1:]:
        payload["add_phones"] = others[1:]


def _compile_fill(
    mapping: Mapping, read_phones: PhoneReader
) -> Callable[[Payload, list[Issue]], None] | None:
    """Fills fields that are empty with the defaults, and columns that are constant with their constant."""
    constants = {
        c.field: c.rules.constant for c in mapping.columns if c.field and c.rules.constant is not None
    }
    given = [
        (name, text, name in constants) for name, text in {**mapping.defaults, **constants}.items() if text
    ]
    if not given:
        return None
    steps = [(_default_step(mapping, name, read_phones), text, always) for name, text, always in given]

    def fill(payload: Payload, faults: list[Issue]) -> None:
        for step, text, always in steps:
            if not always and (
                _holds(payload, step.field) or any(issue.field == step.field for issue in faults)
            ):
                continue
            value = step.read(text)
            if type(value) is CellError:
                faults.append(Issue(step.field, value.code, step.header, text, value.hint))
            elif value is CLEAR:
                step.put(payload, None)
            elif value is not None:
                if always:
                    payload.pop(step.field, None)
                step.put(payload, value)

    return fill


def _default_step(mapping: Mapping, name: str, read_phones: PhoneReader) -> Step:
    column = ColumnChoice(
        index=-1, header="", field=name, source=MatchSource.OPTION, confidence=1.0, reason=""
    )
    return _step(mapping, column, read_phones)


def _holds(payload: Payload, name: str) -> bool:
    if name.startswith("address."):
        return name.removeprefix("address.") in payload.get("address", {})
    if name == "full_name":
        return "first_name" in payload
    return name in payload
