"""Refuse a value for empty cells with which no row could be sent."""

from __future__ import annotations

from importer.errors import MappingError, UsageError
from importer.fields import TASK_FIELDS
from importer.issues import Severity, describe_issue
from importer.loader.rows.drafts import Drafter
from importer.loader.rows.lead_phones import LEAD_PHONE_FIELDS
from importer.messages import run_messages
from importer.models.mapping import AccountTitles, ColumnChoice, Mapping, MatchSource
from importer.models.row import SourceRow
from importer.pipeline.reports_folder import now
from importer.pipeline.task_options import build_due_rules
from importer.settings import Settings
from importer.validator.judge import Judge


def check_defaults(mapping: Mapping, settings: Settings, titles: AccountTitles) -> None:
    """Raise MappingError or UsageError for a default that no row could be sent with: every row would be rejected."""
    for name, value in mapping.defaults.items():
        where = f"--default {name}={value}" if name in settings.default else f'[defaults] {name} = "{value}"'
        if name in LEAD_PHONE_FIELDS:
            raise MappingError(*run_messages.DEFAULT_PHONE.format(where=where))
        mapping_of_default = Mapping(
            columns=(_PHONE_COLUMN,),
            defaults={name: value},
            clear=mapping.clear,
            due=build_due_rules(settings, now()) if name in TASK_FIELDS else None,
        )
        draft = Drafter(mapping_of_default, region=settings.region).draft(SourceRow(1, ("+919845012345",)))
        verdict = Judge(titles, headers={}, unknown=settings.unknown).judge(draft)
        for issue in verdict.issues:
            if issue.severity is Severity.ERROR:
                raise UsageError(f"{where}: {describe_issue(issue)}")


_PHONE_COLUMN = ColumnChoice(
    index=0, header="Phone", field="customer_phone", source=MatchSource.OPTION, confidence=1.0, reason=""
)
