"""Which column is which field: decided, and asked about once where a person is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from importer.errors import BadMapping, CannotWrite, NoPhoneColumn, UsageError
from importer.fields import BY_NAME, FIELDS
from importer.issues import Severity, text
from importer.journal import RunHeader
from importer.loader.cells.text import has_digit
from importer.loader.columns import choose_columns, is_unsure
from importer.loader.drafts import OF_THE_LEADS_PHONES, compile_drafter
from importer.loader.keptmaps import is_known_again, keep_map, map_of, path_of, save_map
from importer.loader.mapfile import ColumnMap, read_map
from importer.loader.named import name_of
from importer.loader.presets import find_preset
from importer.models import AccountTitles, ColumnChoice, Mapping, Notice, SourceRow, active_titles
from importer.pipeline.origin import fitted
from importer.pipeline.watch import ColumnQuestion, Watch
from importer.settings import Settings, of_flags
from importer.staging import Opened, Sheet
from importer.validator import compile_judge

MAPS_FOLDER = "maps"
"""Folder of the reports folder where answers are kept, by the shape of the sheet."""


class Decided(NamedTuple):
    """A mapping, and what must be said of how it came about."""

    mapping: Mapping
    notices: tuple[Notice, ...] = ()


def decide_columns(sheet: Sheet, settings: Settings, titles: AccountTitles, watch: Watch) -> Decided:
    """The mapping of a sheet: chosen, and asked about where it is not sure."""
    kept = kept_map(sheet.opened, settings)
    if kept is not None and watch.asks and not watch.use_kept_map(kept):
        kept = None
    decided = columns_of(sheet.opened, settings, titles, kept=kept, needs_phone=not watch.asks)
    if watch.asks:
        decided = _asked(decided, sheet.opened, settings, titles, kept, watch)
    _check_defaults(decided.mapping, settings, titles)
    return decided


def columns_of_origin(
    opened: Opened, settings: Settings, titles: AccountTitles, origin: RunHeader | None
) -> Decided | None:
    """The mapping of a file of ours: that of its run, with what flags say anew; None where these name another one.

    `settings` are with the run's own (`inherited`).
    """
    told = of_flags(settings)
    if origin is None or told.map or told.preset:
        return None
    kept = fitted(origin.mapping, opened.headers)
    if not told.column and not told.set and kept.columns_of("customer_phone"):
        return Decided(kept)
    chosen = choose_columns(
        opened.headers,
        opened.sample,
        column_map=map_of(kept),
        columns=told.column,
        defaults=told.set,
        titles=titles_by_field(titles),
        region=settings.region,
    )
    _check_defaults(chosen, settings, titles)
    return Decided(msgspec.structs.replace(chosen, preset=kept.preset, row_rules=kept.row_rules))


def columns_of(
    opened: Opened,
    settings: Settings,
    titles: AccountTitles,
    *,
    kept: Path | None,
    needs_phone: bool = True,
) -> Decided:
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
            defaults=settings.set,
            titles=titles_by_field(titles),
            region=settings.region,
            needs_phone=needs_phone,
        )
    return Decided(mapping, (*_of_preset(opened, settings, mapping), *notices, *_of_names(mapping)))


@contextmanager
def _naming_what_was_left_aside(opened: Opened) -> Iterator[None]:
    """A workbook often begins with a sheet of sums: where the phones are missing, the sheets that were not read are named."""
    try:
        yield
    except NoPhoneColumn as error:
        aside = [notice.text for notice in opened.notices if notice.kind == "ignored"]
        raise NoPhoneColumn(" ".join((error.message, *aside)), error.advice) from None


def kept_map(opened: Opened, settings: Settings) -> Path | None:
    """The answers that were given for an earlier sheet with these headers; None where --map names another map."""
    path = path_of(Path(settings.reports) / MAPS_FOLDER, opened.headers)
    return path if settings.map is None and is_known_again(opened.headers) and path.is_file() else None


def keep(mapping: Mapping, settings: Settings, watch: Watch) -> None:
    """Keep answers for the next sheet of this shape, and tell where. With --map, that file is the user's to change."""
    if settings.map is not None or not is_known_again([column.header for column in mapping.columns]):
        return
    folder = Path(settings.reports) / MAPS_FOLDER
    try:
        watch.kept(keep_map(folder, mapping))
    except OSError as error:
        raise CannotWrite(
            f"Cannot keep the answers in {folder}: {error.strerror}.", "Name another folder with --reports."
        ) from error


def save_mapping(path: Path, mapping: Mapping) -> None:
    """Write a mapping where the user said. Raises CannotWrite."""
    try:
        save_map(path, mapping)
    except OSError as error:
        raise CannotWrite(
            f"Cannot write the map {path}: {error.strerror}.", "Name another place with --save."
        ) from error


def titles_by_field(titles: AccountTitles) -> dict[str, tuple[str, ...]]:
    """The active titles that each field may have."""
    active = active_titles(titles)
    return {field.name: active.get(field.dropdown, ()) for field in FIELDS if field.dropdown is not None}


def _of_names(mapping: Mapping) -> Iterator[Notice]:
    """Leads without a name are of little use: better to hear of it before they are sent than after."""
    if not any(
        mapping.columns_of(name) for name in ("full_name", "first_name", "last_name", "business_name")
    ):
        yield Notice(
            "read",
            'No column holds the names of the leads. If one does, say so: --column "HEADER=full_name".',
        )


def _of_preset(opened: Opened, settings: Settings, mapping: Mapping) -> Iterator[Notice]:
    """As what export the sheet was recognised, and what that puts into empty cells."""
    preset = find_preset(opened.headers, settings.preset)
    if preset is None:
        return
    fills = "".join(
        f' Rows without a {BY_NAME[field].label.lower()} get "{value}".'
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
    decided: Decided,
    opened: Opened,
    settings: Settings,
    titles: AccountTitles,
    kept: Path | None,
    watch: Watch,
) -> Decided:
    """The mapping after the questions: first the leads' phones, then whatever is unsure."""
    answers: dict[str, str] = {}

    def decided_again() -> Decided:
        told = settings.replaced(column={**settings.column, **answers})
        return _as_answered(columns_of(opened, told, titles, kept=kept), answers)

    if not _has_phone(decided.mapping):
        name = watch.choose_phone_column(_questions(decided.mapping, _may_be_the_phone))
        answers |= {name: "customer_phone"} if name else {}
        decided = decided_again()
    if unsure := _questions(decided.mapping, is_unsure):
        answers |= watch.choose_columns(unsure)
        decided = decided_again()
    if answers:
        keep(decided.mapping, settings, watch)
    return decided


def _as_answered(decided: Decided, answers: dict[str, str]) -> Decided:
    """The same with the right reason: an answer travels as an option, but was not typed as one."""
    headers = [column.header for column in decided.mapping.columns]
    columns = tuple(
        msgspec.structs.replace(column, reason="as answered")
        if name_of(headers, column.index) in answers
        else column
        for column in decided.mapping.columns
    )
    return decided._replace(mapping=msgspec.structs.replace(decided.mapping, columns=columns))


def _questions(mapping: Mapping, asked: Callable[[ColumnChoice], bool]) -> list[ColumnQuestion]:
    headers = [column.header for column in mapping.columns]
    return [
        ColumnQuestion(name_of(headers, column.index), column, _taken(mapping, column))
        for column in mapping.columns
        if asked(column)
    ]


def _has_phone(mapping: Mapping) -> bool:
    return bool(mapping.columns_of("customer_phone") or mapping.columns_of("add_phones"))


def _may_be_the_phone(column: ColumnChoice) -> bool:
    return not column.field and has_digit("".join(column.samples))


def _taken(mapping: Mapping, column: ColumnChoice) -> frozenset[str]:
    """Fields of one column each that another column feeds."""
    return frozenset(
        field.name
        for field in FIELDS
        if not field.joins and any(c.field == field.name and c is not column for c in mapping.columns)
    )


# --- values for empty cells


def _check_defaults(mapping: Mapping, settings: Settings, titles: AccountTitles) -> None:
    """Refuse a value of --set or [defaults] that no row could be sent with: it would be every row's fault."""
    for name, value in mapping.defaults.items():
        where = f"--set {name}={value}" if name in settings.set else f'[defaults] {name} = "{value}"'
        if name in OF_THE_LEADS_PHONES:
            raise BadMapping(
                f"{where}: a phone is each lead's own, so no value can stand for all rows.",
                "For numbers without a country code use --region.",
            )
        alone = Mapping(columns=(_PHONE_COLUMN,), defaults={name: value}, clear=mapping.clear)
        draft = compile_drafter(alone, region=settings.region)(SourceRow(1, ("+919845012345",)))
        verdict = compile_judge(titles, headers={}, unknown=settings.unknown)(draft)
        for issue in verdict.issues:
            if issue.severity is Severity.ERROR:
                raise UsageError(f"{where}: {text(issue)}")


_PHONE_COLUMN = ColumnChoice(
    index=0, header="Phone", field="customer_phone", why="option", sureness=1.0, reason=""
)
