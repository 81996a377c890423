"""Where the ranges of a large text file are judged beside its first reading process: here, or on other computers.

What another place cannot judge, the first reading process judges. So no place has to be trusted to stay.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, Protocol

from importer.loader.formats.text_ranges import TextRange
from importer.reader.protocol import RangesRequest
from importer.reader.range_chain import JudgedRange


class RangeRefusedError(Exception):
    """A place cannot judge this range. It judges others."""


class PlaceLostError(Exception):
    """A place has not judged a range, and must get no other."""


class RangePlace(Protocol):
    """Judges ranges of one file, one after another."""

    def judge_range(self, part: TextRange) -> JudgedRange:
        """Return the judged rows of a range. Raises RangeRefusedError, PlaceLostError, UnreadableFileError."""

    def kill(self) -> None:
        """End its work. A caller that waits for it gets an error."""


class TextSheet(NamedTuple):
    """A text file that is read in ranges. The first `head_bytes` decide on its headers."""

    path: Path
    request: RangesRequest
    head_bytes: int
    timeout_s: float


class RangePlaces(Protocol):
    """Opens the places for the ranges of a file."""

    @property
    def min_file_bytes(self) -> int:
        """A smaller file is read in order: places would cost more than they save."""

    @property
    def range_bytes(self) -> int:
        """About how large a range is."""

    def open(self, sheet: TextSheet) -> AbstractContextManager[Sequence[RangePlace]]:
        """Return the places, which are there while the block runs: none if there are none to be had."""


class SharedRanges:
    """Gives each range to the next free place, and to the first reading process what a place could not judge."""

    def __init__(self, first: RangePlace, others: Sequence[RangePlace]) -> None:
        self._first = first
        self._first_lock = threading.Lock()
        self._free: SimpleQueue[RangePlace] = SimpleQueue()
        for place in (first, *others):
            self._free.put(place)

    def judge(self, part: TextRange) -> JudgedRange:
        """Return the judged rows of a range. It waits for them. Raises UnreadableFileError."""
        place, is_lost = self._free.get(), False
        try:
            return self._judge_at(place, part)
        except RangeRefusedError:
            pass
        except PlaceLostError:
            is_lost = True
        finally:
            if not is_lost:
                self._free.put(place)
        return self._judge_at(self._first, part)

    def _judge_at(self, place: RangePlace, part: TextRange) -> JudgedRange:
        with self._first_lock if place is self._first else nullcontext():
            return place.judge_range(part)
