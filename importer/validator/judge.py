"""Accepts or rejects a draft: checks its titles against the account's lists, and its fields against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from importer.fields import FIELDS, Dropdown, Field, Kind
from importer.issues import Issue, IssueCode, Severity
from importer.models.mapping import AccountTitles
from importer.models.row import Accepted, Draft, Payload, Rejected, Verdict
from importer.settings import UnknownPolicy
from importer.validator.title_lookup import TitleList, TitleMatch, join_split_titles

_LABEL_FIELDS = {"add_labels", "remove_labels"}
_MAX_CACHED_TITLES = 20_000  # different texts of one list: a column of free text must not fill the memory
_LEFT_OUT_CODES = {
    IssueCode.UNKNOWN: IssueCode.LEFT_OUT_UNKNOWN,
    IssueCode.DISABLED: IssueCode.LEFT_OUT_DISABLED,
    IssueCode.AMBIGUOUS: IssueCode.LEFT_OUT_AMBIGUOUS,
}
"""The warning in place of each error, with --unknown drop."""


class Judge:
    """Judges the drafts of one run. `headers` gives the column of a field, for the issues."""

    def __init__(self, titles: AccountTitles, *, headers: Mapping[str, str], unknown: UnknownPolicy) -> None:
        self._checks = _build_checks(titles, headers, unknown)
        self._unknown = unknown
        self._label_header = headers.get("add_labels", "")

    def judge(self, draft: Draft) -> Verdict:
        """Return the draft as accepted or rejected, with all of its issues. It changes the draft's own payload."""
        payload = draft.payload
        issues = list(draft.issues)
        for name, check in self._checks.items():
            if name in payload:
                check.check(payload, issues)
        if payload.keys() >= _LABEL_FIELDS:
            both = set(payload["add_labels"]) & set(payload["remove_labels"])
            issues += (
                Issue("add_labels", IssueCode.WITH_REMOVE_LABELS, self._label_header, title)
                for title in sorted(both)
            )
        phone = payload.get("customer_phone", "")
        if any(issue.severity is not Severity.WARNING for issue in issues):
            return Rejected(draft.row, phone, tuple(issues))
        return Accepted(draft.row, phone, payload, tuple(issues))


class TitleRecheck:
    """Checks payloads that were accepted earlier against the titles that the account has now."""

    def __init__(self, titles: AccountTitles, *, unknown: UnknownPolicy) -> None:
        self._checks = _build_checks(titles, {}, unknown)

    def check(self, payload: Payload) -> tuple[Payload, tuple[Issue, ...]]:
        """Return the payload as it can be sent now, and its issues: errors, or warnings where a value was left out."""
        current = dict(payload)
        issues: list[Issue] = []
        for name, check in self._checks.items():
            if name in current:
                check.check(current, issues)
        return current, tuple(issues)


class _TitleCheck:
    """Checks a field that holds one title."""

    def __init__(self, field: Field, titles: TitleList, header: str, unknown: UnknownPolicy) -> None:
        self._name = field.name
        self._titles = titles
        self._header = header
        self._unknown = unknown
        self._cache: dict[str, TitleMatch] = {}

    def check(self, payload: Payload, issues: list[Issue]) -> None:
        """Put the account's spelling into the payload, or remove the value and add an issue."""
        text = payload[self._name]
        if text is None:
            return
        if title := self._resolve(text, issues):
            payload[self._name] = title
        else:
            del payload[self._name]

    def _resolve(self, text: str, issues: list[Issue]) -> str:
        match = self._find(text)
        if match.code is not None:
            code = match.code if self._unknown == "reject" else _LEFT_OUT_CODES[match.code]
            issues.append(Issue(self._name, code, self._header, text, match.hint))
        return match.title

    def _find(self, text: str) -> TitleMatch:
        match = self._cache.get(text)
        if match is None:
            match = self._titles.find(text)
            if len(self._cache) < _MAX_CACHED_TITLES:
                self._cache[text] = match
        return match


class _TitlesCheck(_TitleCheck):
    """Checks a field that holds a list of titles."""

    def check(self, payload: Payload, issues: list[Issue]) -> None:
        """Put the account's spellings into the payload. A list with nothing left is removed."""
        texts = join_split_titles(payload[self._name], self._titles)
        found = [title for text in texts if (title := self._resolve(text, issues))]
        if found:
            payload[self._name] = list(dict.fromkeys(found))
        else:
            del payload[self._name]


_Checks: TypeAlias = dict[str, _TitleCheck]


def _build_checks(titles: AccountTitles, headers: Mapping[str, str], unknown: UnknownPolicy) -> _Checks:
    """Return a check for each field with a dropdown list, by the field's name."""
    lists = {dropdown: TitleList(titles.get(dropdown, ())) for dropdown in Dropdown}
    checks: _Checks = {}
    for field in FIELDS:
        if field.dropdown is not None:
            check_type = _TitlesCheck if field.kind is Kind.TITLES else _TitleCheck
            header = headers.get(field.name, "")
            checks[field.name] = check_type(field, lists[field.dropdown], header, unknown)
    return checks
