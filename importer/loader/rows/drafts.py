"""Reads rows into drafts. What depends only on the mapping is prepared once, so that each row is a short loop."""

from __future__ import annotations

from typing import NamedTuple

from importer.fields import FIELDS_BY_NAME, Field, Kind, get_field_label
from importer.issues import Issue, IssueCode
from importer.loader.cells.due_dates import DueReader, MovedDue, read_task_type
from importer.loader.cells.emails import read_emails
from importer.loader.cells.numeric_cells import AmountRange, MoneyReader, read_latitude, read_longitude
from importer.loader.cells.person_names import NameAboveLines, read_full_name
from importer.loader.cells.phones import SinglePhoneReader
from importer.loader.cells.text import (
    CellError,
    normalize_name,
    normalize_note,
    normalize_number_text,
    normalize_text,
    read_list,
)
from importer.loader.rows.cell_policy import DEFAULT_CELL_POLICY, READ_BY_POLICY, CellPolicy
from importer.loader.rows.field_writers import FieldWriter, TextLine, select_writer
from importer.loader.rows.lead_phones import LEAD_PHONE_FIELDS, LeadPhones, use_other_phone
from importer.loader.rows.rules import (
    CLEAR,
    CellReader,
    RowRules,
    add_column_rules,
)
from importer.models.mapping import ColumnChoice, Mapping, MatchSource
from importer.models.row import Draft, Payload, SourceRow


class ColumnStep(NamedTuple):
    """What is done with one column: `read` its cell (see CellReader), and `write` the value into the payload."""

    cell_index: int
    field: str
    header: str
    read: CellReader
    write: FieldWriter


class Drafter:
    """Reads the rows of one run into drafts. `region` is the country of phones without a country code."""

    def __init__(self, mapping: Mapping, *, region: str, policy: CellPolicy = DEFAULT_CELL_POLICY) -> None:
        self._policy = policy
        self._row_rules = RowRules(mapping.row_rules, mapping.columns) if mapping.row_rules else None
        lead_phones = LeadPhones(mapping, region, policy)
        self._read_phones = lead_phones.read_into
        self._read_names_beside_phones = lead_phones.read_names_into
        self._steps = build_column_steps(mapping, region=region)
        self._defaults = _Defaults(mapping, region)
        self._phone_header = next((column.header for column in mapping.find_columns("customer_phone")), "")

    def draft(self, row: SourceRow) -> Draft:
        """Return the draft of a row with all of its issues. A row that is not a lead gets an empty payload."""
        cells = row.cells
        if self._row_rules is not None and (issue := self._row_rules.find_match(cells)) is not None:
            return Draft(row, {}, (issue,))
        payload: Payload = {}
        issues = list(row.issues)
        infos: list[tuple[str, str]] = []
        self._read_phones(cells, payload, issues)
        for index, field, header, read, write in self._steps:
            text = cells[index]
            if not text:
                continue
            value = read(text)
            if value is None:
                continue
            if type(value) in READ_BY_POLICY:
                found = self._policy.apply(field, header, text, value)
                issues.append(found.issue)
                if found.info:
                    infos.append((header or get_field_label(field), found.info))
                if (value := found.value) is None:
                    continue
            write(payload, None if value is CLEAR else value)
        self._read_names_beside_phones(cells, payload, issues)
        self._defaults.fill(payload, issues)
        for header, text in infos:
            TextLine("additional_info", header).write(payload, " ".join(text.split()))
        if "customer_phone" not in payload:
            use_other_phone(payload, issues, self._phone_header)
        return Draft(row, payload, tuple(issues))


def build_column_steps(mapping: Mapping, *, region: str) -> list[ColumnStep]:
    """Return a step for each column in the order of the sheet, full names last.

    The lead's phones and the columns with a constant are not among them.
    """
    phone_reader = SinglePhoneReader(region)
    columns = sorted(filter(_has_step, mapping.columns), key=lambda column: column.field == "full_name")
    return [_build_step(mapping, column, phone_reader) for column in columns]


def _has_step(column: ColumnChoice) -> bool:
    is_field = column.field in FIELDS_BY_NAME and column.field not in LEAD_PHONE_FIELDS
    return is_field and column.rules.constant is None


def _build_step(mapping: Mapping, column: ColumnChoice, phone_reader: SinglePhoneReader) -> ColumnStep:
    field = FIELDS_BY_NAME[column.field]
    read = _select_reader(field, column.header, phone_reader)
    if field.kind is Kind.DUE_DATE and mapping.due is not None:
        read = DueReader(mapping.due).read
    read = add_column_rules(read, column, mapping)
    return ColumnStep(column.index, field.name, column.header, read, select_writer(field, mapping, column))


_READER_OF_FIELD: dict[str, CellReader] = {
    "first_name": normalize_name,
    "last_name": normalize_name,
    "business_name": normalize_name,
    "additional_info": normalize_note,
    "customer_note": normalize_note,
    "address.additional": normalize_number_text,
    "address.initials": normalize_number_text,
    "address.latitude": read_latitude,
    "address.longitude": read_longitude,
}
_READER_OF_KIND: dict[Kind, CellReader] = {
    Kind.TEXT: normalize_text,
    Kind.FULL_NAME: read_full_name,
    Kind.WEBSITE: normalize_text,
    Kind.EMAILS: read_emails,
    Kind.TITLE: normalize_text,
    Kind.TITLES: read_list,
    Kind.DUE_DATE: normalize_text,
    Kind.TASK_TYPE: read_task_type,
}


def _select_reader(field: Field, header: str, phone_reader: SinglePhoneReader) -> CellReader:
    if field.kind is Kind.PHONE:
        return phone_reader.read
    if field.kind is Kind.MONEY:
        return MoneyReader(header).read
    return _READER_OF_FIELD.get(field.name) or _READER_OF_KIND[field.kind]


class _FixedValue(NamedTuple):
    """A text for a field: a default where the field is empty, or a constant in every row."""

    step: ColumnStep
    text: str
    is_constant: bool


class _Defaults:
    """Fills empty fields with the mapping's defaults, and columns that are constant with their constant."""

    def __init__(self, mapping: Mapping, region: str) -> None:
        phone_reader = SinglePhoneReader(region)
        constants = {
            column.field: column.rules.constant
            for column in mapping.columns
            if column.field and column.rules.constant is not None
        }
        self._values = [
            _FixedValue(_build_default_step(mapping, name, phone_reader), text, name in constants)
            for name, text in {**mapping.defaults, **constants}.items()
            if text
        ]

    def fill(self, payload: Payload, issues: list[Issue]) -> None:
        """Write the values into a payload. A field with an issue is not empty, unless its cell counts as empty."""
        for step, text, is_constant in self._values:
            if not is_constant and _has_value(payload, issues, step.field):
                continue
            value = step.read(text)
            if type(value) is AmountRange:
                value = CellError(IssueCode.NOT_A_NUMBER)
            elif type(value) is NameAboveLines:
                value = value.name
            elif type(value) is MovedDue:
                value = value.due_at
            if type(value) is CellError:
                issues.append(Issue(step.field, value.code, step.header, text, value.hint))
            elif value is CLEAR:
                step.write(payload, None)
            elif value is not None:
                if is_constant:
                    payload.pop(step.field, None)
                step.write(payload, value)


def _build_default_step(mapping: Mapping, name: str, phone_reader: SinglePhoneReader) -> ColumnStep:
    column = ColumnChoice(
        index=-1, header="", field=name, source=MatchSource.OPTION, confidence=1.0, reason=""
    )
    return _build_step(mapping, column, phone_reader)


def _has_value(payload: Payload, issues: list[Issue], name: str) -> bool:
    if any(issue.field == name and issue.code != IssueCode.COUNTED_AS_EMPTY for issue in issues):
        return True
    if name.startswith("address."):
        return name.removeprefix("address.") in payload.get("address", {})
    if name == "full_name":
        return "first_name" in payload
    return name in payload
