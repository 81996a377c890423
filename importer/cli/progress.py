"""The progress bar, and the estimate of the time that the sending still takes."""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType
from typing import Any, Self

from importer.cli.console import ignore_closed_reader, print_line
from importer.messages import format_count, terminal_messages

_WINDOW_S = 10.0
_LONG_WAIT_S = 5.0


class EtaEstimator:
    """Estimates the rate of rows and the seconds left. The caller gives the time of each update.

    Short waits are part of the rate: a CRM that answers 429 every second is that slow. A long wait (an outage, a
    Retry-After of minutes) is not: it is added to the time that the other rows take at the rate before it.
    """

    def __init__(self) -> None:
        self._history: deque[tuple[float, int]] = deque()
        self._counted_s = 0.0  # time without the long waits
        self._updated_at_s: float | None = None
        self._in_long_wait = False

    def update(self, now_s: float, done: int, waiting_s: float) -> None:
        """Record that at `now_s` `done` rows are finished, and that the sending waits `waiting_s` more."""
        if self._updated_at_s is not None and not self._in_long_wait:
            self._counted_s += now_s - self._updated_at_s
        self._updated_at_s = now_s
        self._in_long_wait = waiting_s > _LONG_WAIT_S or (self._in_long_wait and waiting_s > 0)
        self._history.append((self._counted_s, done))
        while len(self._history) > 2 and self._counted_s - self._history[1][0] >= _WINDOW_S:
            self._history.popleft()

    @property
    def rows_per_s(self) -> float:
        """Rows a second in the last seconds; 0 before the first rows."""
        if not self._history:
            return 0.0
        (first_s, first), (last_s, last) = self._history[0], self._history[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def estimate_left_s(self, rows_left: int, waiting_s: float) -> float | None:
        """Return the seconds until the last row, or None if that cannot be estimated yet."""
        if not rows_left:
            return 0.0
        rate = self.rows_per_s
        return rows_left / rate + (waiting_s if self._in_long_wait else 0.0) if rate > 0 else None


def format_duration(seconds: float) -> str:
    """Return `40 s`, `3 min` or `2 h 5 min`."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def print_wait(seconds: float) -> None:
    """Print that the CRM asks to wait before it sends its lists."""
    print_line(terminal_messages.WAITING_FOR_LISTS.format(duration=format_duration(seconds)), err=True)


# The unit is the whole text behind the bar: tqdm itself writes numbers with Western grouping.
_WITH_TOTAL = "{desc} {percentage:3.0f}%|{bar:24}| {unit}"
_WITHOUT_TOTAL = "{desc} {unit}"


class ProgressBar:
    """A progress bar on standard error. It is drawn on a terminal only, so that files and pipes get plain text."""

    def __init__(self, title: str, *, total: int | None, enabled: bool) -> None:
        self.title = title
        self._total = total
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, done: int, note: str = "") -> None:
        """Move the bar to `done` rows and show `note` behind it."""
        if not self._enabled:
            return
        with ignore_closed_reader(err=True):
            bar = self._bar if self._bar is not None else self._open()
            bar.n = done
            bar.unit = self._describe(done, note)
            bar.update(0)

    def close(self) -> None:
        """End the bar's line."""
        if self._bar is not None:
            with ignore_closed_reader(err=True):
                self._bar.refresh()
                self._bar.close()
            self._bar = None

    def _describe(self, done: int, note: str) -> str:
        total = f"/{format_count(self._total)}" if self._total else ""
        return f"{format_count(done)}{total} rows{f', {note}' if note else ''}"

    def _open(self) -> Any:
        from tqdm import tqdm

        self._bar = tqdm(
            total=self._total,
            desc=self.title,
            mininterval=0.2,
            dynamic_ncols=True,
            file=sys.stderr,
            bar_format=_WITH_TOTAL if self._total else _WITHOUT_TOTAL,
        )
        return self._bar
