"""Which column is which field, and which title a sheet means: decided, and asked about once where a person is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from importer.fields import FIELDS
from importer.journal import Journal, RunHeader
from importer.loader.columns import UNSURE_BELOW, choose_columns
from importer.loader.mapfile import find_saved_map, keep_map, map_of, read_map
from importer.models import AccountTitles, Mapping, SourceRow, Status
from importer.pipeline.origin import fitted
from importer.pipeline.watch import UnknownTitle, Watch
from importer.settings import Settings
from importer.staging import Opened, Recipe, Sheet, judge_rows

MAPS_FOLDER = "maps"
"""Folder of the reports folder where answers are kept, by the shape of the sheet."""


def decide_columns(sheet: Sheet, settings: Settings, titles: AccountTitles, watch: Watch) -> Mapping:
    """The mapping of a sheet: chosen, and asked about where it is not sure."""
    mapping = columns_of(sheet.opened, settings, titles)
    if watch.asks and any(column.field and column.sureness < UNSURE_BELOW for column in mapping.columns):
        answers = watch.choose_columns(mapping)
        mapping = columns_of(sheet.opened, settings.replaced(column={**settings.column, **answers}), titles)
        keep_map(Path(settings.reports) / MAPS_FOLDER, mapping)
    return mapping


def columns_of_origin(opened: Opened, given: Settings, titles: AccountTitles, origin: RunHeader) -> Mapping:
    """The mapping of a file of ours: that of its run, with what was named anew."""
    kept = fitted(origin.mapping, opened.headers)
    if not given.column and not given.set and kept.columns_of("customer_phone"):
        return kept
    chosen = choose_columns(
        opened.headers,
        opened.sample,
        column_map=map_of(kept),
        columns=given.column,
        defaults=given.set,
        titles=active_titles(titles),
    )
    return msgspec.structs.replace(chosen, preset=kept.preset, row_rules=kept.row_rules)


def columns_of(opened: Opened, settings: Settings, titles: AccountTitles) -> Mapping:
    """The mapping by flags, map file or kept map, preset, synonyms and content, in that order."""
    kept = find_saved_map(Path(settings.reports) / MAPS_FOLDER, opened.headers)
    return choose_columns(
        opened.headers,
        opened.sample,
        preset=settings.preset,
        column_map=read_map(Path(settings.map)) if settings.map else kept,
        columns=settings.column,
        defaults=settings.set,
        titles=active_titles(titles),
    )


def active_titles(titles: AccountTitles) -> dict[str, tuple[str, ...]]:
    """What can be attached, by field."""
    return {
        field.name: tuple(title.title for title in titles.get(field.dropdown, ()) if title.active)
        for field in FIELDS
        if field.dropdown is not None
    }


def settle_titles(journal: Journal, recipe: Recipe, watch: Watch) -> None:
    """Ask once about each value that the account does not have, and judge its rows again with the answers."""
    unknown = _unknown_titles(journal, active_titles(recipe.titles)) if watch.asks else []
    answers = watch.choose_titles(unknown) if unknown else {}
    if not answers:
        return
    mapping = journal.header.mapping
    values = {field: {**mapping.values.get(field, {}), **pairs} for field, pairs in answers.items()}
    mapping = msgspec.structs.replace(mapping, values={**mapping.values, **values})
    journal.remap(mapping)
    keep_map(journal.folder.parent / MAPS_FOLDER, mapping)
    again = msgspec.structs.replace(recipe, mapping=mapping, limit=None)
    journal.stage(list(judge_rows(_rows_with_unknown(journal), again)))


def _unknown_titles(journal: Journal, titles: dict[str, tuple[str, ...]]) -> list[UnknownTitle]:
    """The distinct unknown values, the commonest first."""
    counted = Counter(
        (issue.field, issue.column, issue.value)
        for outcome in journal.outcomes()
        for issue in outcome.issues
        if issue.code in _UNKNOWN
    )
    return [
        UnknownTitle(field, column, value, rows, titles.get(field, ()))
        for (field, column, value), rows in counted.most_common()
    ]


def _rows_with_unknown(journal: Journal) -> Iterator[SourceRow]:
    for outcome in journal.outcomes():
        if outcome.status is not Status.DUPLICATE and any(issue.code in _UNKNOWN for issue in outcome.issues):
            faults = tuple(issue for issue in outcome.issues if issue.field == "row")
            yield SourceRow(outcome.number, outcome.cells, faults)


_UNKNOWN = frozenset({"unknown", "left_out_unknown"})
