"""The commands `check`, `plan`, `apply`, `run`, `verify`, `undo`, `resume` and `retry` as functions that return their result."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Unpack

from importer import dataframe
from importer.credentials import API_KEY_VARIABLE, BASE_URL_VARIABLE, Credentials, find_credentials
from importer.errors import UsageError
from importer.library_options import (
    ApplyOptions,
    ImportOptions,
    PlanOptions,
    SendingOptions,
    UndoOptions,
    VerifyOptions,
)
from importer.messages import settings_messages
from importer.pipeline.context import NullObserver, RunContext
from importer.pipeline.plan import apply, plan
from importer.pipeline.reports_folder import find_run, reports_beside
from importer.pipeline.resume import resume, retry, verify
from importer.pipeline.run import check, run
from importer.pipeline.undo import explain_purged_run, undo
from importer.reader.source import Sheet, make_open_options, open_file
from importer.report.summary import Summary
from importer.result import Result
from importer.sender.send_loop import Progress
from importer.settings import Settings, check_save_target, resolve_settings
from importer.state.state_folder import find_state_folder

if TYPE_CHECKING:
    import pandas as pd

Source: TypeAlias = "str | PurePath | BinaryIO | pd.DataFrame"
RunName: TypeAlias = "str | PurePath | Result"
OnProgress: TypeAlias = Callable[[Progress], None]

_TERMINAL_OPTIONS = frozenset({"yes", "json", "quiet", "verbose"})


def check_file(
    source: Source,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    **options: Unpack[ImportOptions],
) -> Result:
    """Check every row of `source` against the account and write the reports. Nothing in the CRM is changed.

    `source` is a path, an open binary file, or a DataFrame (see `importer.dataframe`). `options` are those of the
    command: `sheet="Visitors"`, `column={"Mob": "customer_phone"}`, `limit=100`.
    Key and base address come from the environment, as for the command, unless they are given.
    Raises NothingSentError and its subclasses. Errors of rows are in the result.
    """
    settings = _resolve_file_options(source, options)
    context = _make_context(settings, api_key, base_url)
    with _open_source(source, settings) as sheet:
        return _build_result(check(sheet, context), settings)


def run_import(
    source: Source,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: OnProgress | None = None,
    **options: Unpack[ImportOptions],
) -> Result:
    """Check every row of `source`, then send the accepted rows without asking.

    Takes what `check_file` takes. `on_progress` is called about ten times a second while rows are sent.
    An import that stops early returns a result too: `result.summary.state` is `stopped` or `interrupted`,
    `result.summary.reason` says why, and `resume_run` continues it. Raises NothingSentError and its subclasses
    before the first write, RunLockedError while another run sends the same rows to the same account. After
    DiskWriteError, JournalReadError or RunInterruptedError some rows may have been sent: see docs/library.md.
    """
    settings = _resolve_file_options(source, options)
    context = _make_context(settings, api_key, base_url, on_progress)
    with _open_source(source, settings) as sheet:
        return _build_result(run(sheet, context), settings)


def plan_import(
    source: Source,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: OnProgress | None = None,
    **options: Unpack[PlanOptions],
) -> Result:
    """Check every row of `source`, look up its lead, and say what sending would change. Nothing is sent.

    Takes what `run_import` takes. `result.summary.plan` counts the rows to create and to update; `apply_plan` sends them.
    """
    settings = _resolve_file_options(source, options)
    context = _make_context(settings, api_key, base_url, on_progress)
    with _open_source(source, settings) as sheet:
        return _build_result(plan(sheet, context), settings)


def apply_plan(
    run: RunName,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: OnProgress | None = None,
    **options: Unpack[ApplyOptions],
) -> Result:
    """Send exactly the plan of a run, without asking. Takes and raises what `resume_run` does."""
    name, settings = _resolve_run_options(run, options)
    return _build_result(apply(name, _make_context(settings, api_key, base_url, on_progress)), settings)


def resume_run(
    run: RunName,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: OnProgress | None = None,
    **options: Unpack[SendingOptions],
) -> Result:
    """Finish an interrupted or stopped run. For a finished run, write its reports again.

    `run` is its id in the reports folder, its own folder, or its result. The rows, the mapping and the options are
    those of the run; `options` change how it is sent. Raises what `run_import` raises.
    """
    name, settings = _resolve_run_options(run, options)
    summary = resume(name, _make_context(settings, api_key, base_url, on_progress))
    return _build_result(summary, settings)


def verify_run(
    run: RunName,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    **options: Unpack[VerifyOptions],
) -> Result:
    """Read the leads of a run back and compare them with what was sent. Nothing is sent.

    `result.summary.verified` counts the rows by outcome, and each row has its own. Takes a `run` as `resume_run` does.
    """
    name, settings = _resolve_run_options(run, options)
    return _build_result(verify(name, _make_context(settings, api_key, base_url)), settings)


def undo_run(
    run: RunName,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: OnProgress | None = None,
    **options: Unpack[UndoOptions],
) -> Result:
    """Put the leads that a run updated back to what they were, as far as the API can, without asking.

    The result is that of the undo, which is a run of its own: its rows say what was put back and what stays.
    Raises UsageError for a run that has not kept the way back, and for one that was undone already.
    """
    with explain_purged_run(str(run), find_state_folder(os.environ)):
        name, settings = _resolve_run_options(run, options, UndoOptions.__optional_keys__)
    summary = undo(name, _make_context(settings, api_key, base_url, on_progress))
    return _build_result(summary, settings)


def retry_run(
    run: RunName,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: OnProgress | None = None,
    **options: Unpack[SendingOptions],
) -> Result | None:
    """Send the rows of a run that did not go in again, as a new run. Return None if it has no such row.

    Takes and raises what `resume_run` does.
    """
    name, settings = _resolve_run_options(run, options)
    summary = retry(name, _make_context(settings, api_key, base_url, on_progress))
    return None if summary is None else _build_result(summary, settings)


class _ProgressObserver(NullObserver):
    """Passes the progress to the caller's function, if there is one."""

    def __init__(self, callback: OnProgress | None) -> None:
        self._callback = callback

    def on_progress(self, progress: Progress) -> None:
        """Call the caller's function."""
        if self._callback is not None:
            self._callback(progress)


def _resolve_file_options(source: Source, options: ImportOptions | PlanOptions) -> Settings:
    """Return the settings. The new run of a report goes into the same reports folder, unless another is given."""
    given = _normalize_options(options, PlanOptions.__optional_keys__)
    reports = reports_beside(Path(source)) if isinstance(source, str | PurePath) else None
    settings = resolve_settings({"reports": str(reports), **given} if reports else given)
    check_save_target(settings)
    return settings


def _resolve_run_options(
    run: RunName,
    options: SendingOptions | ApplyOptions | VerifyOptions | UndoOptions,
    allowed: Collection[str] = ApplyOptions.__optional_keys__,
) -> tuple[str, Settings]:
    """Return the name that finds the run, and the settings. Its reports folder is the one that has it."""
    settings = resolve_settings(_normalize_options(options, allowed))
    folder = run.folder if isinstance(run, Result) else find_run(Path(settings.reports), str(run))
    return str(folder.absolute()), settings.replace(reports=str(folder.absolute().parent))


def _normalize_options(options: Mapping[str, object], allowed: Collection[str]) -> dict[str, Any]:
    """Return the options with paths as text. Raises UsageError for those that the function does not take.

    A type checker finds them too, but not every caller has one. A name that is no option at all is not found here.
    """
    for name in sorted(options.keys() - allowed):
        if name in _TERMINAL_OPTIONS:
            raise UsageError(*settings_messages.ONLY_COMMAND_LINE.format(name=name))
        if name in Settings.__struct_fields__:
            raise UsageError(*settings_messages.OPTION_OF_RUN.format(name=name))
    return {name: str(value) if isinstance(value, PurePath) else value for name, value in options.items()}


def _make_context(
    settings: Settings, api_key: str | None, base_url: str | None, on_progress: OnProgress | None = None
) -> RunContext:
    credentials = _find_credentials(api_key, base_url)
    return RunContext(settings=settings, credentials=credentials, observer=_ProgressObserver(on_progress))


def _find_credentials(api_key: str | None, base_url: str | None) -> Credentials:
    """Return the credentials that the command would use, overridden by those that the caller gives."""
    given = {API_KEY_VARIABLE: api_key, BASE_URL_VARIABLE: base_url}
    chosen = {name: value for name, value in given.items() if value is not None}
    return find_credentials({**os.environ, **chosen}, Path())


def _open_source(source: Source, settings: Settings) -> AbstractContextManager[Sheet]:
    if dataframe.is_frame(source):
        return nullcontext(dataframe.to_sheet(source))
    options = make_open_options(settings)
    if isinstance(source, str | PurePath):
        return open_file(Path(source), options)
    if not _is_binary_stream(source):
        raise UsageError(*settings_messages.NOT_A_SOURCE)
    return open_file(source, options)


def _is_binary_stream(source: object) -> bool:
    """Return whether it can be read as bytes. Callers without a type checker pass all kinds of objects."""
    return hasattr(source, "read") and not isinstance(source, io.TextIOBase)


def _build_result(summary: Summary, settings: Settings) -> Result:
    # An absolute path, because a notebook may change its working folder before it asks for the rows.
    return Result(summary, Path(settings.reports).absolute() / summary.run_id)
