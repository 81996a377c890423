"""Accepts or rejects a draft: its titles against the account's lists, its fields against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from importer.fields import FIELDS, Dropdown, Field, Kind
from importer.issues import Issue, IssueCode, Severity
from importer.models.mapping import AccountTitles
from importer.models.row import Accepted, Draft, Payload, Rejected, Verdict
from importer.settings import UnknownPolicy
from importer.validator.title_lookup import Found, TitleList, whole_titles

Judge: TypeAlias = Callable[[Draft], Verdict]
Rejudge: TypeAlias = Callable[[Payload], tuple[Payload, tuple[Issue, ...]]]
_Check: TypeAlias = Callable[[Payload, list[Issue]], None]
_LABELS = {"add_labels", "remove_labels"}
_MEMO_LIMIT = 20_000  # distinct texts remembered a list: a column of free text must not fill the memory


def compile_judge(titles: AccountTitles, *, headers: Mapping[str, str], unknown: UnknownPolicy) -> Judge:
    """The judge of one run. `headers` names the column that feeds a field, for the sentences.

    It works out once what every row needs, since it stands in the path of every row.
    """
    checks = _checks_of(titles, headers, unknown)

    def judge(draft: Draft) -> Verdict:
        payload = draft.payload
        faults = list(draft.issues)
        both = payload.keys() >= _LABELS
        for name, check in checks.items():
            if name in payload:
                check(payload, faults)
        if both and (unknown == "reject" or payload.keys() >= _LABELS):
            faults.append(Issue("add_labels", IssueCode.WITH_REMOVE_LABELS, headers.get("add_labels", "")))
        phone = payload.get("customer_phone", "")
        if any(fault.severity is not Severity.WARNING for fault in faults):
            return Rejected(draft.row, phone, tuple(faults))
        return Accepted(draft.row, phone, payload, tuple(faults))

    return judge


def compile_gone(titles: AccountTitles, *, unknown: UnknownPolicy) -> Rejudge:
    """Judges payloads that were sound when they were judged, by the titles that the account has now.

    Answers with the payload as it may go, and what is wrong by now: errors, or warnings where values are left out.
    """
    checks = _checks_of(titles, {}, unknown)

    def judge(payload: Payload) -> tuple[Payload, tuple[Issue, ...]]:
        now = dict(payload)
        issues: list[Issue] = []
        for name, check in checks.items():
            if name in now:
                check(now, issues)
        return now, tuple(issues)

    return judge


def _checks_of(
    titles: AccountTitles, headers: Mapping[str, str], unknown: UnknownPolicy
) -> dict[str, _Check]:
    lists = {dropdown: TitleList(titles.get(dropdown, ())) for dropdown in Dropdown}
    return {
        field.name: _check_of(field, lists[field.dropdown], headers.get(field.name, ""), unknown)
        for field in FIELDS
        if field.dropdown is not None
    }


def _check_of(field: Field, titles: TitleList, header: str, unknown: UnknownPolicy) -> _Check:
    find = _remembering(titles)

    def found(text: str, faults: list[Issue]) -> str:
        answer = find(text)
        if answer.fault:
            code = answer.fault if unknown == "reject" else f"left_out_{answer.fault}"
            faults.append(Issue(field.name, code, header, text, answer.hint))
        return answer.title

    def check_one(payload: Payload, faults: list[Issue]) -> None:
        text = payload[field.name]
        if text is None:
            return
        if title := found(text, faults):
            payload[field.name] = title
        else:
            del payload[field.name]

    def check_many(payload: Payload, faults: list[Issue]) -> None:
        texts = whole_titles(payload[field.name], titles)
        kept = [title for text in texts if (title := found(text, faults))]
        if kept:
            payload[field.name] = list(dict.fromkeys(kept))
        else:
            del payload[field.name]

    return check_many if field.kind is Kind.TITLES else check_one


def _remembering(titles: TitleList) -> Callable[[str], Found]:
    memo: dict[str, Found] = {}

    def find(text: str) -> Found:
        known = memo.get(text)
        if known is None:
            known = titles.find(text)
            if len(memo) < _MEMO_LIMIT:
                memo[text] = known
        return known

    return find
