"""Decide which sheets of a workbook are read, and the columns of each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from pathlib import Path

from importer.errors import MissingPhoneColumnError
from importer.loader.formats.workbook_reader import ALL_SHEETS
from importer.loader.mapping.map_file import read_map
from importer.loader.mapping.overrides import choose_by_map, choose_by_options
from importer.loader.mapping.sheet_mappings import merge_mappings, move_columns
from importer.messages import file_messages, run_messages
from importer.models.mapping import AccountTitles, Mapping, Notice
from importer.pipeline.answers import find_remembered_map
from importer.pipeline.column_questions import has_phone
from importer.pipeline.context import RunContext
from importer.pipeline.decide_mapping import MappingDecision, choose_mapping, match_columns
from importer.pipeline.lineage import find_origin, inherit_settings
from importer.pipeline.questions import Prompter, SheetQuestion
from importer.pipeline.reuse_mapping import reuse_mapping
from importer.reader.combine_sheets import name_notices, place_columns
from importer.reader.protocol import SheetPreview
from importer.reader.source import InMemoryReader, Sheet
from importer.settings import Settings


def choose_sheets(sheet: Sheet, context: RunContext) -> RunContext:
    """Leave out sheets without leads, and ask which of the others to read if none was named.

    Return the context with the choice in its settings. With the context of before, a person can choose again.
    """
    with_leads = leave_out_other_sheets(sheet, context.settings)
    if context.settings.sheet or len(with_leads) < 2:
        return context
    names = _ask_for_sheets(with_leads, context.prompter)
    sheet.reader.choose_sheets(names)
    return context.replace(settings=context.settings.replace(sheet=names))


def leave_out_other_sheets(sheet: Sheet, settings: Settings) -> list[SheetPreview]:
    """Read no sheet without leads, unless it was named. Return the sheets that are left of several.

    If no sheet has leads, the first is read: its error says what is missing.
    """
    sheets = sheet.reader.opened.sheets
    if len(sheets) < 2 or (settings.sheet and ALL_SHEETS not in settings.sheet):
        return []
    with_leads = [one for one in sheets if _holds_leads(one, settings)] or [sheets[0]]
    sheet.reader.choose_sheets([one.name for one in with_leads])
    return with_leads


def _ask_for_sheets(sheets: Sequence[SheetPreview], prompter: Prompter | None) -> tuple[str, ...]:
    """Return the sheets that a person chooses; the first one, with all of its tables, where nobody can be asked."""
    if prompter is None:
        return tuple(one.name for one in sheets if one.sheet == sheets[0].sheet)
    return tuple(prompter.choose_sheets([SheetQuestion(one.name, one.headers) for one in sheets]))


def _holds_leads(sheet: SheetPreview, settings: Settings) -> bool:
    """Return whether a column of phones is found among the sheet's rows."""
    saved_map = find_remembered_map(sheet, settings)
    decision = choose_mapping(sheet, settings, {}, saved_map=saved_map, needs_phone=False)
    return bool(sheet.sample) and has_phone(decision.mapping)


def match_sheets(sheet: Sheet, context: RunContext) -> MappingDecision:
    """Return the mapping of all sheets that are read; each is matched by itself, and no question is asked twice."""
    if len(sheet.reader.workbook.sheets) < 2:
        return match_columns(sheet, context)
    return _match_each(sheet, context.settings, lambda one: _match_one(one, sheet, context))


class SavedAnswers(Enum):
    """Whether the answers for an earlier sheet with the same columns decide about this one."""

    USED = auto()
    SET_ASIDE = auto()


def match_as_run_does(
    sheet: Sheet, settings: Settings, titles: AccountTitles, saved: SavedAnswers = SavedAnswers.USED
) -> MappingDecision:
    """Return the mapping that a run would use if nobody answers. A report of ours keeps the mapping of its run."""
    origin = find_origin(sheet, Path(settings.reports))
    settings = inherit_settings(settings, origin, base_url="")  # how fast a CRM is used does not matter here
    reused = reuse_mapping(sheet.preview, settings, titles, origin)
    return MappingDecision(reused) if reused else match_without_questions(sheet, settings, titles, saved)


def match_without_questions(
    sheet: Sheet, settings: Settings, titles: AccountTitles, saved: SavedAnswers = SavedAnswers.USED
) -> MappingDecision:
    """Return the mapping that a run would use if nobody answers its questions. It may lack a column of phones."""

    def match(one: SheetPreview) -> MappingDecision:
        saved_map = find_remembered_map(one, settings) if saved is SavedAnswers.USED else None
        return choose_mapping(one, settings, titles, saved_map=saved_map, needs_phone=False)

    return _match_each(sheet, settings, match)


def _match_each(
    sheet: Sheet, settings: Settings, match: Callable[[SheetPreview], MappingDecision]
) -> MappingDecision:
    """Return the mapping of the sheet, or of several sheets as one."""
    sheets, headers = sheet.reader.workbook.sheets, sheet.preview.headers
    if len(sheets) < 2:
        return match(sheet.preview)
    _check_named_columns(headers, settings)
    mappings: dict[str, Mapping] = {}
    notices: list[Notice] = []
    for one in sheets:
        decision = match(one)
        places = dict(enumerate(place_columns(one.headers, headers)))
        mappings[one.name] = move_columns(decision.mapping, places)
        notices += name_notices(one.name, decision.notices)
    return MappingDecision(merge_mappings(headers, mappings), tuple(notices))


def _match_one(one: SheetPreview, sheet: Sheet, context: RunContext) -> MappingDecision:
    reader = InMemoryReader(one.headers, one.sample)
    reader.preview = one
    try:
        return match_columns(Sheet(reader, file=sheet.file, sha256=sheet.sha256, path=sheet.path), context)
    except MissingPhoneColumnError as error:
        message = file_messages.IN_SHEET.format(sheet=one.name, message=error.message)
        raise MissingPhoneColumnError(message, error.advice) from error


def _check_named_columns(headers: Sequence[str], settings: Settings) -> None:
    """Raise MappingError for a column that no sheet has. One that some sheets do not have is no error."""
    choose_by_options(headers, settings.column)
    if settings.map is not None:
        choose_by_map(headers, read_map(Path(settings.map)).list_entries(), run_messages.COLUMN_FROM_MAP)
