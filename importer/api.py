"""`check_file` and `run_import`: the commands `check` and `run` as functions that return what they found."""

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
from importer.pipeline.context import RunContext
from importer.pipeline.observer import NullObserver
from importer.pipeline.run import check, run
from importer.pipeline.runs import find_run, reports_beside
from importer.reader.source import Sheet, make_open_options, open_file
from importer.report.summary import Summary
from importer.sender.send_loop import Progress
from importer.settings import Settings, check_save_target, resolve_settings

if TYPE_CHECKING:
    import pandas as pd

Source: TypeAlias = "str | PurePath | BinaryIO | pd.DataFrame"

_OF_THE_TERMINAL = frozenset({"yes", "json", "quiet", "verbose"})


class Result(msgspec.Struct, frozen=True):
    """How a check or an import ended. `summary` is what `summary.json` says; `folder` holds the reports."""

    summary: Summary
    folder: Path

    @property
    def exit_code(self) -> int:
        """What the command would have exited with."""
        return self.summary.exit_code

    @property
    def ok(self) -> bool:
        """Whether every row went in (after a check: whether every row can)."""
        return self.exit_code == 0

    def to_frame(self) -> pd.DataFrame:
        """The rows in the sheet's order: its own columns as typed, then the `_` columns of the reports.

        `_row` and `_attempts` are whole numbers, `_http_status` is one or missing; all else is text. It is
        read from the run's journal. Raises RunNotFoundError where the run has been taken away since.
        """
        return dataframe.of_run(find_run(self.folder.parent, self.folder.name))


def check_file(
    source: Source, *, api_key: str | None = None, base_url: str | None = None, **settings: Any
) -> Result:
    """Judge every row of `source` against the account and write the reports. The CRM is only read.

    `source` is a path, an open binary file, or a DataFrame (see `frames.rows_of`). `settings` are the fields
    of `importer.settings.Settings`: `sheet="Visitors"`, `column={"Mob": "customer_phone"}`, `limit=100`.
    Key and base address come from the environment, as for the command, unless they are given.
    Raises NothingSentError and its kinds; a fault of a row is in the result, not raised.
    """
    made, credentials = _settings(source, settings), _access(api_key, base_url)
    with _opened(source, made) as sheet:
        return _result(
            check(sheet, RunContext(settings=made, credentials=credentials, observer=NullObserver())), made
        )


def run_import(
    source: Source,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Result:
    """Judge every row of `source`, then send the accepted ones. It does not ask: who calls it has agreed.

    Takes what `check_file` takes. `on_progress` is called some ten times a second while rows are sent.
    An import that was stopped on its way returns too: `result.summary.state` is `stopped` or `interrupted`,
    `result.summary.reason` says why, and `importer resume` goes on. Raises NothingSentError and its kinds while
    the CRM is as it was, RunLockedError while another run sends the same rows to the same account. Rows may have been
    sent where it raises DiskWriteError, JournalReadError or RunInterruptedError: docs/library.md says when.
    """
    made, credentials = _settings(source, settings), _access(api_key, base_url)
    with _opened(source, made) as sheet:
        return _result(
            run(sheet, RunContext(settings=made, credentials=credentials, observer=_Telling(on_progress))),
            made,
        )


class _Telling(NullObserver):
    """The watch of a caller who may want to know how the sending stands."""

    def __init__(self, on_progress: Callable[[Progress], None] | None) -> None:
        self._on_progress = on_progress

    def on_progress(self, progress: Progress) -> None:
        """Pass it on."""
        if self._on_progress is not None:
            self._on_progress(progress)


def _settings(source: Source, given: dict[str, Any]) -> Settings:
    """What was given; a report that is fed back stays in its own reports folder, unless another is named."""
    if useless := sorted(_OF_THE_TERMINAL & given.keys()):
        raise UsageError(f"{useless[0]}= is for the command line.", "Leave it out: the library is silent.")
    plain = {name: str(value) if isinstance(value, PurePath) else value for name, value in given.items()}
    home = reports_beside(Path(source)) if isinstance(source, str | PurePath) else None
    made = resolve_settings({"reports": str(home), **plain} if home else plain)
    check_save_target(made)
    return made


def _access(api_key: str | None, base_url: str | None) -> Credentials:
    """As the command finds it, with what the caller gives in front."""
    given = {API_KEY_VARIABLE: api_key, BASE_URL_VARIABLE: base_url}
    chosen = {name: value for name, value in given.items() if value is not None}
    return find_credentials({**os.environ, **chosen}, Path())


def _opened(source: Source, settings: Settings) -> AbstractContextManager[Sheet]:
    if dataframe.is_frame(source):
        return nullcontext(dataframe.sheet_of(source))
    options = make_open_options(settings)
    if isinstance(source, str | PurePath):
        return open_file(Path(source), options)
    if not _is_binary(source):
        raise UsageError("The source is no path, binary file or DataFrame.", 'Open files with "rb".')
    return open_file(source, options)


def _is_binary(source: object) -> bool:
    """Whether it is a stream of bytes: callers without a type checker pass all kinds of things."""
    return hasattr(source, "read") and not isinstance(source, io.TextIOBase)


def _result(summary: Summary, settings: Settings) -> Result:
    # In full: a notebook may change its folder before it asks for the rows.
    return Result(summary, Path(settings.reports).absolute() / summary.run_id)
