"""Decide which column is which field, and ask about unsure columns if somebody can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from importer.errors import MissingPhoneColumnError
from importer.fields import FIELDS_BY_NAME
from importer.loader.mapping.column_chooser import choose_columns, needs_confirmation
from importer.loader.mapping.map_file import ColumnMap, make_column_key, read_map
from importer.loader.mapping.presets import find_preset
from importer.loader.mapping.sheet_mappings import (
    fill_sheet_name,
    fit_map,
    keep_existing,
)
from importer.messages import run_messages
from importer.models.mapping import (
    AccountTitles,
    Mapping,
    MatchSource,
    Notice,
    NoticeKind,
    get_active_titles,
    group_titles_by_field,
)
from importer.pipeline.answers import find_remembered_map
from importer.pipeline.check_defaults import check_defaults
from importer.pipeline.column_questions import (
    build_questions,
    build_renamed_column,
    has_names,
    has_phone,
    list_names,
    make_readable_name,
    may_hold_names,
    may_hold_phones,
)
from importer.pipeline.context import RunContext
from importer.pipeline.lineage import describe_missing_run, find_renamed_columns
from importer.pipeline.questions import (
    ColumnQuestion,
    Prompter,
    RestQuestion,
    SourceQuestion,
    TaskQuestion,
)
from importer.pipeline.reuse_mapping import reuse_mapping
from importer.pipeline.task_columns import find_due_column, leave_out_task_columns, note_task_columns
from importer.reader.protocol import SheetPreview
from importer.reader.source import Sheet
from importer.settings import Settings, is_explicit


class MappingDecision(NamedTuple):
    """A mapping, and notices about how it was decided."""

    mapping: Mapping
    notices: tuple[Notice, ...] = ()


def match_columns(sheet: Sheet, context: RunContext) -> MappingDecision:
    """Return the mapping of a sheet: that of the run that wrote it, or one that is decided now."""
    settings, titles, origin = context.settings, context.titles, context.origin
    answers = _ask_about_renamed_columns(sheet, context)
    reused = reuse_mapping(sheet.preview, settings, titles, origin, answers)
    decision = MappingDecision(reused) if reused else _decide_columns(sheet, context)
    if origin is None and sheet.preview.is_own_report:
        notice = describe_missing_run(Path(settings.reports))
        decision = decision._replace(notices=(notice, *decision.notices))
    return decision


def _decide_columns(sheet: Sheet, context: RunContext) -> MappingDecision:
    settings, titles = context.settings, context.titles
    prompter = None if sheet.is_empty else context.prompter  # with no cells to show, nobody can tell more
    saved_map = find_remembered_map(sheet.preview, settings)
    if saved_map is not None and prompter is not None and not prompter.confirm_saved_map(saved_map):
        saved_map = None
    decision = choose_mapping(
        sheet.preview,
        settings,
        titles,
        saved_map=saved_map,
        needs_phone=prompter is None and not sheet.is_empty,
    )
    if prompter is not None:
        decision = _ask_about_columns(decision, sheet.preview, saved_map, context, prompter)
        decision = decision._replace(mapping=_ask_for_source(decision.mapping, sheet, prompter))
    check_defaults(decision.mapping, settings, titles)
    return decision


def choose_mapping(
    preview: SheetPreview,
    settings: Settings,
    titles: AccountTitles,
    *,
    saved_map: Path | None,
    needs_phone: bool = True,
) -> MappingDecision:
    """Return the mapping by options, map file or saved map, preset, synonyms and content, in that order."""
    column_map, reason, notices = _read_column_map(settings, saved_map)
    existing = preview.headers if preview.is_one_of_several else None
    with _name_unread_sheets(preview):
        mapping = choose_columns(
            preview.headers,
            preview.sample,
            preset=settings.preset,
            column_map=fit_map(column_map, existing, preview.name) if column_map else None,
            map_named_by=reason,
            columns=keep_existing(settings.column, existing),
            defaults=fill_sheet_name(settings.default, preview.name),
            titles=group_titles_by_field(get_active_titles(titles)),
            region=settings.region,
            rest=settings.rest,
            needs_phone=needs_phone,
        )
    mapping = leave_out_task_columns(mapping, settings)
    notices = (
        *_note_preset(preview, settings, mapping),
        *notices,
        *_note_missing_names(mapping),
        *note_task_columns(mapping),
    )
    return MappingDecision(mapping, notices)


@contextmanager
def _name_unread_sheets(preview: SheetPreview) -> Iterator[None]:
    """Name the sheets that were not read if no phone column is found: workbooks often begin with a sheet of totals."""
    try:
        yield
    except MissingPhoneColumnError as error:
        unread = [notice.text for notice in preview.notices if notice.kind is NoticeKind.IGNORED]
        raise MissingPhoneColumnError(" ".join((error.message, *unread)), error.advice) from None


def _read_column_map(
    settings: Settings, saved_map: Path | None
) -> tuple[ColumnMap | None, str, tuple[Notice, ...]]:
    """Return the map of --map or the saved one, why its columns are chosen, and what must be said about it."""
    if settings.map is not None:
        return read_map(Path(settings.map)), run_messages.COLUMN_FROM_MAP, ()
    if saved_map is None:
        return None, "", ()
    notice = Notice(NoticeKind.REUSED, run_messages.ANSWERS_REUSED.format(path=saved_map))
    return read_map(saved_map), run_messages.COLUMN_FROM_SAVED_ANSWERS, (notice,)


def _note_preset(preview: SheetPreview, settings: Settings, mapping: Mapping) -> Iterator[Notice]:
    """Yield a notice that names the recognised export, and the values that its preset writes into empty cells."""
    preset = find_preset(preview.headers, settings.preset)
    if preset is None:
        return
    text = run_messages.PRESET_RECOGNISED.format(title=preset.title, preset=preset.name)
    for field, value in preset.defaults.items():
        if mapping.defaults.get(field) == value:
            label = FIELDS_BY_NAME[field].label.lower()
            text += run_messages.PRESET_FILLS.format(field=label, value=value)
    yield Notice(NoticeKind.READ, text)


def _note_missing_names(mapping: Mapping) -> Iterator[Notice]:
    """Yield a notice if no column holds names: such leads are of little use, and a person should know before sending."""
    if not has_names(mapping):
        yield Notice(NoticeKind.READ, run_messages.NO_NAME_COLUMN)


# --- questions


def _ask_about_renamed_columns(sheet: Sheet, context: RunContext) -> dict[str, str]:
    """Ask whether new columns of a report are columns of its run under another name. Return field by column name."""
    origin, prompter, headers = context.origin, context.prompter, sheet.preview.headers
    if origin is None or prompter is None or context.settings.map or context.settings.preset:
        return {}
    named = context.settings.column
    questions = [
        ColumnQuestion(name, build_renamed_column(sheet.preview, index, lost), frozenset())
        for index, lost in find_renamed_columns(origin.mapping, headers).items()
        if (name := make_column_key(headers, index)) not in named
    ]
    return prompter.choose_columns(questions) if questions else {}


def _ask_about_columns(
    decision: MappingDecision,
    preview: SheetPreview,
    saved_map: Path | None,
    context: RunContext,
    prompter: Prompter,
) -> MappingDecision:
    """Return the decision after the questions: about the leads' phones, their names, then all unsure columns."""
    settings, answers = context.settings, dict[str, str]()
    rest, asks_about_rest = settings.rest, not is_explicit(settings, "rest")

    def choose_again() -> MappingDecision:
        answered = settings.replace(column={**settings.column, **answers}, rest=rest)
        again = choose_mapping(preview, answered, context.titles, saved_map=saved_map)
        return _mark_answers(again, answers)

    if not has_phone(decision.mapping):
        name = prompter.choose_phone_column(build_questions(decision.mapping, may_hold_phones))
        answers |= {name: "customer_phone"} if name else {}
        decision = choose_again()
    if not has_names(decision.mapping) and (texts := build_questions(decision.mapping, may_hold_names)):
        name = prompter.choose_name_column(texts)
        answers |= {name: "full_name"} if name else {}
        decision = choose_again()
    if unsure := build_questions(decision.mapping, needs_confirmation):
        answers |= prompter.choose_columns(unsure)
        decision = choose_again()
    if due := find_due_column(decision.mapping):
        name = make_column_key(preview.headers, due.index)
        if prompter.confirm_tasks(TaskQuestion(name, due.samples)):
            answers[name] = "task_due"
            decision = choose_again()
    left_over = list_names(decision.mapping, lambda column: column.source is MatchSource.REST)
    if left_over and asks_about_rest and not prompter.confirm_rest(RestQuestion(left_over)):
        rest = "ignore"
        decision = choose_again()
    return decision


def _ask_for_source(mapping: Mapping, sheet: Sheet, prompter: Prompter) -> Mapping:
    """Return the mapping with a source for all rows, if neither a column nor a default has one."""
    if mapping.find_columns("source") or "source" in mapping.defaults:
        return mapping
    source = prompter.choose_source(SourceQuestion(make_readable_name(sheet.file)))
    return msgspec.structs.replace(mapping, defaults={**mapping.defaults, "source": source})


def _mark_answers(decision: MappingDecision, answers: dict[str, str]) -> MappingDecision:
    """Return the decision with "as answered" as reason: an answer travels as an option, but was not typed as one."""
    headers = [column.header for column in decision.mapping.columns]
    columns = tuple(
        msgspec.structs.replace(column, reason=run_messages.COLUMN_FROM_ANSWER)
        if make_column_key(headers, column.index) in answers
        else column
        for column in decision.mapping.columns
    )
    return decision._replace(mapping=msgspec.structs.replace(decision.mapping, columns=columns))
