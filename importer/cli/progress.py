"""How long the rest will take, from the rate of late; long waits are told as what they are."""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType
from typing import Any, Self

from importer.cli.console import ignore_closed_reader, print_line

_WINDOW_S = 10.0
_LONG_WAIT_S = 5.0


class EtaEstimator:
    """Told how the sending stands, it knows the rate of rows and the seconds left. The clock is the caller's.

    Short waits are part of the pace: a CRM that answers 429 every second is that slow. A long one (an outage,
    a Retry-After of minutes) is not: it is added to what the rest takes at the pace before it.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._counted_s = 0.0  # time without the long waits
        self._at: float | None = None
        self._in_long_wait = False

    def update(self, now_s: float, done: int, waiting_s: float) -> None:
        """At `now_s`, `done` rows are settled, and the sending waits for `waiting_s` more."""
        if self._at is not None and not self._in_long_wait:
            self._counted_s += now_s - self._at
        self._at = now_s
        self._in_long_wait = waiting_s > _LONG_WAIT_S or (self._in_long_wait and waiting_s > 0)
        self._seen.append((self._counted_s, done))
        while len(self._seen) > 2 and self._counted_s - self._seen[1][0] >= _WINDOW_S:
            self._seen.popleft()

    @property
    def rows_per_s(self) -> float:
        """Rows a second of late; 0 before anything is known."""
        if not self._seen:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def estimate_left_s(self, rows_left: int, waiting_s: float) -> float | None:
        """Seconds until the last row, or None where nobody can know yet."""
        if not rows_left:
            return 0.0
        rate = self.rows_per_s
        return rows_left / rate + (waiting_s if self._in_long_wait else 0.0) if rate > 0 else None


def format_duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 5 min`: as exact as an estimate is."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def print_wait(seconds: float) -> None:
    """What is waited for, where the CRM asks to come again later."""
    print_line(f"The CRM asks to wait {format_duration(seconds)} before it gives its lists ...", err=True)


_WITH_TOTAL = "{desc} {percentage:3.0f}%|{bar:24}| {n:,}/{total:,} rows{postfix}"
_WITHOUT_TOTAL = "{desc} {n:,} rows{postfix}"


class ProgressBar:
    """A progress bar on standard error: drawn on a terminal only, so that files and pipes stay plain."""

    def __init__(self, title: str, *, total: int | None, shown: bool) -> None:
        self.title = title
        self._total = total
        self._shown = shown and sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def at(self, done: int, note: str = "") -> None:
        """The bar stands at `done`; `note` is shown behind it."""
        if not self._shown:
            return
        with ignore_closed_reader(err=True):
            bar = self._bar if self._bar is not None else self._open()
            bar.n = done
            bar.set_postfix_str(note, refresh=False)
            bar.update(0)

    def close(self) -> None:
        """Leave the line."""
        if self._bar is not None:
            with ignore_closed_reader(err=True):
                self._bar.refresh()
                self._bar.close()
            self._bar = None

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
