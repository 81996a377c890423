"""Due dates of tasks: a small strict table. What it does not know is an issue of the cell, never a guess."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.loader.cells.due_dates import DueReader, MovedDue, parse_due, read_task_type
from importer.loader.cells.text import CellError
from importer.loader.vocabulary import load_vocabulary
from importer.models.work_time import DueRules, WorkTime

NOW = "2026-11-30T13:00:00+05:30"  # a Monday
READER = DueReader(DueRules(NOW))

# what the cell says -> when the task is due, in India
DUE = [
    ("tomorrow 11:00", "1 Dec 11:00"), ("tomorrow", "1 Dec 10:00"), ("Tomorrow at 4 PM", "1 Dec 16:00"),
    ("4.30 pm tomorrow", "1 Dec 16:30"), ("day after tomorrow", "2 Dec 10:00"), ("today", "30 Nov 13:15"),
    ("today 5 pm", "30 Nov 17:00"), ("16:00", "30 Nov 16:00"), ("+2d", "2 Dec 10:00"), ("+2d 11:00", "2 Dec 11:00"),
    ("+1w", "7 Dec 10:00"), ("+3h", "30 Nov 16:01"), ("monday", "7 Dec 10:00"), ("Fri 5 pm", "4 Dec 17:00"),
    ("kal 4 baje", "1 Dec 16:00"), ("kal subah 11 baje", "1 Dec 11:00"), ("kal shaam 5 baje", "1 Dec 17:00"),
    ("shaam 5 baje", "30 Nov 17:00"), ("कल 4 बजे", "1 Dec 16:00"), ("परसों सुबह 11 बजे", "2 Dec 11:00"),
    ("सोमवार", "7 Dec 10:00"), ("उद्या", "1 Dec 10:00"), ("நாளை 4 மணிக்கு", "1 Dec 16:00"), ("రేపు", "1 Dec 10:00"),
    ("ನಾಳೆ", "1 Dec 10:00"), ("നാളെ", "1 Dec 10:00"), ("আগামীকাল", "1 Dec 10:00"), ("આવતીકાલે", "1 Dec 10:00"),
    ("ਕੱਲ੍ਹ", "1 Dec 10:00"), ("ଆସନ୍ତାକାଲି", "1 Dec 10:00"), ("५/१२/२०२६", "5 Dec 10:00"),
    ("30/11/2026 4 pm", "30 Nov 16:00"), ("30/11/2026", "30 Nov 13:15"), ("5/12/26", "5 Dec 10:00"),
    ("05-12-2026 17:30", "5 Dec 17:30"), ("5.12.2026", "5 Dec 10:00"), ("5/12", "5 Dec 10:00"), ("5 Dec", "5 Dec 10:00"),
    ("5th December 2026", "5 Dec 10:00"), ("Dec 5, 2026 10:30 AM", "5 Dec 10:30"), ("5-Dec-26 16:15:00", "5 Dec 16:15"),
    ("2026-12-05", "5 Dec 10:00"), ("2026/12/05 4:30", "5 Dec 16:30"), ("2026-12-05 17:00:00", "5 Dec 17:00"),
    ("2026-12-05T08:00:00Z", "5 Dec 13:30"), ("2026-12-05T08:00:00.000+00:00", "5 Dec 13:30"),
    ("2026-12-05 0:00:00", "5 Dec 10:00"), ("2026-12-05T00:00:00", "5 Dec 10:00"), ("05-12-2026 00:00", "5 Dec 10:00"),
    ("46361", "5 Dec 10:00"), ("46361.6875", "5 Dec 16:30"), ("12 pm tomorrow", "1 Dec 12:00"), (" 'tomorrow", "1 Dec 10:00"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "due"), DUE, ids=[text for text, _ in DUE])
def test_due_date_is_read_as_people_in_india_write_it(text, due):
    """The day comes first. Without a time it is the beginning of the hours; `4 baje` is the four o'clock within them."""
    moment = dt.datetime.strptime(f"{due} 2026 +0530", "%d %b %H:%M %Y %z")
    assert READER.read(text) == moment.isoformat(timespec="minutes")


UNREADABLE = (
    "call later", "soon", "11/30/2026", "31/11/2026", "4", "tomorrow evening", "next month", "25:00", "13 pm", "30/11/2062",
    "tomorrow 4", "after Diwali", "9845012345", "0", "yes", "1 2", "am", "+2x", "2026-13-01", "subah 10 pm", "x" * 500,
)  # fmt: skip


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_clear_date_is_an_issue(text):
    """American dates and vague words are not guessed."""
    assert READER.read(text) == CellError("not_a_due_date")


@pytest.mark.parametrize(
    "text",
    [
        "29/11/2026",
        "30/11/2026 12:59",
        "today 9:00",
        "28 Nov",
        "1/1/2020",
        "45000",
        "10:00",
        "30/11/2026 1 pm",
    ],
)
def test_task_is_never_due_in_the_past(text):
    """Guarantee "No task before its lead, none in the past, none that closes another": such a cell is an issue, whatever way it is written."""
    assert READER.read(text) == CellError("due_in_past")


MOVED = [
    ("6/12/2026", "2026-12-07T10:00+05:30"), ("sunday", "2026-12-07T10:00+05:30"), ("tomorrow 9 am", "2026-12-01T10:00+05:30"),
    ("tomorrow 8 pm", "2026-12-02T10:00+05:30"), ("5/12/2026 19:01", "2026-12-07T10:00+05:30"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "due"), MOVED)
def test_time_outside_of_hours_and_days_is_moved_and_named(text, due):
    """Nobody is called on a Sunday or at night; the report says what was moved."""
    found = READER.read(text)
    assert isinstance(found, MovedDue)
    assert found.due_at == due
    assert found.words.endswith("10:00 am")


def test_other_hours_days_and_time_zone_are_followed():
    """A team in Dubai works from Sunday to Thursday."""
    work_time = WorkTime(9 * 60, 18 * 60, frozenset({6, 0, 1, 2, 3}), "Asia/Dubai")
    reader = DueReader(DueRules(NOW, work_time))
    assert reader.read("6/12/2026") == "2026-12-06T09:00+04:00"
    assert reader.read("tomorrow 4 pm") == "2026-12-01T16:00+04:00"


@given(
    st.text(max_size=70)
    | st.lists(st.sampled_from(["kal", "4", "pm", "baje", "30/11", "2026", ":", "+2d", "dec", " "])).map(
        " ".join
    )
)
def test_no_text_breaks_the_reader_and_none_is_due_in_the_past(text):
    """Whatever is in a cell: a later time within the hours, or an issue."""
    found = READER.read(text)
    due_at = found.due_at if isinstance(found, MovedDue) else found
    if isinstance(due_at, str):
        due = dt.datetime.fromisoformat(due_at)
        assert due > dt.datetime.fromisoformat(NOW)
        assert WorkTime().is_open_on(due.date())
        assert WorkTime().is_within_hours(due.time())


def test_every_word_of_a_day_is_read():
    """A word that a language file lists and that the reader does not know would be of no use."""
    words = load_vocabulary().times
    now = dt.datetime.fromisoformat(NOW)
    for word in {*words.today, *words.tomorrow, *words.day_after_tomorrow, *words.weekdays}:
        assert parse_due(word, now, WorkTime()) is not None, word
    for month in words.months:
        assert parse_due(f"5 {month} 2026", now, WorkTime()) is not None, month


TYPES = [
    ("Site visit", "SITE_VISIT"),
    ("FOLLOW_UP_CALL", "FOLLOW_UP_CALL"),
    ("follow-up", "FOLLOW_UP_CALL"),
    ("Call back", "CALLBACK_REQUEST"),
]


@pytest.mark.parametrize(("text", "kind"), TYPES)
def test_type_of_task_is_read_by_its_names(text, kind):
    assert read_task_type(text) == kind


def test_unknown_type_of_task_is_an_issue():
    assert read_task_type("dance") == CellError("not_a_task_type")
