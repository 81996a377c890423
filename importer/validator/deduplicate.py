"""Decides which of the rows that share a phone is sent, and merges the values of the others into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from importer.fields import get_field_label
from importer.issues import Issue, IssueCode
from importer.messages import format_count, issue_messages
from importer.models.row import Accepted, NewVerdict
from importer.models.status import StagedVerdict
from importer.settings import DuplicatesPolicy
from importer.validator.lead_groups import (
    PERSON_FIELDS,
    GroupWords,
    get_name,
    is_other_person,
    split_into_leads,
)
from importer.validator.merge_payloads import Change, merge_payloads

_NAME_FIELDS = (PERSON_FIELDS, ("business_name",))
"""The fields that name a row: the person, or the firm in a sheet that has only firms."""

_MAX_NAMED_ROWS, _MAX_NAMED_CHANGES = 6, 20  # in one sentence, so that it can be read


def deduplicate_group(
    group: Sequence[Accepted], duplicates: DuplicatesPolicy, *, header: str, sheets: Sequence[str] = ()
) -> list[NewVerdict]:
    """Return a new verdict for each row that changes, of rows that share a number, in file order.

    Rows with one lead phone are one lead. So are rows that share a further number (`B / A` and `A`), unless they name
    different people: a switchboard in the sheet must not make one lead of a whole firm. Such rows get a warning.

    `merge` gives what the CRM would hold if the rows were sent one after another (later values win, lists add up, no
    note is lost), with two differences: it keeps the additional info of all rows, and does not mix two names. With
    every policy, rows of different people whose number Excel may have shortened to the same are rejected. `header` is the
    phone column's, and `sheets` are the names of the run's sheets if there are several, for the sentences.
    """
    words = GroupWords(header, sheets)
    leads, warnings = split_into_leads(group, words)
    verdicts = [verdict for rows in leads for verdict in _deduplicate_lead(rows, duplicates, words)]
    return _add_warnings(verdicts, group, warnings)


def _deduplicate_lead(
    group: Sequence[Accepted], duplicates: DuplicatesPolicy, words: GroupWords
) -> list[NewVerdict]:
    shortened = _reject_shortened(group, words)
    others = [row for row in group if row.row.number not in shortened]
    if len(others) > 1:
        return [*shortened.values(), *_apply_policy(others, duplicates, words)]
    return list(shortened.values())


def is_same_number(phone: str, digits: str) -> bool:
    """Return whether bare digits are this E.164 phone, with or without a zero or the country code in front."""
    return phone.endswith(digits.removesuffix(".0").lstrip("+0"))


def _apply_policy(
    group: Sequence[Accepted], duplicates: DuplicatesPolicy, words: GroupWords
) -> list[NewVerdict]:
    match duplicates:
        case "merge":
            return _merge_group(group, words)
        case "first":
            return _keep_one(group, group[0], issue_messages.FIRST_ROW_WAS_KEPT, words)
        case "last":
            return _keep_one(group, group[-1], issue_messages.LAST_ROW_WAS_KEPT, words)
        case "reject":
            return [_reject_shared(row, group, words) for row in group]


# --- warnings about shared numbers


def _add_warnings(
    verdicts: Sequence[NewVerdict], group: Sequence[Accepted], warnings: dict[int, Issue]
) -> list[NewVerdict]:
    """Return the verdicts with the warnings, and one more verdict for each other row that has a warning."""
    judged = {verdict.number for verdict in verdicts}
    unchanged = [
        NewVerdict(row.row.number, StagedVerdict.VALID, row.payload, row.issues)
        for row in group
        if row.row.number in warnings and row.row.number not in judged
    ]
    return [
        verdict._replace(issues=(*verdict.issues, warnings[verdict.number]))
        if verdict.number in warnings
        else verdict
        for verdict in (*verdicts, *unchanged)
    ]


# --- numbers that Excel may have shortened


def _reject_shortened(group: Sequence[Accepted], words: GroupWords) -> dict[int, NewVerdict]:
    """Return a rejection for each row whose number ends in zeros as Excel's do, if the rows are of different people."""
    doubtful = [row for row in group if any(_is_about_phone(row, issue) for issue in row.issues)]
    other_names = _find_other_names(group, words) if doubtful else {}
    if not other_names:
        return {}
    first_number, first_issue = next(iter(other_names.items()))
    first_other = words.name_with(first_number, first_issue.value)
    verdicts: dict[int, NewVerdict] = {}
    for row in doubtful:
        number = row.row.number
        hint = other_names[number].hint if number in other_names else first_other
        issues = tuple(
            msgspec.structs.replace(issue, code=IssueCode.SHORTENED, hint=hint)
            if _is_about_phone(row, issue)
            else issue
            for issue in row.issues
        )
        verdicts[number] = NewVerdict(number, StagedVerdict.INVALID, None, issues)
    return verdicts


def _is_about_phone(row: Accepted, issue: Issue) -> bool:
    """Return whether an issue doubts the lead's own number. Its cell may hold others, or be of another column."""
    return issue.code == IssueCode.MAYBE_SHORTENED and is_same_number(row.phone, issue.value)


# --- policies


def _merge_group(group: Sequence[Accepted], words: GroupWords) -> list[NewVerdict]:
    verdicts: list[NewVerdict] = []
    for survivor, others in _split_by_labels(group):
        if not others:
            continue
        other_names = _find_other_names([survivor, *others], words)
        for row in others:
            name_issue = other_names.get(row.row.number)
            extra = () if name_issue is None else (name_issue,)
            verdicts.append(
                _mark_duplicate(row, survivor, issue_messages.MERGED_INTO_THAT_ROW, words, *extra)
            )
        verdicts.append(_merge_into(survivor, others, words))
    return verdicts


def _split_by_labels(group: Sequence[Accepted]) -> list[tuple[Accepted, list[Accepted]]]:
    """Split the group between a row that removes labels and one that adds some: the API accepts only one of both."""
    parts: list[tuple[Accepted, list[Accepted]]] = []
    label_fields: set[str] = set()
    for row in group:
        own = {"add_labels", "remove_labels"} & row.payload.keys()
        if parts and len(label_fields | own) < 2:
            parts[-1][1].append(row)
            label_fields |= own
        else:
            parts.append((row, []))
            label_fields = own
    return parts


def _merge_into(survivor: Accepted, others: Sequence[Accepted], words: GroupWords) -> NewVerdict:
    payload, changes = merge_payloads([survivor, *others])
    rows = issue_messages.format_rows(
        [words.name(row.row.number) for row in others], max_named=_MAX_NAMED_ROWS
    )
    issue = Issue("row", IssueCode.MERGED, words.header, rows, _format_changes(changes, words))
    issues = (*survivor.issues, issue)
    return NewVerdict(survivor.row.number, StagedVerdict.VALID, payload, issues)


def _keep_one(
    group: Sequence[Accepted], survivor: Accepted, reason: str, words: GroupWords
) -> list[NewVerdict]:
    return [_mark_duplicate(row, survivor, reason, words) for row in group if row is not survivor]


def _mark_duplicate(
    row: Accepted, survivor: Accepted, reason: str, words: GroupWords, *extra: Issue
) -> NewVerdict:
    issue = Issue("row", IssueCode.SAME_PHONE, words.header, reason, words.name(survivor.row.number))
    issues = (*row.issues, issue, *extra)
    return NewVerdict(row.row.number, StagedVerdict.DUPLICATE, None, issues, survivor.row.number)


def _reject_shared(row: Accepted, group: Sequence[Accepted], words: GroupWords) -> NewVerdict:
    other = next(other for other in group if other is not row)
    issue = Issue(
        "customer_phone", IssueCode.SHARED_PHONE, words.header, row.phone, words.name(other.row.number)
    )
    return NewVerdict(row.row.number, StagedVerdict.INVALID, None, (*row.issues, issue))


# --- names


def _find_other_names(rows: Sequence[Accepted], words: GroupWords) -> dict[int, Issue]:
    """Return an issue for each row with another name than the first row that has one: they may be two people."""
    fields = next(
        (fields for fields in _NAME_FIELDS if any(row.payload.get(f) for row in rows for f in fields)), ()
    )
    named = [(row.row.number, name) for row in rows if (name := get_name(row, fields))]
    if not named:
        return {}
    first = words.name_with(*named[0])
    return {
        number: Issue("row", IssueCode.OTHER_NAME, words.header, name, first)
        for number, name in named
        if is_other_person(name, named[0][1])
    }


# --- words


def _format_changes(changes: Sequence[Change], words: GroupWords) -> str:
    """Return a sentence for each change, but only for the first of many."""
    unnamed = len(changes) - _MAX_NAMED_CHANGES
    named = changes[:_MAX_NAMED_CHANGES] if unnamed > 1 else changes
    text = "".join(
        issue_messages.VALUE_REPLACED.format(
            label=get_field_label(change.field),
            row=words.name(change.row),
            old=_format_value(change.old),
            new=_format_value(change.new),
        )
        for change in named
    )
    return text + (
        issue_messages.MORE_VALUES_REPLACED.format(count=format_count(unnamed)) if unnamed > 1 else ""
    )


def _format_value(value: Any) -> str:
    return issue_messages.EMPTY_VALUE if value is None else f'"{value}"'
