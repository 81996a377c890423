"""Queue rows in file order, and keep rows that share a phone number apart."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from heapq import heappop, heappush

from importer.models.delivery import PendingRow

_FETCH_ROWS = 500
_MAX_WAITING_ROWS = 10_000  # rows that wait for a phone do not hold back the rows behind them

FetchRows = Callable[[int, int], list[PendingRow]]


class KeyedRowQueue:
    """The rows to send. `take` gives rows that may leave now, `release` frees the phones of a row.

    Each phone has a line of its rows in file order. A row may leave once it is the first in all of its lines: so two
    rows of one phone are never in flight together (docs/guarantees.md, "One phone, one request at a time").
    """

    def __init__(self, fetch_rows: FetchRows) -> None:
        self._fetch_rows = fetch_rows
        self._last_number = -1
        self._is_exhausted = False
        self._lines: defaultdict[str, deque[PendingRow]] = defaultdict(deque)
        self._free: list[tuple[int, PendingRow]] = []
        self._waiting = 0  # rows that were fetched and not taken

    @property
    def is_empty(self) -> bool:
        """Whether no row is left to take, now or later."""
        return self._is_exhausted and not self._waiting

    def needs_rows(self, limit: int) -> bool:
        """Return whether the caller must `fetch` and `add` before it takes `limit` rows."""
        return not self._is_exhausted and len(self._free) < limit and self._waiting < _MAX_WAITING_ROWS

    def fetch(self) -> list[PendingRow]:
        """Read more rows from the journal. This is slow: call it in the journal's thread."""
        return self._fetch_rows(self._last_number, _FETCH_ROWS)

    def add(self, rows: list[PendingRow]) -> None:
        """Add the rows that `fetch` returned."""
        self._is_exhausted = len(rows) < _FETCH_ROWS
        if rows:
            self._last_number = rows[-1].number
        self._waiting += len(rows)
        for row in rows:
            for phone in set(row.phones):
                self._lines[phone].append(row)
            self._free_if_first(row)

    def take(self, limit: int) -> list[PendingRow]:
        """Return up to `limit` rows whose phones are free, in file order."""
        taken = [heappop(self._free)[1] for _ in range(min(limit, len(self._free)))]
        self._waiting -= len(taken)
        return taken

    def release(self, row: PendingRow) -> None:
        """Free the phones of a row that is no longer in flight: the rows behind it move up."""
        for phone in set(row.phones):
            line = self._lines[phone]
            line.popleft()
            if line:
                self._free_if_first(line[0])
            else:
                del self._lines[phone]

    def _free_if_first(self, row: PendingRow) -> None:
        if all(self._lines[phone][0] is row for phone in row.phones):
            heappush(self._free, (row.number, row))
