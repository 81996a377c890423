"""Reads the beginning of a sheet for its pages, in the reading process, and remembers it while nothing changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from importer.models.mapping import AccountTitles
from importer.pipeline.decide_mapping import MappingDecision
from importer.pipeline.decide_sheets import SavedAnswers, leave_out_other_sheets, match_as_run_does
from importer.pipeline.preparations import Preparation
from importer.reader.protocol import WorkbookPreview
from importer.reader.source import make_open_options, open_file
from importer.settings import Settings

_T = TypeVar("_T")
_MAX_KEPT = 8  # previews, each of some hundred rows


class MatchedSheet(NamedTuple):
    """The columns of a sheet as a run would match them, and their headers."""

    decision: MappingDecision
    headers: tuple[str, ...]


class SheetPreviews:
    """The previews of this process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = threading.Lock()

    def read_workbook(self, preparation: Preparation, settings: Settings) -> WorkbookPreview:
        """Return the first rows of each sheet that may be read. Raises UnreadableFileError or UsageError."""

        def read() -> WorkbookPreview:
            with open_file(
                Path(preparation.path), make_open_options(settings.replace(sheet=()), asks=True)
            ) as sheet:
                return sheet.reader.workbook

        return self._remember("workbook", preparation, settings, "", read)

    def match(
        self, preparation: Preparation, settings: Settings, titles: AccountTitles, saved: SavedAnswers
    ) -> MatchedSheet:
        """Return which column a run would send to which field."""

        def read() -> MatchedSheet:
            with open_file(Path(preparation.path), make_open_options(settings, asks=True)) as sheet:
                if with_leads := leave_out_other_sheets(sheet, settings):
                    sheet.reader.choose_sheets([with_leads[0].name])
                decision = match_as_run_does(sheet, settings, titles, saved)
                return MatchedSheet(decision, sheet.preview.headers)

        more = f"{saved.name} {msgspec.json.encode(titles).decode()}"
        return self._remember("match", preparation, settings, more, read)

    def _remember(
        self, what: str, preparation: Preparation, settings: Settings, more: str, read: Callable[[], _T]
    ) -> _T:
        path = Path(preparation.path)
        stat = path.stat() if path.is_file() else None
        state = (what, preparation.path, stat and (stat.st_mtime_ns, stat.st_size), settings, more)
        key = msgspec.msgpack.encode(state)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                kept: _T = self._kept[key]
                return kept
        found = read()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return found
