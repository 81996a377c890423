"""Which row is next: in file order, but never one that shares a phone with a row under way."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from heapq import heappop, heappush

from importer.models.delivery import PendingRow

_FETCHED = 500
_MOST_WAITING = 10_000  # rows that are held back by their phones do not hold back those behind them

Fetch = Callable[[int, int], list[PendingRow]]


class KeyedRowQueue:
    """Rows to send. `take` gives what may leave now; `settled` frees the phones of a row (law 4).

    Each phone has its rows in a line, in file order, and a row may leave once it is the first in all of its lines.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._last = -1
        self._dry = False
        self._lines: defaultdict[str, deque[PendingRow]] = defaultdict(deque)
        self._free: list[tuple[int, PendingRow]] = []
        self._waiting = 0  # rows that were fetched and not taken

    @property
    def is_empty(self) -> bool:
        """Whether no row is left to take, now or later."""
        return self._dry and not self._waiting

    def needs_rows(self, most: int) -> bool:
        """Whether `fetch` and `add` should be called before `take`."""
        return not self._dry and len(self._free) < most and self._waiting < _MOST_WAITING

    def fetch(self) -> list[PendingRow]:
        """Further rows from the journal (slow: to be called in the journal's thread)."""
        return self._fetch(self._last, _FETCHED)

    def add(self, rows: list[PendingRow]) -> None:
        """Take in what `fetch` brought."""
        self._dry = len(rows) < _FETCHED
        if rows:
            self._last = rows[-1].number
        self._waiting += len(rows)
        for row in rows:
            for phone in set(row.phones):
                self._lines[phone].append(row)
            self._free_if_first(row)

    def take(self, most: int) -> list[PendingRow]:
        """Up to `most` rows whose phones are free, in file order."""
        taken = [heappop(self._free)[1] for _ in range(min(most, len(self._free)))]
        self._waiting -= len(taken)
        return taken

    def settled(self, row: PendingRow) -> None:
        """The row is no longer under way: who stood behind it moves up."""
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
