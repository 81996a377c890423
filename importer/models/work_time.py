"""The time in which follow-up tasks may be due: the hours and days of a team, and its time zone."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec

_MINUTES_OF_HOUR = 60


class WorkTime(msgspec.Struct, frozen=True):
    """Hours from `opens` to `closes`, both in minutes after midnight and both included, on `days` (0 is Monday)."""

    opens: int = 10 * _MINUTES_OF_HOUR
    closes: int = 19 * _MINUTES_OF_HOUR
    days: frozenset[int] = frozenset(range(6))
    timezone: str = "Asia/Kolkata"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of all times without one."""
        return ZoneInfo(self.timezone)

    def is_open_on(self, day: dt.date) -> bool:
        """Return whether the team works on a day."""
        return day.weekday() in self.days

    def is_within_hours(self, time: dt.time) -> bool:
        """Return whether a time of the day is within the hours."""
        return self.opens <= time.hour * _MINUTES_OF_HOUR + time.minute <= self.closes

    def find_next_day(self, day: dt.date) -> dt.date:
        """Return the next day on which the team works, after `day`."""
        following = (day + dt.timedelta(days=ahead) for ahead in range(1, 8))
        return next(filter(self.is_open_on, following))

    def find_opening(self, day: dt.date) -> dt.datetime:
        """Return when the hours of a day begin."""
        opens = dt.time(self.opens // _MINUTES_OF_HOUR, self.opens % _MINUTES_OF_HOUR)
        return dt.datetime.combine(day, opens, self.zone)

    def find_first_open(self, moment: dt.datetime) -> dt.datetime:
        """Return the moment itself if the team works then, else the next time at which its hours begin."""
        moment = moment.astimezone(self.zone)
        day, time = moment.date(), moment.time()
        if self.is_open_on(day) and self.is_within_hours(time):
            return moment
        is_early = self.is_open_on(day) and moment < self.find_opening(day)
        return self.find_opening(day if is_early else self.find_next_day(day))


class DueRules(msgspec.Struct, frozen=True):
    """How a due date is read: `now` is an ISO 8601 time with an offset. A task is never due before it."""

    now: str
    work_time: WorkTime = WorkTime()

    @property
    def local_now(self) -> dt.datetime:
        """The time now, in the time zone of the team."""
        return dt.datetime.fromisoformat(self.now).astimezone(self.work_time.zone)
