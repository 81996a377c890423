"""Which row is next: in file order, but never one that shares a phone with a row under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from importer.models import PendingRow

_FETCHED = 500
_LOOKED_AHEAD = 2_000

Fetch = Callable[[int, int], list[PendingRow]]


class Feed:
    """Rows to send. `take` gives what may leave now; `settled` frees the phones of a row (law 4)."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._last = -1
        self._dry = False
        self._waiting: deque[PendingRow] = deque()
        self._busy: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether no row is left to take, now or later."""
        return self._dry and not self._waiting

    def needs_rows(self, most: int) -> bool:
        """Whether `refill` should be called before `take`."""
        return not self._dry and len(self._waiting) < most

    def refill(self) -> None:
        """Read further rows from the journal (slow: to be called in the journal's thread)."""
        rows = self._fetch(self._last, _FETCHED)
        self._dry = len(rows) < _FETCHED
        if rows:
            self._last = rows[-1].number
        self._waiting.extend(rows)

    def take(self, most: int) -> list[PendingRow]:
        """Up to `most` rows whose phones are free. A row that waits holds back those behind it that share a phone."""
        taken: list[PendingRow] = []
        passed_over: list[PendingRow] = []
        held: set[str] = set()
        while self._waiting and len(taken) < most and len(passed_over) < _LOOKED_AHEAD:
            row = self._waiting.popleft()
            if self._busy.isdisjoint(row.phones) and held.isdisjoint(row.phones):
                self._busy.update(row.phones)
                taken.append(row)
            else:
                held.update(row.phones)
                passed_over.append(row)
        self._waiting.extendleft(reversed(passed_over))
        return taken

    def settled(self, row: PendingRow) -> None:
        """The row is no longer under way."""
        self._busy.difference_update(row.phones)
