"""A reading process for one file that calls in others for the ranges of a large text file."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import msgspec

from importer.journal.staging import StagedRows
from importer.loader.formats.text_ranges import TextRange
from importer.reader import range_chain
from importer.reader.protocol import RangesRequest, ReadEnd
from importer.reader.range_chain import ChainEnd, JudgedRange, chain_ranges, count_readers
from importer.reader.row_processor import ProcessorConfig
from importer.reader.worker_client import WorkerClient

_logger = logging.getLogger(__name__)


class ParallelClient(WorkerClient):
    """Reads a large text file in ranges, in as many processes as there are cores, and everything else in order.

    The processes are reading processes like the first: without the key, with limits, and without a main guard. A thread
    of the pool waits for each, so that any `concurrent.futures.Executor` could take their place.
    """

    _others: tuple[WorkerClient, ...] = ()

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Yield batches of judged rows in file order, then set `end`. Raises the error of the reading process."""
        readers = count_readers()
        size = self.path.stat().st_size
        is_whole_file = config.limit is None and not config.mapping.by_sheet
        if readers < 2 or size < range_chain.MIN_FILE_BYTES or not is_whole_file:
            yield from super().judge(config)
            return
        _ = self.preview
        if self.end is not None:
            self._restart()
        cuts = self.find_cuts(range_chain.RANGE_BYTES)
        if cuts.dialect is None or not cuts.offsets:
            yield from self._judge_in_order(config)
            return
        _logger.info("Reading the file in %d ranges with %d processes", len(cuts.offsets) + 1, readers)
        request = RangesRequest(str(self.path), self.options, cuts.dialect, config)
        end = yield from self._judge_in_ranges(request, cuts.offsets, size, readers)
        yield from self._judge_rest(config, end, size)

    def _judge_in_ranges(
        self, request: RangesRequest, cuts: Sequence[int], size: int, readers: int
    ) -> Generator[StagedRows, None, ChainEnd]:
        """Yield the judged rows of the ranges, as far as they follow each other. Then end the other processes."""
        self.send(request)
        for _ in range(readers - 1):
            other = WorkerClient(self.path, self.options, timeout_s=self.timeout_s, first_request=request)
            self._others = (*self._others, other)
        free: SimpleQueue[WorkerClient] = SimpleQueue()
        for client in (self, *self._others):
            free.put(client)

        def judge(part: TextRange) -> JudgedRange:
            client = free.get()
            try:
                return client.judge_range(part)
            finally:
                free.put(client)

        pool = ThreadPoolExecutor(readers)
        try:
            return (yield from chain_ranges(pool, judge, cuts, size, at_once=readers))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for client in self._others:
                client.kill()
            pool.shutdown()  # now no thread waits for them
            self._close_others()

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        self._close_others()
        super().close()

    def _close_others(self) -> None:
        for client in self._others:
            client.close()
        self._others = ()

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
