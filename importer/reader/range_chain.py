"""Reads a large text file in ranges, in several reading processes, and gives its rows in order.

Where to cut is a guess, so each range must prove itself: it begins where the one before has ended, and that one has
skipped nothing and begun no other table. Else the range is read again from there, or the rest in order.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future
from itertools import chain
from typing import NamedTuple

import msgspec

from importer.errors import UnreadableFileError
from importer.journal.staging import StagedRows
from importer.loader.formats.text_ranges import RangeEnd, TextRange

_MAX_READERS = 6  # one writer stages 210,000 rows a second, six readers judge more


class JudgedRange(NamedTuple):
    """The judged rows of one range. `is_plain`: what follows does not depend on them."""

    batches: list[StagedRows]
    end: RangeEnd
    is_plain: bool


class _Submitted(NamedTuple):
    part: TextRange
    judged: Future[JudgedRange]


class ChainEnd(NamedTuple):
    """How far the ranges could be read: the rest of the file, and how many rows were judged before it."""

    rest: TextRange
    rows: int


def count_readers() -> int:
    """Return how many reading processes this machine can use at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MAX_READERS)


def chain_ranges(
    executor: Executor,
    judge: Callable[[TextRange], JudgedRange],
    cuts: Sequence[int],
    size: int,
    *,
    at_once: int,
) -> Generator[StagedRows, None, ChainEnd]:
    """Yield the judged rows of a file of `size` bytes in order. Return the rest that must be read in order, if any is left.

    `at_once` ranges are given to the executor ahead of the one whose rows are taken.
    """
    parts = deque(TextRange(start, stop) for start, stop in zip((0, *cuts), (*cuts, size), strict=True))
    ahead: deque[_Submitted] = deque()
    rest, rows = TextRange(0, size, ()), 0
    while rest.start < size:
        while parts and len(ahead) < at_once:
            part = parts.popleft()
            ahead.append(_Submitted(part, executor.submit(judge, part)))
        try:
            judged = _take_next(ahead, rest) or executor.submit(judge, _limit(rest, ahead, parts)).result()
        except UnreadableFileError:
            break  # whoever reads the rest in order says what is wrong, with the right numbers of rows
        if not judged.is_plain:
            break
        for batch in judged.batches:
            yield _shift_numbers(batch, rest.records_before)
            rows += len(batch)
        end = judged.end
        rest = TextRange(end.offset, size, end.last_cells, rest.records_before + end.records)
    for submitted in ahead:
        submitted.judged.cancel()
    return ChainEnd(rest, rows)


def continues(part: TextRange, end: RangeEnd, rest: TextRange) -> bool:
    """Return whether a range was read as reading the file in order would read it: the chain check.

    It must begin where the rest does, and what it took for the record in front of it must be that record.
    """
    return part.start == rest.start and end.previous == (rest.previous or ())


def _take_next(ahead: deque[_Submitted], rest: TextRange) -> JudgedRange | None:
    """Return the judged range at which the rest begins; None if it must be read again, because the guess was wrong."""
    while ahead and ahead[0].part.start <= rest.start:
        part, future = ahead.popleft()
        judged = future.result()
        if continues(part, judged.end, rest):
            return judged
    return None


def _limit(rest: TextRange, ahead: Iterable[_Submitted], parts: Iterable[TextRange]) -> TextRange:
    """Return the range from the beginning of the rest to the next place that was cut, with its own row numbers."""
    starts = chain((submitted.part.start for submitted in ahead), (part.start for part in parts))
    stop = next((start for start in starts if start > rest.start), rest.stop)
    return msgspec.structs.replace(rest, stop=stop, records_before=0)


def _shift_numbers(batch: StagedRows, records: int) -> StagedRows:
    if not records:
        return batch
    return msgspec.structs.replace(batch, numbers=[number + records for number in batch.numbers])
