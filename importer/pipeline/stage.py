"""Everything before the first write: the account's lists, the columns, and a verdict on every row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from importer.access import Access
from importer.errors import UnreadableFile, before_the_first_write
from importer.journal import Journal, RunHeader
from importer.models import AccountTitles, Notice, active_titles
from importer.pipeline.asking import fetch_titles
from importer.pipeline.folding import fold_shared_phones
from importer.pipeline.mapping import Decided, columns_of_origin, decide_columns, save_mapping
from importer.pipeline.origin import find_origin, inherited, left_behind, of_a_run_that_is_gone
from importer.pipeline.runs import account_of, new_folder, now, run_folder
from importer.pipeline.titles import settle_titles
from importer.pipeline.watch import Watch
from importer.settings import Settings, taken_over
from importer.staging import Recipe, Sheet


def stage(
    command: str, settings: Settings, sheet: Sheet, access: Access, watch: Watch, *, parent: str = ""
) -> Journal:
    """A journal in which every row of the sheet is judged.

    A failure leaves nothing behind: the run's folder goes with it, and what would stop a run is exit 2 here.
    """
    assert settings.run_id is not None
    folder = run_folder(Path(settings.reports), settings.run_id)
    with before_the_first_write():
        origin = find_origin(sheet, Path(settings.reports))
        header, titles, settings = _understood(command, settings, sheet, access, watch, parent, origin)
        with new_folder(folder):
            return _judged(Journal.create(folder, header), sheet, titles, settings, watch, origin)


def _understood(
    command: str,
    settings: Settings,
    sheet: Sheet,
    access: Access,
    watch: Watch,
    parent: str,
    origin: RunHeader | None,
) -> tuple[RunHeader, AccountTitles, Settings]:
    """What the run is about, the account's lists, and the options that hold for it."""
    if not sheet.opened.sample:
        raise UnreadableFile(
            f"{sheet.file} has a header and no rows below it.", "Nothing to import: check the file."
        )
    titles = fetch_titles(access, settings, watch.waiting)
    settings = inherited(settings, origin)
    decided = columns_of_origin(sheet.opened, settings, titles, origin) or decide_columns(
        sheet, settings, titles, watch
    )
    if origin is None and sheet.opened.ours:
        gone = of_a_run_that_is_gone(Path(settings.reports))
        decided = decided._replace(notices=(gone, *decided.notices))
    header = _header(
        command, settings=settings, sheet=sheet, access=access, decided=decided, titles=titles, parent=parent
    )
    watch.understood(header)
    return header, titles, settings


def _judged(
    journal: Journal,
    sheet: Sheet,
    titles: AccountTitles,
    settings: Settings,
    watch: Watch,
    origin: RunHeader | None,
) -> Journal:
    mapping = journal.header.mapping
    recipe = Recipe(
        mapping=mapping, titles=titles, region=settings.region, unknown=settings.unknown, limit=settings.limit
    )
    try:
        _stage_rows(journal, sheet, recipe, watch)
        if origin is not None:
            _tell_what_is_left_behind(journal, origin, Path(settings.reports), watch)
        settle_titles(journal, recipe, settings, watch)
        if settings.save:
            save_mapping(Path(settings.save), journal.header.mapping)
        fold_shared_phones(journal, settings.duplicates, watch)
        journal.complete()
    except BaseException:
        journal.close()
        raise
    return journal


def _stage_rows(journal: Journal, sheet: Sheet, recipe: Recipe, watch: Watch) -> None:
    staged = 0
    for batch in sheet.reader.judged(recipe):
        journal.stage(batch)
        staged += len(batch)
        watch.judged(staged)
    done = sheet.reader.done
    assert done is not None
    if done.rows != staged or journal.rows != staged:
        raise UnreadableFile(
            f"{sheet.file} has {done.rows} rows, but {journal.rows} were staged: two rows claim one number.",
            "Please report this: it is a fault of importer, not of the file.",
        )
    if late := [notice for notice in done.notices if notice not in sheet.opened.notices]:
        watch.noticed(late)
    of_mapping = tuple(notice for notice in journal.header.notices if notice not in sheet.opened.notices)
    journal.annotate(done.notices + of_mapping)


def _tell_what_is_left_behind(journal: Journal, origin: RunHeader, reports: Path, watch: Watch) -> None:
    behind = tuple(left_behind(reports, origin, rows=journal.rows, account=journal.header.account))
    if behind:
        watch.noticed(behind)
        journal.annotate(journal.header.notices + behind)


def _header(
    command: str,
    *,
    settings: Settings,
    sheet: Sheet,
    access: Access,
    decided: Decided,
    titles: AccountTitles,
    parent: str,
) -> RunHeader:
    assert settings.run_id is not None
    return RunHeader(
        run_id=settings.run_id,
        command=command,
        file=sheet.file,
        sha256=sheet.sha256,
        started_at=now().isoformat(),
        account=account_of(access),
        base_url=access.base_url,
        headers=sheet.opened.headers,
        mapping=decided.mapping,
        options=taken_over(settings),
        notices=(*sheet.opened.notices, *decided.notices, *_of_limit(settings.limit)),
        parent=parent,
        titles=active_titles(titles),
    )


def _of_limit(limit: int | None) -> Iterator[Notice]:
    """One that stands in a settings file is soon forgotten, and what it leaves out is in no count and no report."""
    if limit is not None:
        first = "first row is" if limit == 1 else f"first {limit:,} rows are"
        yield Notice(
            "ignored", f"Only the {first} taken, as --limit says; the rest of the sheet is left aside."
        )
