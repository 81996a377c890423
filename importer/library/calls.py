"""`check_file` and `run_import`: the commands `check` and `run` as functions that return what they found."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import msgspec

from importer.access import KEY_NAME, URL_NAME, Access, find_access
from importer.errors import UsageError
from importer.library import frames
from importer.pipeline import Silent, check, find_run, reports_beside, run
from importer.report import Summary
from importer.sender import Progress
from importer.settings import Settings, check_save, resolve
from importer.staging import Sheet, open_file, open_options

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
        read from the run's journal. Raises NoSuchRun where the run has been taken away since.
        """
        return frames.of_run(find_run(self.folder.parent, self.folder.name))


def check_file(
    source: Source, *, api_key: str | None = None, base_url: str | None = None, **settings: Any
) -> Result:
    """Judge every row of `source` against the account and write the reports. The CRM is only read.

    `source` is a path, an open binary file, or a DataFrame (see `frames.rows_of`). `settings` are the fields
    of `importer.settings.Settings`: `sheet="Visitors"`, `column={"Mob": "customer_phone"}`, `limit=100`.
    Key and base address come from the environment, as for the command, unless they are given.
    Raises NothingSent and its kinds; a fault of a row is in the result, not raised.
    """
    made, access = _settings(source, settings), _access(api_key, base_url)
    with _opened(source, made) as sheet:
        return _result(check(sheet, made, access, Silent()), made)


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
    `result.summary.reason` says why, and `importer resume` goes on. Raises NothingSent and its kinds while
    the CRM is as it was, RunIsHeld while another run sends the same rows to the same account. Rows may have been
    sent where it raises CannotWrite, CannotRead or Interrupted: docs/library.md says when.
    """
    made, access = _settings(source, settings), _access(api_key, base_url)
    with _opened(source, made) as sheet:
        return _result(run(sheet, made, access, _Telling(on_progress)), made)


class _Telling(Silent):
    """The watch of a caller who may want to know how the sending stands."""

    def __init__(self, on_progress: Callable[[Progress], None] | None) -> None:
        self._on_progress = on_progress

    def sending(self, progress: Progress) -> None:
        """Pass it on."""
        if self._on_progress is not None:
            self._on_progress(progress)


def _settings(source: Source, given: dict[str, Any]) -> Settings:
    """What was given; a report that is fed back stays in its own reports folder, unless another is named."""
    if useless := sorted(_OF_THE_TERMINAL & given.keys()):
        raise UsageError(f"{useless[0]}= is for the command line.", "Leave it out: the library is silent.")
    plain = {name: str(value) if isinstance(value, PurePath) else value for name, value in given.items()}
    home = reports_beside(Path(source)) if isinstance(source, str | PurePath) else None
    made = resolve({"reports": str(home), **plain} if home else plain)
    check_save(made)
    return made


def _access(api_key: str | None, base_url: str | None) -> Access:
    """As the command finds it, with what the caller gives in front."""
    given = {KEY_NAME: api_key, URL_NAME: base_url}
    chosen = {name: value for name, value in given.items() if value is not None}
    return find_access({**os.environ, **chosen}, Path())


def _opened(source: Source, settings: Settings) -> AbstractContextManager[Sheet]:
    if frames.is_frame(source):
        return nullcontext(frames.sheet_of(source))
    options = open_options(settings)
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
