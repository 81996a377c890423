"""Which files of a watched folder are ready, and what forbids to send one: pure decisions."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.pipeline.watch_folder import FileLook, SendLimits, is_sheet_name, list_ready, look_at_folder

NAMES = st.sampled_from(["a.csv", "b.xlsx", "c.ods"])
LOOKS = st.dictionaries(NAMES, st.builds(FileLook, st.integers(0, 2), st.integers(0, 2)))


@given(LOOKS, LOOKS)
def test_file_is_ready_once_it_looks_the_same_twice(before, now):
    """A file that grows, is touched, is new or is empty waits. The oldest goes first."""
    ready = list_ready(before, now)
    assert set(ready) == {name for name in now if before.get(name) == now[name] and now[name].size > 0}
    assert [now[name].modified_ns for name in ready] == sorted(now[name].modified_ns for name in ready)


SHEETS = [
    "leads.csv",
    "LEADS.XLSX",
    "30 Nov.xls",
    "export.tsv",
    "list.txt",
    "a.xlsm",
    "a.xlsb",
    "a.ods",
    "contacts.vcf",
]
OTHERS = [
    "~$leads.xlsx", ".leads.csv", ".~lock.leads.xlsx#", "leads.xlsx.crdownload", "leads.csv.part", "leads.tmp",
    "leads.csv.filepart", "photo.jpg", "report.html", "results.csv", "failed_rows.csv", "failed_rows.xlsx",
    "failed_rows-new2.xlsx", "changes.csv", "summary.json", "map.toml", "leads",
]  # fmt: skip


@pytest.mark.parametrize(("name", "is_sheet"), [*((n, True) for n in SHEETS), *((n, False) for n in OTHERS)])
def test_names_of_sheets(name, is_sheet):
    """Open workbooks, hidden files, downloads that are not complete and our own reports are passed over."""
    assert is_sheet_name(name) is is_sheet


def test_only_files_of_the_folder_itself_are_looked_at(tmp_path):
    """Runs are folders, and so is the place for files that are done."""
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "old.csv").write_text("Phone\n")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "leads.csv").write_text("Phone\n")
    assert {name: look.size for name, look in look_at_folder(tmp_path).items()} == {"leads.csv": 6}


# limits, what was found -> whether the sheet is held back
LIMITS = [
    (SendLimits(), {"invalid": 10}, False),
    (SendLimits(invalid_percent=20), {"accepted": 8, "invalid": 2}, False),
    (SendLimits(invalid_percent=20), {"accepted": 7, "invalid": 2}, True),
    (SendLimits(invalid_percent=0), {"accepted": 999, "invalid": 1}, True),
    (SendLimits(updates=2), {"accepted": 9, "update": 2}, False),
    (SendLimits(updates=2), {"accepted": 9, "update": 3}, True),
    (SendLimits(conflicts=0), {"accepted": 9, "conflict": 0}, False),
    (SendLimits(conflicts=0), {"accepted": 9, "conflict": 1}, True),
]


@pytest.mark.parametrize(("limits", "found", "is_held_back"), LIMITS)
def test_limit_is_what_is_still_allowed(limits, found, is_held_back):
    """The sentence names the number and the option."""
    plan = {action: found.get(action, 0) for action in ("update", "conflict")}
    counts = {status: found.get(status, 0) for status in ("accepted", "invalid", "conflict")}
    summary = SimpleNamespace(plan=plan, counts=counts, rows=sum(counts.values()))
    reason = limits.find_exceeded(summary)
    assert bool(reason) is is_held_back
    assert ("--stop-if-" in reason) is is_held_back


def test_plan_is_made_only_where_a_limit_needs_one():
    """A plan costs one request for each phone."""
    assert not SendLimits(invalid_percent=1).need_plan
    assert SendLimits(updates=1).need_plan
    assert SendLimits(conflicts=0).need_plan
