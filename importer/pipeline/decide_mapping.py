"""Which column is which field: decided, and asked about once where a person is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from importer.errors import DiskWriteError, MappingError, MissingPhoneColumnError, UsageError
from importer.fields import FIELDS, FIELDS_BY_NAME
from importer.issues import Severity, describe_issue
from importer.journal.run_metadata import RunMetadata
from importer.loader.cells.text import has_digit
from importer.loader.mapping.column_chooser import choose_columns, needs_confirmation
from importer.loader.mapping.map_file import ColumnMap, read_map
from importer.loader.mapping.overrides import make_column_key
from importer.loader.mapping.presets import find_preset
from importer.loader.mapping.saved_maps import (
    get_map_path,
    has_real_headers,
    remember_map,
    save_map,
    to_column_map,
)
from importer.loader.rows.drafts import LEAD_PHONE_FIELDS, Drafter
from importer.models.mapping import AccountTitles, ColumnChoice, Mapping, Notice, get_active_titles
from importer.models.row import SourceRow
from importer.pipeline.context import RunContext
from importer.pipeline.lineage import fit_mapping
from importer.pipeline.observer import ColumnQuestion, Prompter, RunObserver
from importer.reader.protocol import SheetPreview
from importer.reader.source import Sheet
from importer.settings import Settings, select_explicit
from importer.validator.judge import Judge

MAPS_FOLDER = "maps"
"""Folder of the reports folder where answers are kept, by the shape of the sheet."""


class MappingDecision(NamedTuple):
    """A mapping, and what must be said of how it came about."""

    mapping: Mapping
    notices: tuple[Notice, ...] = ()


def decide_columns(
    sheet: Sheet, settings: Settings, titles: AccountTitles, context: RunContext
) -> MappingDecision:
    """The mapping of a sheet: chosen, and asked about where it is not sure."""
    kept = find_remembered_map(sheet.preview, settings)
    if kept is not None and context.prompter is not None and not context.prompter.confirm_saved_map(kept):
        kept = None
    decided = choose_mapping(sheet.preview, settings, titles, kept=kept, needs_phone=context.prompter is None)
    if context.prompter is not None:
        decided = _asked(decided, sheet.preview, settings, titles, kept, context.observer, context.prompter)
    _check_defaults(decided.mapping, settings, titles)
    return decided


def reuse_mapping(
    opened: SheetPreview, settings: Settings, titles: AccountTitles, origin: RunMetadata | None
) -> MappingDecision | None:
    """The mapping of a file of ours: that of its run, with what flags say anew; None where these name another one.

    `settings` are with the run's own (`inherited`).
    """
    told = select_explicit(settings)
    if origin is None or told.map or told.preset:
        return None
    kept = fit_mapping(origin.mapping, opened.headers)
    if not told.column and not told.default and kept.find_columns("customer_phone"):
        return MappingDecision(kept)
    chosen = choose_columns(
        opened.headers,
        opened.sample,
        column_map=to_column_map(kept),
        columns=told.column,
        defaults=told.default,
        titles=group_titles_by_field(titles),
        region=settings.region,
    )
    _check_defaults(chosen, settings, titles)
    return MappingDecision(msgspec.structs.replace(chosen, preset=kept.preset, row_rules=kept.row_rules))


def choose_mapping(
    opened: SheetPreview,
    settings: Settings,
    titles: AccountTitles,
    *,
    kept: Path | None,
    needs_phone: bool = True,
) -> MappingDecision:
    """The mapping by flags, map file or kept map, preset, synonyms and content, in that order."""
    column_map, said, notices = _map_of(settings, kept)
    with _naming_what_was_left_aside(opened):
        mapping = choose_columns(
            opened.headers,
            opened.sample,
            preset=settings.preset,
            column_map=column_map,
            map_said=said,
            columns=settings.column,
            defaults=settings.default,
            titles=group_titles_by_field(titles),
            region=settings.region,
            needs_phone=needs_phone,
        )
    return MappingDecision(mapping, (*_of_preset(opened, settings, mapping), *notices, *_of_names(mapping)))


@contextmanager
def _naming_what_was_left_aside(opened: SheetPreview) -> Iterator[None]:
    """A workbook often begins with a sheet of sums: where the phones are missing, the sheets that were not read are named."""
    try:
        yield
    except MissingPhoneColumnError as error:
        aside = [notice.text for notice in opened.notices if notice.kind == "ignored"]
        raise MissingPhoneColumnError(" ".join((error.message, *aside)), error.advice) from None


def find_remembered_map(opened: SheetPreview, settings: Settings) -> Path | None:
    """The answers that were given for an earlier sheet with these headers; None where --map names another map."""
    path = get_map_path(Path(settings.reports) / MAPS_FOLDER, opened.headers)
    return path if settings.map is None and has_real_headers(opened.headers) and path.is_file() else None


def remember_answers(mapping: Mapping, settings: Settings, observer: RunObserver) -> None:
    """Keep answers for the next sheet of this shape, and tell where. With --map, that file is the user's to change."""
    if settings.map is not None or not has_real_headers([column.header for column in mapping.columns]):
        return
    folder = Path(settings.reports) / MAPS_FOLDER
    try:
        observer.on_answers_saved(remember_map(folder, mapping))
    except OSError as error:
        raise DiskWriteError(
            f"Cannot keep the answers in {folder}: {error.strerror}.", "Name another folder with --reports."
        ) from error


def save_mapping(path: Path, mapping: Mapping) -> None:
    """Write a mapping where the user said. Raises DiskWriteError."""
    try:
        save_map(path, mapping)
    except OSError as error:
        raise DiskWriteError(
            f"Cannot write the map {path}: {error.strerror}.", "Name another place with --save."
        ) from error


def group_titles_by_field(titles: AccountTitles) -> dict[str, tuple[str, ...]]:
    """The active titles that each field may have."""
    active = get_active_titles(titles)
    return {field.name: active.get(field.dropdown, ()) for field in FIELDS if field.dropdown is not None}


def _of_names(mapping: Mapping) -> Iterator[Notice]:
    """Leads without a name are of little use: better to hear of it before they are sent than after."""
    if not any(
        mapping.find_columns(name) for name in ("full_name", "first_name", "last_name", "business_name")
    ):
        yield Notice(
            "read",
            'No column holds the names of the leads. If one does, say so: --column "HEADER=full_name".',
        )


def _of_preset(opened: SheetPreview, settings: Settings, mapping: Mapping) -> Iterator[Notice]:
    """As what export the sheet was recognised, and what that puts into empty cells."""
    preset = find_preset(opened.headers, settings.preset)
    if preset is None:
        return
    fills = "".join(
        f' Rows without a {FIELDS_BY_NAME[field].label.lower()} get "{value}".'
        for field, value in preset.defaults.items()
        if mapping.defaults.get(field) == value
    )
    yield Notice("read", f"Recognised as {preset.title} (preset {preset.name}).{fills}")


def _map_of(settings: Settings, kept: Path | None) -> tuple[ColumnMap | None, str, tuple[Notice, ...]]:
    if settings.map is not None:
        return read_map(Path(settings.map)), "named by the map", ()
    if kept is None:
        return None, "", ()
    said = (
        f"Columns as they were answered last time. Kept in {kept}: change it, or delete it to be asked again."
    )
    return read_map(kept), "as answered last time", (Notice("read", said),)


# --- asking


def _asked(
    decided: MappingDecision,
    opened: SheetPreview,
    settings: Settings,
    titles: AccountTitles,
    kept: Path | None,
    observer: RunObserver,
    prompter: Prompter,
) -> MappingDecision:
    """The mapping after the questions: first the leads' phones, then whatever is unsure."""
    answers: dict[str, str] = {}

    def decided_again() -> MappingDecision:
        told = settings.replace(column={**settings.column, **answers})
        return _as_answered(choose_mapping(opened, told, titles, kept=kept), answers)

    if not _has_phone(decided.mapping):
        name = prompter.choose_phone_column(_questions(decided.mapping, _may_be_the_phone))
        answers |= {name: "customer_phone"} if name else {}
        decided = decided_again()
    if unsure := _questions(decided.mapping, needs_confirmation):
        answers |= prompter.choose_columns(unsure)
        decided = decided_again()
    if answers:
        remember_answers(decided.mapping, settings, observer)
    return decided


def _as_answered(decided: MappingDecision, answers: dict[str, str]) -> MappingDecision:
    """The same with the right reason: an answer travels as an option, but was not typed as one."""
    headers = [column.header for column in decided.mapping.columns]
    columns = tuple(
        msgspec.structs.replace(column, reason="as answered")
        if make_column_key(headers, column.index) in answers
        else column
        for column in decided.mapping.columns
    )
    return decided._replace(mapping=msgspec.structs.replace(decided.mapping, columns=columns))


def _questions(mapping: Mapping, asked: Callable[[ColumnChoice], bool]) -> list[ColumnQuestion]:
    headers = [column.header for column in mapping.columns]
    return [
        ColumnQuestion(make_column_key(headers, column.index), column, _taken(mapping, column))
        for column in mapping.columns
        if asked(column)
    ]


def _has_phone(mapping: Mapping) -> bool:
    return bool(mapping.find_columns("customer_phone") or mapping.find_columns("add_phones"))


def _may_be_the_phone(column: ColumnChoice) -> bool:
    return not column.field and has_digit("".join(column.samples))


def _taken(mapping: Mapping, column: ColumnChoice) -> frozenset[str]:
    """Fields of one column each that another column feeds."""
    return frozenset(
        field.name
        for field in FIELDS
        if not field.takes_many_columns
        and any(c.field == field.name and c is not column for c in mapping.columns)
    )


# --- values for empty cells


def _check_defaults(mapping: Mapping, settings: Settings, titles: AccountTitles) -> None:
    """Refuse a value of --default or [defaults] that no row could be sent with: it would be every row's fault."""
    for name, value in mapping.defaults.items():
        where = f"--default {name}={value}" if name in settings.default else f'[defaults] {name} = "{value}"'
        if name in LEAD_PHONE_FIELDS:
            raise MappingError(
                f"{where}: a phone is each lead's own, so no value can stand for all rows.",
                "For numbers without a country code use --region.",
            )
        alone = Mapping(columns=(_PHONE_COLUMN,), defaults={name: value}, clear=mapping.clear)
        draft = Drafter(alone, region=settings.region).draft(SourceRow(1, ("+919845012345",)))
        verdict = Judge(titles, headers={}, unknown=settings.unknown).judge(draft)
        for issue in verdict.issues:
            if issue.severity is Severity.ERROR:
                raise UsageError(f"{where}: {describe_issue(issue)}")


_PHONE_COLUMN = ColumnChoice(
    index=0, header="Phone", field="customer_phone", source="option", confidence=1.0, reason=""
)
