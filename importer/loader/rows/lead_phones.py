"""Reads the phones of a lead: its own, its other ones, and the name that people type beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from importer.issues import Issue, IssueCode
from importer.loader.cells.person_names import NameAboveLines, find_name_beside_phone, read_full_name
from importer.loader.cells.phones import ParsedPhones, PhoneReader
from importer.loader.cells.text import CellError, has_digit
from importer.loader.rows.cell_policy import CellPolicy
from importer.loader.rows.field_writers import TextLine, write_full_name
from importer.loader.rows.rules import apply_cell_rules, has_cell_rules
from importer.models.mapping import NAME_FIELDS, ColumnChoice, Mapping, format_column_name
from importer.models.row import Payload

LEAD_PHONE_FIELDS = frozenset({"customer_phone", "add_phones", "dial_code"})
"""Fields that are read together. They differ for each lead, so they cannot have a default."""


class _PhoneColumn(NamedTuple):
    """One column with phones of the lead."""

    choice: ColumnChoice
    has_rules: bool
    read: Callable[[str, str], ParsedPhones | CellError | None]


class LeadPhones:
    """Reads the lead's own phone and its other phones, and the name beside them."""

    def __init__(self, mapping: Mapping, region: str, policy: CellPolicy) -> None:
        self._apply_to_error = policy.apply_to_error
        self._columns = [
            _PhoneColumn(
                choice,
                has_cell_rules(choice),
                PhoneReader(region, is_needed=name == "customer_phone").read,
            )
            for name in ("customer_phone", "add_phones")
            for choice in mapping.find_columns(name)
        ]
        self._dial_index = next((column.index for column in mapping.find_columns("dial_code")), None)

    def read_into(self, cells: Sequence[str], payload: Payload, issues: list[Issue]) -> None:
        """Write the phones of a row into its payload. The first valid number is the lead's own."""
        numbers: list[str] = []
        dial_code = cells[self._dial_index] if self._dial_index is not None else ""
        for column, has_rules, read in self._columns:
            text = cells[column.index]
            if not text:
                continue
            parsed = read(apply_cell_rules(text, column) if has_rules else text, dial_code)
            if parsed is None:
                continue
            if isinstance(parsed, CellError):
                value = parsed.value or text
                issue = Issue(column.field, parsed.code, column.header, value, parsed.hint)
                issues.append(self._apply_to_error(issue))
                continue
            for code, part in parsed.warnings:
                issues.append(Issue(column.field, code, column.header, part))
            if column.field == "customer_phone":
                payload["customer_phone"] = parsed.numbers[0]
            numbers += parsed.numbers
        own = payload.get("customer_phone")
        if others := [number for number in dict.fromkeys(numbers) if number != own]:
            payload["add_phones"] = others

    def read_names_into(self, cells: Sequence[str], payload: Payload, issues: list[Issue]) -> None:
        """Make the words beside a phone the name of a row that has none, and keep the others as additional info."""
        if not issues or not NAME_FIELDS.isdisjoint(payload):
            return
        for column, _, _ in self._columns:
            left_out = [issue for issue in issues if _is_about_words(issue, column)]
            found = find_name_beside_phone(cells[column.index]) if left_out else None
            full_name = read_full_name(found.name) if found else None
            if found and full_name is not None and not isinstance(full_name, CellError | NameAboveLines):
                write_full_name(payload, full_name)
                issues[:] = [issue for issue in issues if issue not in left_out]
                if found.other_words:
                    header = column.header or format_column_name(column.index)
                    TextLine("additional_info", header).write(payload, found.other_words)
                return


def _is_about_words(issue: Issue, column: ColumnChoice) -> bool:
    """Return whether an issue says that words of a phone cell are left out."""
    if (issue.field, issue.column) != (column.field, column.header):
        return False
    is_text_alone = issue.code is IssueCode.PART_LEFT_OUT and not has_digit(issue.value)
    return issue.code is IssueCode.WORDS_LEFT_OUT or is_text_alone


def use_other_phone(payload: Payload, issues: list[Issue], header: str) -> None:
    """Make the first other phone the lead's own, with a warning. Without any, the row gets an error."""
    if any(issue.field == "customer_phone" for issue in issues):
        return
    others = payload.pop("add_phones", [])
    if not others:
        issues.append(Issue("customer_phone", IssueCode.MISSING, header))
        return
    payload["customer_phone"] = others[0]
    issues.append(Issue("customer_phone", IssueCode.OTHER_PHONE_USED, header, others[0]))
    if others[1:]:
        payload["add_phones"] = others[1:]
