"""Put several sheets of a workbook together into one: the union of their columns, and each row with its sheet's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from importer.loader.table.tables_beside import get_sheet_of_table
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import SourceRows, pack_row_number
from importer.models.status import SHEET_COLUMN
from importer.reader.protocol import SheetPreview, WorkbookPreview


def combine_headers(sheets: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return the columns of all sheets in order of their first appearance, then the one with the sheet's name.

    Columns with the same header are one column; the second of two equal headers in a sheet is the second of another.
    """
    union: dict[tuple[str, int], str] = {}
    for headers in sheets:
        for key, header in zip(_make_keys(headers), headers, strict=True):
            union.setdefault(key, header)
    return (*union.values(), SHEET_COLUMN)


def place_columns(headers: Sequence[str], union: Sequence[str]) -> list[int]:
    """Return for each column of a sheet its index in the union."""
    indexes = {key: index for index, key in enumerate(_make_keys(union))}
    return [indexes[key] for key in _make_keys(headers)]


def combine_previews(workbook: WorkbookPreview) -> SheetPreview:
    """Return the preview of the sheets as one. A single sheet stays as it is."""
    sheets = workbook.sheets
    names = [sheet.name for sheet in sheets]
    chosen = describe_choice(names, workbook.all_sheets)
    if len(sheets) == 1:
        return msgspec.structs.replace(
            sheets[0], notices=(*chosen, *sheets[0].notices), is_one_of_several=False
        )
    union = combine_headers(sheet.headers for sheet in sheets)
    sample = tuple(
        row
        for position, sheet in enumerate(sheets, 1)
        for row in SheetCombiner(sheet.headers, union, sheet.name, position).combine(
            SourceRows.from_rows(sheet.sample)
        )
    )
    notices = [notice for sheet in sheets for notice in name_notices(sheet.name, sheet.notices)]
    return SheetPreview(union, sample, (*chosen, *notices))


def describe_choice(chosen: Sequence[str], all_sheets: Sequence[str]) -> list[Notice]:
    """Return notices that name the sheets that are read, and those that are not. A text file with one table has none."""
    if not all_sheets:
        return []
    notices = [Notice(NoticeKind.READ, _describe_sheets_read(chosen))]
    if others := [name for name in all_sheets if name not in chosen]:
        listed = file_messages.list_sheet_names(others)
        notices.append(Notice(NoticeKind.IGNORED, file_messages.OTHER_SHEETS_IGNORED.format(sheets=listed)))
    return notices


def _describe_sheets_read(chosen: Sequence[str]) -> str:
    listed = file_messages.list_sheet_names(chosen)
    if any(get_sheet_of_table(name) != name for name in chosen):
        return file_messages.TABLES_BESIDE_READ.format(tables=listed)
    if len(chosen) > 1:
        return file_messages.SHEETS_READ.format(sheets=listed)
    return file_messages.SHEET_READ.format(sheet=chosen[0])


def name_notices(sheet: str, notices: Iterable[Notice]) -> Iterator[Notice]:
    """Yield notices about one of several sheets, with its name in front."""
    return (Notice(notice.kind, f"{sheet}: {notice.text}") for notice in notices)


class SheetCombiner:
    """Turns rows of one sheet into rows of the union. `position` is that of the sheet, from 1."""

    def __init__(self, headers: Sequence[str], union: Sequence[str], name: str, position: int) -> None:
        placed = place_columns(headers, union)
        self._sources = [placed.index(at) if at in placed else None for at in range(len(union) - 1)]
        self._is_same = self._sources == list(range(len(headers)))
        self._name = name
        self._position = position

    def combine(self, block: SourceRows) -> SourceRows:
        """Return the rows with their cells in the columns of the union, and their numbers in the run."""
        numbers = [pack_row_number(self._position, number) for number in block.numbers]
        if self._is_same:
            cells = [[*row, self._name] for row in block.cells]
        else:
            cells = [
                [*["" if at is None else row[at] for at in self._sources], self._name] for row in block.cells
            ]
        return SourceRows(numbers, cells, block.issues)


def _make_keys(headers: Iterable[str]) -> list[tuple[str, int]]:
    """Return what makes two columns of different sheets the same: the header, and how many before have it."""
    seen: Counter[str] = Counter()
    keys = []
    for header in headers:
        word = " ".join(header.split()).casefold()
        keys.append((word, seen[word]))
        seen[word] += 1
    return keys
