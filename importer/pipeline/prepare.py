"""Everything before the first write: the account's lists, the columns, and a verdict on every row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from importer.credentials import Credentials
from importer.errors import UnreadableFileError, raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.models.mapping import AccountTitles, Notice, NoticeKind, get_active_titles
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.context import RunContext
from importer.pipeline.decide_mapping import MappingDecision, decide_columns, reuse_mapping, save_mapping
from importer.pipeline.folding import deduplicate_rows
from importer.pipeline.lineage import describe_missing_run, find_origin, inherit_settings, report_unsent_rows
from importer.pipeline.observer import RunObserver
from importer.pipeline.runs import choose_run_folder, fingerprint_account, make_run_folder, now
from importer.pipeline.unknown_values import resolve_unknown_values
from importer.reader.row_processor import ProcessorConfig
from importer.reader.source import Sheet
from importer.settings import Settings, get_inheritable


def prepare_run(command: str, sheet: Sheet, context: RunContext) -> Journal:
    """A journal in which every row of the sheet is judged.

    A failure leaves nothing behind: the run's folder goes with it, and what would stop a run is exit 2 here.
    """
    settings = context.settings
    assert settings.run_id is not None
    folder = choose_run_folder(Path(settings.reports), settings.run_id)
    with raise_as_nothing_sent():
        origin = find_origin(sheet, Path(settings.reports))
        metadata, titles, context = _decide(command, sheet, context, origin)
        with make_run_folder(folder):
            return _judge_rows(Journal.create(folder, metadata), sheet, titles, context, origin)


def _decide(
    command: str, sheet: Sheet, context: RunContext, origin: RunMetadata | None
) -> tuple[RunMetadata, AccountTitles, RunContext]:
    """What the run is about, the account's lists, and the context with the options that hold for it."""
    if not sheet.preview.sample:
        raise UnreadableFileError(
            f"{sheet.file} has a header and no rows below it.", "Nothing to import: check the file."
        )
    titles = fetch_account_titles(context.credentials, context.settings, context.observer.on_wait)
    settings = inherit_settings(context.settings, origin)
    context = context.replace(settings=settings)
    decided = reuse_mapping(sheet.preview, settings, titles, origin) or decide_columns(
        sheet, settings, titles, context
    )
    if origin is None and sheet.preview.is_own_report:
        gone = describe_missing_run(Path(settings.reports))
        decided = decided._replace(notices=(gone, *decided.notices))
    metadata = _make_metadata(
        command,
        settings=settings,
        sheet=sheet,
        credentials=context.credentials,
        decided=decided,
        titles=titles,
        parent=context.parent,
    )
    context.observer.on_mapping_decided(metadata)
    return metadata, titles, context


def _judge_rows(
    journal: Journal, sheet: Sheet, titles: AccountTitles, context: RunContext, origin: RunMetadata | None
) -> Journal:
    settings, observer = context.settings, context.observer
    mapping = journal.metadata.mapping
    config = ProcessorConfig(
        mapping=mapping, titles=titles, region=settings.region, unknown=settings.unknown, limit=settings.limit
    )
    try:
        _stage_rows(journal, sheet, config, observer)
        if origin is not None:
            _tell_what_is_left_behind(journal, origin, Path(settings.reports), observer)
        resolve_unknown_values(journal, config, settings, context)
        if settings.save:
            save_mapping(Path(settings.save), journal.metadata.mapping)
        deduplicate_rows(journal, settings.duplicates, observer)
        journal.staging.complete()
    except BaseException:
        journal.close()
        raise
    return journal


def _stage_rows(journal: Journal, sheet: Sheet, config: ProcessorConfig, observer: RunObserver) -> None:
    staged = 0
    for batch in sheet.reader.judge(config):
        journal.stage(batch)
        staged += len(batch)
        observer.on_rows_judged(staged)
    done = sheet.reader.end
    assert done is not None
    if done.rows != staged or journal.rows != staged:
        raise UnreadableFileError(
            f"{sheet.file} has {done.rows} rows, but {journal.rows} were staged: two rows claim one number.",
            "Please report this: it is a fault of importer, not of the file.",
        )
    if late := [notice for notice in done.notices if notice not in sheet.preview.notices]:
        observer.on_notices(late)
    of_mapping = tuple(notice for notice in journal.metadata.notices if notice not in sheet.preview.notices)
    journal.run.set_notices(done.notices + of_mapping)


def _tell_what_is_left_behind(
    journal: Journal, origin: RunMetadata, reports: Path, observer: RunObserver
) -> None:
    behind = tuple(report_unsent_rows(reports, origin, rows=journal.rows, account=journal.metadata.account))
    if behind:
        observer.on_notices(behind)
        journal.run.set_notices(journal.metadata.notices + behind)


def _make_metadata(
    command: str,
    *,
    settings: Settings,
    sheet: Sheet,
    credentials: Credentials,
    decided: MappingDecision,
    titles: AccountTitles,
    parent: str,
) -> RunMetadata:
    assert settings.run_id is not None
    return RunMetadata(
        run_id=settings.run_id,
        command=command,
        file=sheet.file,
        sha256=sheet.sha256,
        started_at=now().isoformat(),
        account=fingerprint_account(credentials),
        base_url=credentials.base_url,
        headers=sheet.preview.headers,
        mapping=decided.mapping,
        options=get_inheritable(settings),
        notices=(*sheet.preview.notices, *decided.notices, *_of_limit(settings.limit)),
        parent=parent,
        titles=get_active_titles(titles),
    )


def _of_limit(limit: int | None) -> Iterator[Notice]:
    """One that stands in a settings file is soon forgotten, and what it leaves out is in no count and no report."""
    if limit is not None:
        first = "first row is" if limit == 1 else f"first {limit:,} rows are"
        yield Notice(
            NoticeKind.IGNORED,
            f"Only the {first} taken, as --limit says; the rest of the sheet is left aside.",
        )
