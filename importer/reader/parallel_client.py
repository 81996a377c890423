"""A reading process for one file that shares the ranges of a large text file with other places."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from importer.journal.staging import StagedRows
from importer.loader.table.table_reader import OpenOptions
from importer.reader.protocol import RangesRequest, ReadEnd
from importer.reader.range_chain import ChainEnd, chain_ranges, count_readers
from importer.reader.range_places import RangePlace, RangePlaces, SharedRanges, TextSheet
from importer.reader.row_processor import ProcessorConfig
from importer.reader.worker_client import WorkerClient

_logger = logging.getLogger(__name__)

_MIN_FILE_BYTES = 64 << 20


class LocalPlaces:
    """Reading processes of this computer, one for each core. They have limits and no key, and need no main guard."""

    range_bytes = 1 << 18
    """At least three blocks. The judged rows of a range, six times as large, are in memory together: with 2 MB, the peak of
    a check on two cores was 174 MB."""

    @property
    def min_file_bytes(self) -> int:
        """A smaller file is read before another reading process has started and read its first rows."""
        return _MIN_FILE_BYTES if count_readers() > 1 else sys.maxsize

    @contextmanager
    def open(self, sheet: TextSheet) -> Iterator[Sequence[RangePlace]]:
        """Start the processes, and end them with the block."""
        options, timeout_s = sheet.request.options, sheet.timeout_s
        with ExitStack() as opened:
            yield [
                opened.enter_context(
                    WorkerClient(sheet.path, options, timeout_s=timeout_s, first_request=sheet.request)
                )
                for _ in range(count_readers() - 1)
            ]


class ParallelClient(WorkerClient):
    """Reads a large text file in ranges, in several places at the same time, and everything else in order.

    A thread of a pool waits for each place.
    """

    def __init__(self, path: Path, options: OpenOptions, places: RangePlaces) -> None:
        self._places = places
        self._opened = ExitStack()
        super().__init__(path, options)

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Yield batches of judged rows in file order, then set `end`. Raises the error of the reading process."""
        size = self.path.stat().st_size
        is_whole_file = config.limit is None and not config.mapping.by_sheet
        if size < self._places.min_file_bytes or not is_whole_file:
            yield from super().judge(config)
            return
        _ = self.preview
        if self.end is not None:
            self._restart()
        cuts = self.find_cuts(self._places.range_bytes)
        if cuts.dialect is None or not cuts.offsets:
            yield from self._judge_in_order(config)
            return
        request = RangesRequest(str(self.path), self.options, cuts.dialect, config)
        sheet = TextSheet(self.path, request, cuts.head_bytes, self.timeout_s)
        end = yield from self._judge_in_ranges(sheet, cuts.offsets, size)
        yield from self._judge_rest(config, end, size)

    def _judge_in_ranges(
        self, sheet: TextSheet, cuts: Sequence[int], size: int
    ) -> Generator[StagedRows, None, ChainEnd]:
        """Yield the judged rows of the ranges, as far as they follow each other. Then close the other places."""
        others = self._opened.enter_context(self._places.open(sheet))
        at_once = len(others) + 1
        _logger.info("Reading the file in %d ranges, %d at the same time", len(cuts) + 1, at_once)
        self.send(sheet.request)
        pool = ThreadPoolExecutor(at_once)
        try:
            judge = SharedRanges(self, others).judge
            return (yield from chain_ranges(pool, judge, cuts, size, at_once=at_once))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for place in others:
                place.kill()
            pool.shutdown()  # now no thread waits for them
            self._opened.close()

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        self._opened.close()
        super().close()

    def _judge_rest(self, config: ProcessorConfig, chain_end: ChainEnd, size: int) -> Iterator[StagedRows]:
        """Yield the rows that could not be read in ranges, in order. Set `end`."""
        if chain_end.rest.start == size:
            self.end = ReadEnd(chain_end.rows, self.preview.notices)
            return
        _logger.info("Reading the file in order from byte %d", chain_end.rest.start)
        if self.is_dead:  # many processes need more memory than one
            self._restart()
        yield from self._judge_in_order(config, chain_end.rest)
        assert self.end is not None
        self.end = msgspec.structs.replace(self.end, rows=self.end.rows + chain_end.rows)
