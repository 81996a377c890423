"""The library: the commands as functions, with DataFrames as source and result."""

import asyncio
import codecs
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import pandas as pd
import pytest

import importer as library
from importer import errors
from importer.journal.run_journal import Journal
from importer.models.status import REPORT_COLUMNS
from tests.support import KEY, leads, read_csv, write_csv

ROWS = [
    ["Phone", "Name", "Stage", "Note"],
    ["09845010001", "Asha Rao", "New", "first"],
    ["9845010002", "Ravi Kumar", "Warm led", ""],
]


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "leads.csv", ROWS)


def test_check_changes_nothing_and_returns_rows(importer, crm, sheet):
    """The result has the summary, the folder of the reports, and the rows as typed."""
    result = library.check_file(sheet)
    assert crm.sandbox.store.ledger() == []
    assert (result.ok, result.exit_code, result.summary.state) == (False, 1, "checked")
    assert result.folder == importer.reports / result.summary.run_id
    frame = result.to_frame()
    assert list(frame.columns) == [*ROWS[0], *REPORT_COLUMNS]
    assert frame["Phone"].tolist() == ["09845010001", "9845010002"]
    assert frame["_row"].tolist() == [2, 3]
    assert frame["_row"].dtype == "int64"
    assert frame["_status"].tolist() == ["accepted", "invalid"]
    assert frame["_problems"].tolist() == [
        "",
        'Row 3, Stage: "Warm led" does not exist in your account. Did you mean "Warm lead"?',
    ]
    assert frame["_http_status"].isna().all()


def test_run_import_sends_and_reports_progress(importer, crm, sheet):
    """Rows are sent, and `on_progress` is called while they are."""
    calls = []
    result = library.run_import(sheet, on_progress=calls.append, default={"source": "Fair"}, rate=500)
    assert leads(crm)["+919845010001"]["source"] == "Fair"
    assert result.summary.counts["accepted"] == 1
    assert calls[0].total == 1
    assert isinstance(calls[0], library.Progress)
    frame = result.to_frame()
    assert frame["_http_status"].tolist()[0] == 200
    assert frame["_note"].tolist() == ["sent", ""]


def test_error_in_on_progress_is_raised_and_run_resumes(importer, crm, sheet):
    """The error is the caller's; the journal says how the run ended, and it can be resumed."""

    def broken(progress):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        library.run_import(sheet, on_progress=broken)
    (folder,) = [path.parent for path in Path("reports").glob("*/journal.sqlite")]
    with Journal.open(folder) as journal:
        assert journal.run_end.state == "interrupted"
        assert "ZeroDivisionError" in journal.run_end.reason
    assert importer("resume", folder.name).code == 1


def test_to_frame_equals_results_csv(importer, sheet):
    """The same rows, columns and values."""
    result = library.check_file(sheet)
    shown = result.to_frame().astype("object").fillna("").map(str).to_dict("records")
    assert shown == read_csv(result.folder / "results.csv")


def test_to_frame_works_from_another_folder(importer, sheet, monkeypatch):
    """A notebook may change its working folder after the import."""
    result = library.check_file(sheet)
    monkeypatch.chdir("/")
    assert len(result.to_frame()) == result.summary.rows


def test_binary_stream_is_a_source(importer, crm, sheet):
    """An open binary file is imported like a path."""
    with sheet.open("rb") as stream:
        assert library.run_import(stream).summary.counts["accepted"] == 1


@pytest.mark.parametrize("source", [None, 3, b"Phone"])
def test_wrong_source_is_refused(importer, source):
    """Callers without a type checker pass all kinds of objects."""
    with pytest.raises(errors.UsageError, match="DataFrame"):
        library.check_file(source)


def test_text_stream_is_refused(importer, sheet):
    """The error says how to open the file."""
    with sheet.open() as stream, pytest.raises(errors.UsageError, match="rb"):
        library.check_file(stream)


def test_given_key_and_address_override_environment(importer, crm, sheet, monkeypatch):
    """Both can be given as arguments."""
    monkeypatch.setenv("SUPERFONE_API_KEY", "wrong")
    with pytest.raises(errors.NothingSentError, match="refused the API key"):
        library.check_file(sheet)
    assert library.check_file(sheet, api_key=KEY).summary.rows == 2
    monkeypatch.setenv("SUPERFONE_BASE_URL", "http://127.0.0.1:9/superfone")
    assert library.check_file(sheet, api_key=KEY, base_url=crm.base_url).summary.rows == 2


def test_settings_are_options_of_command(importer, sheet):
    """All options of the command work, except those of the terminal; wrong ones are refused by name."""
    folder = importer.folder / "elsewhere"
    result = library.check_file(
        sheet, limit=1, reports=folder, run_id="mine", column={"Note": ""}, duplicates="first"
    )
    assert result.folder == folder / "mine"
    assert (result.summary.rows, result.summary.columns["Note"]) == (1, "")
    with pytest.raises(errors.UsageError, match=r'no option "sheeet"\. Did you mean "sheet"'):
        library.check_file(sheet, sheeet="x")
    with pytest.raises(errors.UsageError, match="rate"):
        library.run_import(sheet, rate="fast")
    mine = importer.folder / "mine.toml"
    mine.write_text("# by hand")
    with pytest.raises(errors.UsageError, match="does not overwrite a file"):
        library.check_file(sheet, save=mine)
    assert mine.read_text() == "# by hand"
    with pytest.raises(errors.UsageError, match="yes="):
        library.run_import(sheet, yes=True)


def test_sheet_can_be_given_by_number(importer):
    """A whole number is as good as its text."""
    book = importer.folder / "two.xlsx"
    with pd.ExcelWriter(book, engine="openpyxl") as writer:
        pd.DataFrame({"Price": ["1"]}).to_excel(writer, sheet_name="Prices", index=False)
        pd.DataFrame({"Phone": ["9845010001"]}).to_excel(writer, sheet_name="People", index=False)
    assert library.check_file(book, sheet=2).ok


def test_data_frame_is_read_as_sheet(importer, crm):
    """Whole floats are whole numbers, gaps are empty, blank rows are skipped, the index is ignored."""
    frame = pd.DataFrame(
        {
            "Phone": [9845010001.0, math.nan, 9845010003.0],
            "Name": ["Asha Rao", None, "Ravi Kumar"],
            "Budget": pd.array([120000, None, None], dtype="Int64"),
            "Seen": pd.to_datetime(["2026-01-05", None, None]),
        },
        index=[7, 8, 9],
    )
    result = library.run_import(frame, column={"Seen": "additional_info"})
    assert result.ok
    assert (result.summary.file, len(result.summary.sha256)) == ("DataFrame", 64)
    assert leads(crm) == {
        "+919845010001": {
            "first_name": "Asha", "last_name": "Rao", "deal_value": 120000, "additional_info": "Seen: 2026-01-05",
        },
        "+919845010003": {"first_name": "Ravi", "last_name": "Kumar"},
    }  # fmt: skip
    back = result.to_frame()
    assert back["_row"].tolist() == [2, 4]
    assert back["Phone"].tolist() == ["9845010001", "9845010003"]


def test_equal_frames_have_equal_digest(importer):
    """The SHA-256 is that of headers and rows, not of the object."""
    frame = pd.DataFrame({"Phone": ["9845010001"]})
    prints = [library.check_file(some).summary.sha256 for some in (frame, frame.copy(), frame + "0")]
    assert prints[0] == prints[1] != prints[2]


def test_fixed_rows_of_frame_keep_mapping_of_run(importer, crm, sheet):
    """A frame of a result is imported like failed_rows.csv: without its `_` columns, with the first mapping."""
    first = library.run_import(sheet, column={"Name": "business_name"})
    left = first.to_frame().query("_status != 'accepted'").copy()
    left["Stage"] = "Warm lead"
    second = library.run_import(left)
    assert second.ok
    assert second.summary.columns["Name"] == "business_name"
    assert list(second.to_frame().columns) == [*ROWS[0], *REPORT_COLUMNS]
    assert leads(crm)["+919845010002"]["business_name"] == "Ravi Kumar"


def test_frame_without_rows_is_refused(importer):
    """There is nothing to import, unless that is allowed."""
    frame = pd.DataFrame({"Phone": []})
    with pytest.raises(errors.EmptySheetError, match="DataFrame has a header and no rows"):
        library.check_file(frame)
    assert library.check_file(frame, allow_empty=True).to_frame().empty


def test_multi_index_header_is_joined(importer):
    """The parts of a MultiIndex are one header; two columns with one name stay two."""
    frame = pd.DataFrame(
        [["9845010001", "x", "y"]],
        columns=pd.MultiIndex.from_tuples([("Contact", "Phone"), ("Extra", ""), ("Extra", "")]),
    )
    result = library.check_file(frame)
    assert list(result.to_frame().columns)[:3] == ["Contact Phone", "Extra", "Extra"]


@pytest.mark.parametrize("kind", ["float32", "Float32"])
def test_phone_in_float32_column_is_rejected(importer, crm, kind):
    """float32 turns 9845010001 into 9845010432: such a lead would have a wrong phone."""
    phones = pd.Series([9845010001.0, None], dtype=kind)
    frame = pd.DataFrame({"Phone": phones, "Deal value": pd.Series([1.1, 2.5], dtype=kind)})
    result = library.run_import(frame)
    assert result.to_frame()["_codes"].tolist() == ["customer_phone.digits_lost", "customer_phone.missing"]
    assert result.to_frame()["Deal value"].tolist() == ["1.1", "2.5"]
    assert leads(crm) == {}


def test_shortened_phone_stays_rejected_from_frame(importer, crm):
    """The other row was fixed. Alone, this row would take the place of the lead whose phone it really is."""
    frame = pd.DataFrame({"Phone": ["9845000000", "9845000000"], "Name": ["Asha Rao", "Ravi Menon"]})
    left = library.run_import(frame).to_frame()
    left.loc[0, "Phone"] = "9845012345"
    again = library.run_import(left)
    assert again.to_frame()["_status"].tolist() == ["accepted", "invalid"]
    assert again.summary.problems["customer_phone.shortened"] == 1
    assert list(leads(crm)) == ["+919845012345"]


def test_unreadable_row_imports_once_fixed(importer, crm):
    """`_problems` still quotes the lost letter, which must not count."""
    left = library.run_import(pd.DataFrame({"Phone": ["9845010001"], "Name": ["Jos\ufffd"]})).to_frame()
    left["Name"] = "José"
    assert library.run_import(left).ok


def test_import_works_in_running_event_loop(importer, crm, sheet):
    """A cell of a notebook runs inside an event loop."""

    async def cell():
        return library.run_import(sheet)

    assert asyncio.run(cell()).summary.counts["accepted"] == 1


def test_ctrl_c_interrupts_notebook_on_windows(importer, crm, sheet, monkeypatch):
    """On Windows a handler runs only between two waits, so no wait may be endless."""
    result = Future.result

    def at_once(self, timeout=None):
        assert timeout is not None or self.done(), "a wait that no Ctrl-C comes through"
        return result(self, timeout)

    async def cell():
        monkeypatch.setattr(Future, "result", at_once)
        return library.run_import(sheet)

    assert asyncio.run(cell()).summary.counts["accepted"] == 1


def test_import_works_in_thread(importer, crm, sheet):
    """Signal handlers can be set in the main thread only."""
    ended = []
    thread = threading.Thread(target=lambda: ended.append(library.run_import(sheet)))
    thread.start()
    thread.join()
    assert ended[0].summary.counts["accepted"] == 1


def test_undo_puts_the_leads_back_and_is_a_result_of_its_own(importer, crm):
    """As the command does, without asking. Options of other functions are refused."""
    crm.sandbox.store.save(None, "+919845010001", {"city": "Pune"}, None)
    sheet = write_csv(importer.folder / "old.csv", [["Phone", "City"], ["9845010001", "Old Town"]])
    run = library.run_import(sheet, snapshot=True)
    undone = library.undo_run(run, edited="field")
    assert (undone.ok, undone.summary.kind, undone.summary.parent) == (True, "undo", run.summary.run_id)
    assert leads(crm)["+919845010001"]["city"] == "Pune"
    with pytest.raises(errors.UsageError, match="already undone"):
        library.undo_run(run)
    with pytest.raises(errors.UsageError):
        library.undo_run(run, on_drift="force")


@pytest.fixture
def stopped(importer, crm):
    """Return a run of which 10 of 20 rows went in before the CRM turned everything away; it is healthy again."""
    from importer.sandbox.faults import FaultPlan, InjectedFault

    sheet = write_csv(importer.folder / "leads.csv", [["Phone"], *[[f"98450100{n:02d}"] for n in range(20)]])
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11))
    result = library.run_import(sheet, rate=200, concurrency=4)
    crm.sandbox.faults.restart(FaultPlan())
    return result


def test_stopped_import_returns_reason(stopped):
    """Some rows are in the CRM by then: the result says which, and an exception could not."""
    assert (stopped.ok, stopped.exit_code, stopped.summary.state) == (False, 3, "stopped")
    assert stopped.summary.counts["accepted"] == 10
    assert stopped.summary.reason
    assert (stopped.to_frame()["_status"] == "pending").sum() == 10


@pytest.mark.parametrize("name", ["result", "id", "folder"])
def test_resume_run_finishes_a_stopped_run(importer, crm, stopped, name, monkeypatch):
    """A run is named by its result, its id or its folder, and its reports stay where they are."""
    named = {"result": stopped, "id": stopped.summary.run_id, "folder": stopped.folder}[name]
    if name != "id":
        monkeypatch.chdir("/")
    calls = []
    result = library.resume_run(named, rate=500, on_progress=calls.append)
    assert (result.ok, result.folder, calls[0].total) == (True, stopped.folder, 10)
    assert len(leads(crm)) == 20
    assert library.resume_run(result).summary == result.summary


def test_retry_run_sends_rows_again_as_a_new_run(importer, crm, stopped):
    """The new run lies beside the old one, also if that is not in the default folder."""
    result = library.retry_run(stopped, rate=500)
    assert result.ok
    assert (result.summary.rows, result.summary.parent) == (10, stopped.summary.run_id)
    assert (result.folder.parent, len(leads(crm))) == (stopped.folder.parent, 20)
    assert library.retry_run(result) is None


def test_options_of_the_sheet_are_refused_for_a_run(importer, stopped):
    """The run keeps its mapping: another one would send half of its rows to other fields."""
    with pytest.raises(errors.UsageError, match="column= cannot be changed now"):
        library.retry_run(stopped, column={"Phone": "add_phones"})
    with pytest.raises(errors.UsageError, match="json= works only on the command line"):
        library.resume_run(stopped, json=True)
    with pytest.raises(errors.UsageError, match='no option "rat"'):
        library.resume_run(stopped, rat=5)
    with pytest.raises(errors.RunNotFoundError):
        library.resume_run("april")


def test_rows_are_typed_and_in_the_order_of_the_sheet(importer, crm, sheet):
    """The same as results.csv, as values instead of text."""
    result = library.run_import(sheet, rate=500)
    first, second = result.rows()
    assert first == library.ResultRow(
        number=2,
        sheet="",
        status=library.RowStatus.ACCEPTED,
        phone="+919845010001",
        problems=(),
        codes=(),
        attempts=1,
        http_status=200,
        note=library.NoteState.SENT,
        verification=None,
        cells={"Phone": "09845010001", "Name": "Asha Rao", "Stage": "New", "Note": "first"},
    )
    assert (second.status, second.codes) == ("invalid", ("lead_stage_name.unknown",))
    assert "Did you mean" in second.problems[0]
    assert (second.http_status, second.note) == (None, "")


def test_rows_have_a_name_for_every_column(importer):
    """No cell is lost: not of the second column with a name, not of one that looks like it."""
    rows = [["Phone", "Phone", "Phone#2", "Notes"], ["9845010001", "9845010002", "x", "y"]]
    result = library.check_file(write_csv(importer.folder / "x.csv", rows))
    (row,) = result.rows()
    assert list(row.cells.values()) == rows[1]
    assert list(row.cells) == list(result.summary.columns)


def test_rows_of_deleted_run_raise_at_once(importer, sheet):
    """Not at the first row, which a caller may read elsewhere."""
    result = library.check_file(sheet)
    shutil.rmtree(result.folder)
    with pytest.raises(errors.RunNotFoundError):
        result.rows()


def test_unreadable_source_is_refused(sheet):
    """A path that no file can have, and a closed stream."""
    with pytest.raises(errors.UnreadableFileError, match="embedded null"):
        library.check_file("a\0b.csv")
    with sheet.open("rb") as stream:
        pass
    with pytest.raises(errors.UnreadableFileError, match="closed file"):
        library.check_file(stream)


def test_non_blocking_pipe_is_refused(importer):
    """No data yet would otherwise look like the end of the file, and half of the leads like all of them."""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    os.write(writes, b"Phone\n9845010001\n")
    with (
        os.fdopen(reads, "rb") as stream,
        pytest.raises(errors.UnreadableFileError, match="although it has not ended"),
    ):
        library.check_file(stream)
    os.close(writes)


def test_hidden_text_stream_is_refused(importer, sheet):
    """`codecs.open` and a temporary file in mode "w+" return text, but are no TextIOBase."""
    with (
        codecs.open(str(sheet), encoding="utf-8") as stream,
        pytest.raises(errors.UnreadableFileError, match="text, not bytes"),
    ):
        library.check_file(stream)


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb"])
def test_lone_surrogate_is_rejected(importer, text):
    """Half a character fits in no file and no request: its row is rejected."""
    result = library.check_file(pd.DataFrame({"Phone": ["9845010001"], f"X{text}": [text]}))
    assert result.summary.problems == {"row.undecodable": 1}
    assert result.to_frame().iloc[0, 1] == text.encode("utf-16-le", "surrogatepass").decode(
        "utf-16-le", "replace"
    )


def test_to_frame_of_deleted_run_raises(importer, sheet):
    """The journal of a purged run is gone."""
    result = library.check_file(sheet)
    importer("purge", "--older-than", "0h", "--yes")
    with pytest.raises(errors.RunNotFoundError):
        result.to_frame()


def test_every_error_is_exported():
    """`importer.MissingKeyError` is `importer.errors.MissingKeyError`, and so on for the whole tree."""
    tree = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    }
    exported = {getattr(library, name) for name in library.__all__}
    assert tree <= exported
    assert set(library.__all__) <= set(dir(library))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        library.nothing  # noqa: B018


def test_type_checker_knows_exported_names(tmp_path):
    """A misspelt error in an `except` would otherwise be found only when that error is raised."""
    script = tmp_path / "script.py"
    names = "\n".join(f"importer.{name}" for name in library.__all__)
    script.write_text(f"import importer\n{names}\nimporter.RunLockError\n")
    root = Path(__file__).parents[1]
    said = subprocess.run(
        [sys.executable, "-m", "mypy", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert re.findall("Module has no attribute .*", said.stdout) == [
        'Module has no attribute "RunLockError"; maybe "RunLockedError"?  [attr-defined]'
    ], said.stdout


def test_plain_import_loads_no_submodule():
    """`importer --help` has 120 ms: neither pandas nor the pipeline is loaded."""
    ended = subprocess.run(
        [sys.executable, "-c", "import importer, sys; print([m for m in sys.modules if m.startswith(('pandas', 'importer.'))])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.strip() == "[]"


BLOCKS = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def test_examples_of_library_page_run(importer, crm, capsys):
    """docs/library.md is one program from top to bottom: each block prints what the page says."""
    root = Path(__file__).parents[1]
    shutil.copytree(root / "samples", importer.folder / "samples")
    names: dict[str, object] = {}
    shown = BLOCKS.findall((root / "docs" / "library.md").read_text("utf-8"))
    assert len(shown) >= 5
    capsys.readouterr()
    for block, said in shown:
        exec(block, names)
        assert _plain(capsys.readouterr().out) == _plain(said)


def _plain(text):
    """Lines without the blanks that only line columns up."""
    return [" ".join(line.split()) for line in text.splitlines()]
