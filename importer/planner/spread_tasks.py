"""Spread tasks over days: at most so many are due on one day, and the others on the days after."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping

from importer.models.work_time import WorkTime


class DayPlan:
    """The tasks of one run by day. `per_day` is None where a day takes any number. `counts` are those placed before."""

    def __init__(
        self, per_day: int | None, work_time: WorkTime, counts: Mapping[dt.date, int] | None = None
    ) -> None:
        self._per_day = per_day
        self._work_time = work_time
        self._counts: Counter[dt.date] = Counter(counts or {})
        self._next_days: dict[dt.date, dt.date] = {}  # of a full day: a later one to look at

    def place(self, due: dt.datetime) -> dt.datetime:
        """Return when a task is due that should be due at `due`: then, or at the same time of the next day with room."""
        if self._per_day is None:
            return due
        local = due.astimezone(self._work_time.zone)
        day = self._find_free_day(local.date())
        self._counts[day] += 1
        return dt.datetime.combine(day, local.time(), self._work_time.zone)

    def _find_free_day(self, wanted: dt.date) -> dt.date:
        day, full_days = wanted, []
        while self._counts[day] >= (self._per_day or 0):
            full_days.append(day)
            day = self._next_days.get(day) or self._work_time.find_next_day(day)
        for full in full_days:  # the next task need not pass all of them again
            self._next_days[full] = day
        return day
