"""The coordinator's side of judging on workers: what a range takes with it, and which answers count.

The process of an account opens its own connection to the scheduler, so the rows of its sheet pass through no other process
of this computer. A worker that fails gets no other range of the sheet, and its range is judged here.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import ClassVar

import msgspec

from importer.cluster.dask_pool import DaskPool
from importer.cluster.range_task import (
    MAX_RANGE_S,
    Answer,
    HeadMissing,
    Packed,
    RangeAnswer,
    RangeCall,
    RangeNotJudged,
    SheetHead,
    decode_answer,
    encode,
    judge_range,
)
from importer.cluster.worker_check import read_versions
from importer.errors import UsageError
from importer.loader.formats.text_ranges import RangeBytes, TextRange, read_range_bytes
from importer.reader.range_chain import JudgedRange
from importer.reader.range_places import PlaceLostError, RangePlace, RangeRefusedError, TextSheet

_logger = logging.getLogger(__name__)

_MAX_WORKERS = 5
"""Of one sheet. With the reading process of this computer they judge more rows than one writer stages."""
_RANGES_AHEAD = 2
"""Of each worker: while it judges one, the next travels."""
_MAX_CONTENT_BYTES = 16 << 20
"""Of one call. A range with lines so long is judged here."""
_POLL_S = 0.25


class ClusterRangePlaces(msgspec.Struct, frozen=True):
    """Judges the ranges of a sheet on workers. It travels to the process of an account, and connects there.

    `hidden_variables` are those of a worker's environment in which keys are: its reading process does not see them.
    """

    address: str
    hidden_variables: tuple[str, ...]
    min_file_bytes: ClassVar[int] = 16 << 20
    """It takes 2.2 CPU seconds to judge. To load Dask, connect and start reading processes takes 0.6 s."""
    range_bytes: ClassVar[int] = 1 << 20
    """It takes 0.2 s to judge. Eleven of them with their rows are in memory, about 11 MB each."""

    @contextmanager
    def open(self, sheet: TextSheet) -> Iterator[Sequence[RangePlace]]:
        """Connect while the block runs. If the scheduler cannot be reached, the sheet is read in order."""
        try:
            pool = DaskPool(self.address)
        except UsageError as error:
            _logger.warning("No worker judges the sheet. %s", error)
            yield ()
            return
        with pool:
            places = open_worker_ranges(pool, sheet, self.hidden_variables)
            try:
                yield places
            finally:
                for place in places:
                    place.kill()


def open_worker_ranges(
    pool: DaskPool, sheet: TextSheet, hidden_variables: tuple[str, ...]
) -> list[WorkerRangePlace]:
    """Return the places of a sheet: two on each of a few workers. Which ones changes from sheet to sheet."""
    sheet_id, workers = uuid.uuid4(), pool.workers
    first = sheet_id.int % max(1, len(workers))
    chosen = (workers[first:] + workers[:first])[:_MAX_WORKERS]
    with sheet.path.open("rb") as file:
        head = SheetHead(
            content=file.read(sheet.head_bytes),
            options=sheet.request.options,
            dialect=sheet.request.dialect,
            config=sheet.request.config,
            hidden_variables=hidden_variables,
            versions=read_versions(),
        )
    return [WorkerRangePlace(pool, worker, sheet, sheet_id.hex, head) for worker in chosen * _RANGES_AHEAD]


class WorkerRangePlace:
    """Judges ranges of a sheet on one worker. The first one takes the head of the sheet with it."""

    def __init__(self, pool: DaskPool, worker: str, sheet: TextSheet, sheet_id: str, head: SheetHead) -> None:
        self._pool = pool
        self._worker = worker
        self._sheet = sheet
        self._sheet_id = sheet_id
        self._head = head
        self._has_head = False
        self._is_killed = threading.Event()

    def judge_range(self, part: TextRange) -> JudgedRange:
        """Return the judged rows of a range. Raises RangeRefusedError, PlaceLostError, CancelledError after `kill`."""
        if self._is_killed.is_set():
            raise CancelledError
        if not part.start or part.stop - part.start > _MAX_CONTENT_BYTES:
            raise RangeRefusedError  # the header is read here
        content = read_range_bytes(self._sheet.path, part)
        answer = self._ask(part, content, self._head if not self._has_head else None)
        if isinstance(answer, HeadMissing):  # the worker has been started again, or was idle for long
            answer = self._ask(part, content, self._head)
        match answer:
            case RangeAnswer(judged) if is_possible(judged, part, content):
                self._has_head = True
            case RangeNotJudged(reason):
                raise self._lose(reason)
            case _:
                raise self._lose("impossible answer")
        if not content.show(judged.end):
            raise RangeRefusedError
        return judged

    def kill(self) -> None:
        """Wait for the worker no longer."""
        self._is_killed.set()

    def _ask(self, part: TextRange, content: RangeBytes, head: SheetHead | None) -> Answer:
        """Return what the worker answers. Raises PlaceLostError if it does not, CancelledError after `kill`."""
        call = RangeCall(sheet=self._sheet_id, head=head, part=part, content=content)
        try:
            future = self._pool.submit_to(self._worker, judge_range, Packed(encode(call)))
            self._wait(future)
            answer: Answer = decode_answer(future.result())
        except Exception as error:  # noqa: BLE001 - whatever has happened to the worker, the range is judged here
            if self._is_killed.is_set():
                raise CancelledError from None
            raise self._lose(type(error).__name__) from None
        return answer

    def _wait(self, future: Future[bytes]) -> None:
        """Wait until the worker has answered. Raises ConnectionError if it is gone or not needed, TimeoutError if it hangs."""
        until = time.monotonic() + MAX_RANGE_S
        while not wait([future], timeout=_POLL_S).done:
            is_there = self._pool.is_connected and self._worker in self._pool.workers
            if self._is_killed.is_set() or not is_there:
                future.cancel()
                raise ConnectionError
            if time.monotonic() > until:
                future.cancel()
                raise TimeoutError

    def _lose(self, reason: str) -> PlaceLostError:
        _logger.info("The worker %s judges no more ranges: %s", self._worker, reason)
        return PlaceLostError(reason)


def is_possible(judged: JudgedRange, part: TextRange, content: RangeBytes) -> bool:
    """Return whether an answer can be one to this call: it goes on in the file, and no number of a row is there twice."""
    numbers = list(chain.from_iterable(batch.numbers for batch in judged.batches))
    is_ascending = all(one < next_one for one, next_one in pairwise((0, *numbers, judged.end.records + 1)))
    return is_ascending and part.start < judged.end.offset <= judged.end.read_to <= content.stop
