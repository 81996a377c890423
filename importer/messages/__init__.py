"""Texts that people read, gathered by subject, so that they can be reviewed and translated on a few screens.

An `ErrorText` is raised as `raise UnreadableFileError(*file_messages.EMPTY_FILE.format(name=path.name))`. All other texts
are constants with `{names}` to fill in, or small functions where the grammar depends on a number. Counts and times are
written as people in India write them: `format_count`, `format_time`.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


def format_count(count: int) -> str:
    """Return a whole number with Indian grouping: `1,20,000`."""
    sign, digits = ("-" if count < 0 else ""), str(abs(count))
    head, tail = digits[:-3], digits[-3:]
    groups = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return f"{sign}{','.join([*groups, tail])}"


def format_row_count(count: int) -> str:
    """Return `1 row` or `1,234 rows`."""
    return "1 row" if count == 1 else f"{format_count(count)} rows"


def format_lead_count(count: int) -> str:
    """Return `1 lead` or `1,234 leads`."""
    return "1 lead" if count == 1 else f"{format_count(count)} leads"


def format_run_count(count: int) -> str:
    """Return `1 run` or `2 runs`."""
    return "1 run" if count == 1 else f"{count} runs"


def format_time(moment: datetime) -> str:
    """Return a date and time: `30 Nov 2026, 4:15 pm`."""
    half = "am" if moment.hour < 12 else "pm"
    return f"{moment.day} {moment:%b %Y}, {moment.hour % 12 or 12}:{moment:%M} {half}"


class IssueText(NamedTuple):
    """The words for one code: a `title` for counts and charts, and a `sentence` for one row.

    The sentence may contain {value} (the text in the cell), {hint} (a detail of this row) and {label} (the field's name).
    """

    title: str
    sentence: str


class ErrorText(NamedTuple):
    """The two sentences of an error: what is wrong and where, and what to do next."""

    message: str
    advice: str = ""

    def format(self, **values: object) -> tuple[str, str]:
        """Return both sentences with `values` filled in; `{count:,}` groups digits as India does.

        A value is never read as a format itself.
        """
        shown = {name: _Count(value) if type(value) is int else value for name, value in values.items()}
        return self.message.format(**shown), self.advice.format(**shown)


class _Count(int):
    """A whole number that `{count:,}` writes with Indian grouping."""

    def __format__(self, spec: str) -> str:
        return format_count(self) if spec == "," else super().__format__(spec)
