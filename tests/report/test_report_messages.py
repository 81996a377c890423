"""The texts of the reports are complete, and the page has no text of its own."""

import re
from importlib import resources

from importer.fields import FIELDS, Dropdown
from importer.messages import report_messages
from importer.models.status import RowStatus
from importer.report import dropdown_lists, template
from importer.report.charts import STATUS_COLOURS


def test_every_status_has_a_meaning_and_a_colour():
    """A new status must not break the page of a run that has it."""
    statuses = {status.value for status in RowStatus}
    assert set(report_messages.STATUS_MEANINGS) == statuses
    assert set(report_messages.CHECK_MEANINGS) == statuses
    assert set(STATUS_COLOURS) == statuses


def test_every_template_column_has_a_note():
    """A new field must not break `importer template`."""
    for field in FIELDS:
        if field.name not in template._OMITTED_FIELDS:
            assert (
                field.name in report_messages.TEMPLATE_NOTES
                or field.kind in report_messages.TEMPLATE_NOTES_BY_KIND
            )


def test_every_dropdown_has_a_list_column():
    """A workbook has a column for the list of each dropdown."""
    assert len(Dropdown) <= len(dropdown_lists._LIST_COLUMNS)


def test_page_template_holds_no_text():
    """All sentences are in `importer.messages.report_messages`, where they can be reviewed and translated."""
    html = resources.files("importer.report").joinpath("report.html").read_text("utf-8")
    text = re.sub(r"<!doctype html>|{{.*?}}|{%.*?%}|<style>.*?</style>", "", html)
    visible = re.sub(r"<[^>]*>", "", text)
    assert re.findall(r"\w+", visible) == []
    attributes = re.findall(r'(?:placeholder|aria-label|title|alt|data-is)="([^"]*)"', text)
    assert not any(attributes)


def test_durations_are_readable():
    """Seconds, minutes or hours, whichever a person would say."""
    spoken = [report_messages.format_duration(seconds) for seconds in (9.4, 59.6, 250, 3599, 7500)]
    assert spoken == ["9 s", "1 min 0 s", "4 min 10 s", "59 min 59 s", "2 h 5 min"]
