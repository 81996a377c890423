"""The commands `check` and `run` as functions that return their result."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import msgspec

from importer import dataframe
from importer.credentials import API_KEY_VARIABLE, BASE_URL_VARIABLE, Credentials, find_credentials
from importer.errors import UsageError
from importer.messages import settings_messages
from importer.pipeline.context import NullObserver, RunContext
from importer.pipeline.reports_folder import find_run, reports_beside
from importer.pipeline.run import check, run
from importer.reader.source import Sheet, make_open_options, open_file
from importer.report.summary import Summary
from importer.sender.send_loop import Progress
from importer.settings import Settings, check_save_target, resolve_settings

if TYPE_CHECKING:
    import pandas as pd

Source: TypeAlias = "str | PurePath | BinaryIO | pd.DataFrame"

_TERMINAL_OPTIONS = frozenset({"yes", "json", "quiet", "verbose"})


class Result(msgspec.Struct, frozen=True):
    """The end of a check or an import: the contents of `summary.json`, and the folder of the reports."""

    summary: Summary
    folder: Path

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return self.summary.exit_code

    @property
    def ok(self) -> bool:
        """Whether every row went in (after a check: whether every row can)."""
        return self.exit_code == 0

    def to_frame(self) -> pd.DataFrame:
        """Return the rows in the order of the sheet: its own columns as typed, then the `_` columns of the reports.

        `_row` and `_attempts` are whole numbers. `_http_status` is a whole number or missing. All else is text. The rows
        are read from the journal of the run. Raises RunNotFoundError if the run was deleted.
        """
        return dataframe.read_run_frame(find_run(self.folder.parent, self.folder.name))


def check_file(
    source: Source, *, api_key: str | None = None, base_url: str | None = None, **settings: Any
) -> Result:
    """Check every row of `source` against the account and write the reports. Nothing in the CRM is changed.

    `source` is a path, an open binary file, or a DataFrame (see `importer.dataframe`). `settings` are the fields of
    `importer.settings.Settings`: `sheet="Visitors"`, `column={"Mob": "customer_phone"}`, `limit=100`.
    Key and base address come from the environment, as for the command, unless they are given.
    Raises NothingSentError and its subclasses. Errors of rows are in the result.
    """
    options, credentials = _resolve_options(source, settings), _find_credentials(api_key, base_url)
    context = RunContext(settings=options, credentials=credentials, observer=NullObserver())
    with _open_source(source, options) as sheet:
        return _build_result(check(sheet, context), options)


def run_import(
    source: Source,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Result:
    """Check every row of `source`, then send the accepted rows without asking.

    Takes what `check_file` takes. `on_progress` is called about ten times a second while rows are sent.
    An import that stops early returns a result too: `result.summary.state` is `stopped` or `interrupted`,
    `result.summary.reason` says why, and `importer resume` continues it. Raises NothingSentError and its subclasses
    before the first write, RunLockedError while another run sends the same rows to the same account. After
    DiskWriteError, JournalReadError or RunInterruptedError some rows may have been sent: see docs/library.md.
    """
    options, credentials = _resolve_options(source, settings), _find_credentials(api_key, base_url)
    context = RunContext(settings=options, credentials=credentials, observer=_ProgressObserver(on_progress))
    with _open_source(source, options) as sheet:
        return _build_result(run(sheet, context), options)


class _ProgressObserver(NullObserver):
    """Passes the progress to the caller's function, if there is one."""

    def __init__(self, callback: Callable[[Progress], None] | None) -> None:
        self._callback = callback

    def on_progress(self, progress: Progress) -> None:
        """Call the caller's function."""
        if self._callback is not None:
            self._callback(progress)


def _resolve_options(source: Source, given: dict[str, Any]) -> Settings:
    """Return the settings. The new run of a report goes into the same reports folder, unless another is given."""
    if unsuitable := sorted(_TERMINAL_OPTIONS & given.keys()):
        raise UsageError(*settings_messages.ONLY_COMMAND_LINE.format(name=unsuitable[0]))
    values = {name: str(value) if isinstance(value, PurePath) else value for name, value in given.items()}
    reports = reports_beside(Path(source)) if isinstance(source, str | PurePath) else None
    settings = resolve_settings({"reports": str(reports), **values} if reports else values)
    check_save_target(settings)
    return settings


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
