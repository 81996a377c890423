"""Decide which files of a watched folder are ready to import, and whether what was found in one forbids to send it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import NamedTuple

import msgspec

from importer.atomic_file import is_published_name
from importer.messages import watch_messages
from importer.models.row_plan import PlanAction
from importer.models.status import RowStatus
from importer.report.summary import REPORT_FILES, Summary

_SHEET_ENDINGS = frozenset(
    {".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".vcf"}
)  # a download that is not complete has another one: .crdownload, .part, .tmp
_UNREADY_STARTS = ("~$", ".")  # Excel's mark of a workbook that is open; hidden files, and rsync's


class FileLook(NamedTuple):
    """What one look at a file shows. A file that is being written changes one of the two."""

    size: int
    modified_ns: int


class SendLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a sheet may have at most so that it is sent without a person: None is any number."""

    invalid_percent: int | None = None
    updates: int | None = None
    conflicts: int | None = None

    @property
    def need_plan(self) -> bool:
        """Whether only a plan can tell: a check looks up no lead."""
        return self.updates is not None or self.conflicts is not None

    def find_exceeded(self, summary: Summary) -> str:
        """Return a sentence about the first limit that a check or a plan exceeds, or ""."""
        invalid = summary.counts[RowStatus.INVALID]
        if self.invalid_percent is not None and invalid * 100 > self.invalid_percent * summary.rows:
            return watch_messages.format_too_many_invalid(invalid, summary.rows, self.invalid_percent)
        updates = summary.plan.get(PlanAction.UPDATE, 0)
        if self.updates is not None and updates > self.updates:
            return watch_messages.format_too_many_updates(updates, self.updates)
        conflicts = summary.plan.get(PlanAction.CONFLICT, 0)
        if self.conflicts is not None and conflicts > self.conflicts:
            return watch_messages.format_too_many_conflicts(conflicts, self.conflicts)
        return ""


def look_at_folder(folder: Path) -> dict[str, FileLook]:
    """Return a look at each sheet in the folder, but not in its folders: runs of importer are folders."""
    looks = {path.name: look_at_file(path) for path in folder.iterdir() if is_sheet_name(path.name)}
    return {name: look for name, look in looks.items() if look is not None}


def look_at_file(path: Path) -> FileLook | None:
    """Return a look at a file; None if there is none, be it that it has just gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return FileLook(found.st_size, found.st_mtime_ns) if path.is_file() else None


def is_sheet_name(name: str) -> bool:
    """Return whether a file may be a sheet to import, by its name: it is complete, and no report of importer."""
    is_sheet = PurePath(name).suffix.lower() in _SHEET_ENDINGS and not name.startswith(_UNREADY_STARTS)
    return is_sheet and not any(is_published_name(name, report) for report in REPORT_FILES)


def list_ready(before: Mapping[str, FileLook], now: Mapping[str, FileLook]) -> list[str]:
    """Return the names of files that have something in them and look the same twice, the oldest first."""
    ready = [name for name, look in now.items() if look.size and look == before.get(name)]
    return sorted(ready, key=lambda name: (now[name].modified_ns, name))
