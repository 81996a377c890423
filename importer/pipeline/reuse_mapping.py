"""Take the mapping of the run that wrote a report, changed by the options of this call."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from importer.journal.run_metadata import RunMetadata
from importer.loader.mapping.column_chooser import choose_columns
from importer.loader.mapping.map_file import to_column_map
from importer.loader.mapping.overrides import choose_by_options
from importer.loader.mapping.sheet_mappings import change_each_sheet, fill_sheet_name, merge_mappings
from importer.models.mapping import AccountTitles, Mapping, get_active_titles, group_titles_by_field
from importer.pipeline.check_defaults import check_defaults
from importer.pipeline.lineage import fit_mapping
from importer.reader.protocol import SheetPreview
from importer.settings import Settings, select_explicit


def reuse_mapping(
    preview: SheetPreview,
    settings: Settings,
    titles: AccountTitles,
    origin: RunMetadata | None,
    answers: dict[str, str] | None = None,
) -> Mapping | None:
    """Return the mapping of the run that wrote the sheet, changed by explicit options; None if they name another map.

    `settings` include those of that run (`inherit_settings`). `answers` are fields of renamed columns.
    """
    explicit = select_explicit(settings)
    explicit = explicit.replace(column={**(answers or {}), **explicit.column})
    if origin is None or explicit.map or explicit.preset:
        return None
    mapping = _forget_owners(fit_mapping(origin.mapping, preview.headers))
    if not explicit.column and not explicit.default and mapping.find_columns("customer_phone"):
        return mapping
    if mapping.by_sheet:
        return _override_sheets(mapping, preview.headers, explicit, settings, titles)
    chosen = choose_columns(
        preview.headers,
        preview.sample,
        column_map=to_column_map(mapping),
        columns=explicit.column,
        defaults=explicit.default,
        titles=group_titles_by_field(get_active_titles(titles)),
        region=settings.region,
        rest=settings.rest,
    )
    check_defaults(chosen, settings, titles)
    return msgspec.structs.replace(chosen, preset=mapping.preset, row_rules=mapping.row_rules)


def _forget_owners(mapping: Mapping) -> Mapping:
    """Return the mapping without phones of owners: the CRM may have refused them, and another account has another team."""
    return change_each_sheet(mapping, lambda one: msgspec.structs.replace(one, owners={}))


def _override_sheets(
    mapping: Mapping, headers: Sequence[str], explicit: Settings, settings: Settings, titles: AccountTitles
) -> Mapping:
    """Return the mapping of several sheets with explicit options for each of them."""
    named = choose_by_options(headers, explicit.column)

    def override(one: Mapping, sheet: str) -> Mapping:
        columns = tuple(named.get(column.index, column) for column in one.columns)
        defaults = {**one.defaults, **fill_sheet_name(explicit.default, sheet)}
        changed = msgspec.structs.replace(one, columns=columns, defaults=defaults)
        check_defaults(changed, settings, titles)
        return changed

    by_sheet = {name: override(one, name) for name, one in mapping.by_sheet.items()}
    return merge_mappings(headers, by_sheet)
