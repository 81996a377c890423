"""Owners of leads who are named in the sheet: ask once for the phone that each has in the CRM, and remember it.

The names are known when the rows are judged. Their phones are those of earlier answers, which the account's state has
(state/owner_phones.py), or are asked for. Then the rows are judged again. A phone that the CRM refuses is forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from importer.issues import IssueCode
from importer.journal.run_journal import Journal
from importer.loader.mapping.sheet_mappings import change_each_sheet
from importer.loader.rows.rules import to_match_key
from importer.messages import run_messages
from importer.models.delivery import ReportRow
from importer.models.mapping import OWNER_FIELD, Mapping, Notice, NoticeKind
from importer.models.status import RowStatus
from importer.pipeline.answers import judge_again
from importer.pipeline.context import RunContext
from importer.pipeline.questions import OwnerQuestion
from importer.state.owner_phones import read_owner_phones, update_owner_phones
from importer.state.state_folder import AccountState

_NOT_FOUND = 404
"""What the CRM answers for a stage, a group or an owner that it does not have (docs/api.md)."""


def resolve_owners(journal: Journal, context: RunContext) -> None:
    """Find the phones of owners who are named, and judge their rows again. A name without a phone costs no row."""
    assert context.account is not None
    if not _has_owner_column(journal.metadata.mapping):
        return
    known = read_owner_phones(context.account.folder)
    questions = _count_owners(journal, context.settings.region, known)
    if not questions:
        return
    if context.prompter is not None:
        owners = context.prompter.choose_owners(questions)
    else:
        owners = {question.name: question.remembered for question in questions if question.remembered}
        _report_owners(journal, context, questions)
    _set_owners(journal, owners)
    if any(owners.values()):
        judge_again(journal, context, _has_unknown_owner)


def remember_owners(journal: Journal, account: AccountState) -> None:
    """Remember the phones that are sent now for the next sheet of the account. Raises DiskWriteError."""
    if owners := journal.metadata.mapping.owners:
        update_owner_phones(account.folder, {to_match_key(name): phone for name, phone in owners.items()})


def forget_refused_owners(journal: Journal, context: RunContext) -> None:
    """Forget the phones that the CRM does not know as those of team members, so that they are asked for again."""
    assert context.account is not None
    owners = journal.metadata.mapping.owners
    if not any(owners.values()) or not journal.reports.count_by_status()[RowStatus.REFUSED]:
        return
    refused = _find_refused_phones(journal)
    wrong = {name: phone for name, phone in owners.items() if phone in refused}
    if not wrong:
        return
    update_owner_phones(context.account.folder, dict.fromkeys(map(to_match_key, wrong), ""))
    text = run_messages.format_refused_owners(wrong)
    _add_notice(journal, context, Notice(NoticeKind.READ, text))


def _find_refused_phones(journal: Journal) -> set[str]:
    """Return the phones of owners with which rows were refused as not found, and no row went in.

    A row of a plan may have gone in without its owner, so it proves nothing.
    """
    refused, accepted = set[str](), set[str]()
    is_planned = bool(journal.metadata.applied_at)
    for row in journal.reports.read_rows():
        if row.status is RowStatus.ACCEPTED and not is_planned:
            accepted.add(_get_owner_phone(row))
        elif _is_not_found(row):
            refused.add(_get_owner_phone(row))
    return refused - accepted


def _is_not_found(row: ReportRow) -> bool:
    is_refused = row.status is RowStatus.REFUSED and row.http_status == _NOT_FOUND
    return is_refused and all(issue.code != IssueCode.NO_SUCH_LEAD for issue in row.issues)


def _get_owner_phone(row: ReportRow) -> str:
    return (row.payload or {}).get(OWNER_FIELD) or ""


def _has_owner_column(mapping: Mapping) -> bool:
    return any(one.find_columns(OWNER_FIELD) for one in (mapping, *mapping.by_sheet.values()))


def _count_owners(journal: Journal, region: str, known: dict[str, str]) -> list[OwnerQuestion]:
    """Return a question for each distinct name, the most frequent first. Case and spaces do not matter."""
    rows = Counter(
        (issue.column, issue.value)
        for row in journal.reports.read_rows()
        for issue in row.issues
        if issue.code == IssueCode.UNKNOWN_OWNER
    )
    questions: dict[str, OwnerQuestion] = {}
    for (column, name), count in rows.most_common():
        key = to_match_key(name)
        first = questions.get(key) or OwnerQuestion(name, column, 0, region, known.get(key, ""))
        questions[key] = msgspec.structs.replace(first, rows=first.rows + count)
    return list(questions.values())


def _has_unknown_owner(row: ReportRow) -> bool:
    return any(issue.code == IssueCode.UNKNOWN_OWNER for issue in row.issues)


def _set_owners(journal: Journal, owners: dict[str, str]) -> None:
    mapping = change_each_sheet(
        journal.metadata.mapping, lambda one: msgspec.structs.replace(one, owners=owners)
    )
    journal.run.set_mapping(mapping)


def _report_owners(journal: Journal, context: RunContext, questions: Sequence[OwnerQuestion]) -> None:
    """Say which owners were answered for an earlier sheet, and which are not known, since nobody is asked."""
    remembered = [question.name for question in questions if question.remembered]
    unknown = [question for question in questions if not question.remembered]
    if remembered:
        text = run_messages.OWNERS_REUSED.format(names=", ".join(remembered))
        _add_notice(journal, context, Notice(NoticeKind.READ, text))
    if unknown:
        names = [question.name for question in unknown]
        text = run_messages.format_unknown_owners(unknown[0].column, names)
        _add_notice(journal, context, Notice(NoticeKind.IGNORED, text))


def _add_notice(journal: Journal, context: RunContext, notice: Notice) -> None:
    context.observer.on_notices((notice,))
    journal.run.set_notices((*journal.metadata.notices, notice))
