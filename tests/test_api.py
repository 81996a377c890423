"""The library: what the commands do, as functions, with DataFrames on both ends."""

import asyncio
import codecs
import datetime as dt
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import importer as library
from importer import errors
from importer.dataframe import to_cell_text
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


def test_check_reads_only_and_returns_the_rows(importer, crm, sheet):
    """The summary of summary.json, the folder of the reports, the rows as typed."""
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
        'Row 3, Stage: the account has no stage "Warm led". Did you mean "Warm lead"?',
    ]
    assert frame["_http_status"].isna().all()


def test_run_import_sends_and_tells_how_it_goes(importer, crm, sheet):
    told = []
    result = library.run_import(sheet, on_progress=told.append, default={"source": "Fair"}, rate=500)
    assert leads(crm)["+919845010001"]["source"] == "Fair"
    assert result.summary.counts["accepted"] == 1
    assert told[0].total == 1
    assert isinstance(told[0], library.Progress)
    frame = result.to_frame()
    assert frame["_http_status"].tolist()[0] == 200
    assert frame["_note"].tolist() == ["sent", ""]


def test_a_progress_that_raises_is_seen_and_the_run_can_be_resumed(importer, crm, sheet):
    """Its fault is the caller's; the journal says how the run ended, and that it goes on."""

    def broken(progress):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        library.run_import(sheet, on_progress=broken)
    (folder,) = [path.parent for path in Path("reports").glob("*/journal.sqlite")]
    with Journal.open(folder) as journal:
        assert journal.run_end.state == "interrupted"
        assert "ZeroDivisionError" in journal.run_end.reason
    assert importer("resume", folder.name).code == 1


def test_to_frame_says_what_results_csv_says(importer, sheet):
    result = library.check_file(sheet)
    shown = result.to_frame().astype("object").fillna("").map(str).to_dict("records")
    assert shown == read_csv(result.folder / "results.csv")


def test_the_rows_are_found_from_another_folder(importer, sheet, monkeypatch):
    """A notebook's %cd: the run was said to have been taken away."""
    result = library.check_file(sheet)
    monkeypatch.chdir("/")
    assert len(result.to_frame()) == result.summary.rows


def test_a_binary_stream(importer, crm, sheet):
    with sheet.open("rb") as stream:
        assert library.run_import(stream).summary.counts["accepted"] == 1


@pytest.mark.parametrize("source", [None, 3, b"Phone"])
def test_what_is_no_source(importer, source):
    with pytest.raises(errors.UsageError, match="DataFrame"):
        library.check_file(source)


def test_a_text_stream_is_refused_with_words(importer, sheet):
    with sheet.open() as stream, pytest.raises(errors.UsageError, match="rb"):
        library.check_file(stream)


def test_key_and_address_can_be_given(importer, crm, sheet, monkeypatch):
    """They come before those of the environment."""
    monkeypatch.setenv("SUPERFONE_API_KEY", "wrong")
    with pytest.raises(errors.NothingSentError, match="refused the API key"):
        library.check_file(sheet)
    assert library.check_file(sheet, api_key=KEY).summary.rows == 2
    monkeypatch.setenv("SUPERFONE_BASE_URL", "http://127.0.0.1:9/superfone")
    assert library.check_file(sheet, api_key=KEY, base_url=crm.base_url).summary.rows == 2


def test_settings_are_those_of_the_command(importer, sheet):
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


def test_a_sheet_by_its_number(importer):
    book = importer.folder / "two.xlsx"
    with pd.ExcelWriter(book, engine="openpyxl") as writer:
        pd.DataFrame({"Price": ["1"]}).to_excel(writer, sheet_name="Prices", index=False)
        pd.DataFrame({"Phone": ["9845010001"]}).to_excel(writer, sheet_name="People", index=False)
    assert library.check_file(book, sheet=2).ok


def test_a_data_frame_is_read_as_a_sheet(importer, crm):
    """Whole floats are numbers, gaps are empty, blank rows are passed over, the index is left aside."""
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


def test_the_same_content_is_the_same_file(importer):
    """Its SHA-256 stands for the content: headers and rows, not the object."""
    frame = pd.DataFrame({"Phone": ["9845010001"]})
    prints = [library.check_file(some).summary.sha256 for some in (frame, frame.copy(), frame + "0")]
    assert prints[0] == prints[1] != prints[2]


def test_mended_rows_of_a_frame_keep_the_mapping_of_their_run(importer, crm, sheet):
    """A frame of ours goes in again as failed_rows would: `_` columns aside, the first mapping kept."""
    first = library.run_import(sheet, column={"Name": "business_name"})
    left = first.to_frame().query("_status != 'accepted'").copy()
    left["Stage"] = "Warm lead"
    second = library.run_import(left)
    assert second.ok
    assert second.summary.columns["Name"] == "business_name"
    assert list(second.to_frame().columns) == [*ROWS[0], *REPORT_COLUMNS]
    assert leads(crm)["+919845010002"]["business_name"] == "Ravi Kumar"


def test_a_frame_without_rows(importer):
    with pytest.raises(errors.UnreadableFileError, match="DataFrame has a header and no rows"):
        library.check_file(pd.DataFrame({"Phone": []}))


def test_headers_of_two_lines_and_of_one_name(importer):
    """The parts of a MultiIndex are one header; two columns of one name stay two."""
    frame = pd.DataFrame(
        [["9845010001", "x", "y"]],
        columns=pd.MultiIndex.from_tuples([("Contact", "Phone"), ("Extra", ""), ("Extra", "")]),
    )
    result = library.check_file(frame)
    assert list(result.to_frame().columns)[:3] == ["Contact Phone", "Extra", "Extra"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (None, ""),
        (math.nan, ""),
        (pd.NaT, ""),
        (pd.NA, ""),
        (np.float64("nan"), ""),
        (Decimal("NaN"), ""),
        (9845012345.0, "9845012345"),
        (np.float64(9845012345), "9845012345"),
        (np.int64(12), "12"),
        (2.5, "2.5"),
        (np.float32(2.5), "2.5"),
        (np.float32(1.1), "1.1"),
        (np.float32(9845012345), "9.845012e+09"),
        (np.float16(1.1), "1.1"),
        (np.longdouble(9845012345), "9845012345"),
        (np.str_("Asha"), "Asha"),
        (b"Asha", "Asha"),
        (b"Jos\xe9", "Jos\ufffd"),
        (np.datetime64("2026-01-05", "ns"), "2026-01-05"),
        (Decimal("sNaN"), ""),
        (1e16, "1e+16"),
        (-0.5, "-0.5"),
        (math.inf, "inf"),
        (True, "TRUE"),
        (np.bool_(False), "FALSE"),
        (Decimal("1200.50"), "1200.50"),
        (pd.Timestamp("2026-01-05"), "2026-01-05"),
        (pd.Timestamp("2026-01-05 10:30"), "2026-01-05 10:30:00"),
        (pd.Timestamp("2026-01-05", tz="Asia/Kolkata"), "2026-01-05 00:00:00+05:30"),
        (dt.date(2026, 1, 5), "2026-01-05"),
        (np.datetime64("2026-01-05"), "2026-01-05"),
        (["VIP", "Hot"], "VIP, Hot"),
        (np.array(["VIP", "Hot"]), "VIP, Hot"),
    ],
)
def test_what_a_person_would_see_in_the_cell(value, text):
    assert to_cell_text(value) == text


def test_a_text_of_another_kind_is_a_plain_one():
    """Numpy's texts, those of scrapers, an enum's: the journal takes no other, and nor does the CRM."""
    assert type(to_cell_text(np.str_("Asha"))) is str


@pytest.mark.parametrize("kind", ["float32", "Float32"])
def test_a_number_that_its_column_could_not_hold_is_not_sent(importer, crm, kind):
    """A program that saves memory makes float32 of a column of phones: 9845010001 is 9845010432 then."""
    phones = pd.Series([9845010001.0, None], dtype=kind)
    frame = pd.DataFrame({"Phone": phones, "Deal value": pd.Series([1.1, 2.5], dtype=kind)})
    result = library.run_import(frame)
    assert result.to_frame()["_codes"].tolist() == ["customer_phone.digits_lost", "customer_phone.missing"]
    assert result.to_frame()["Deal value"].tolist() == ["1.1", "2.5"]
    assert leads(crm) == {}


def test_who_was_kept_out_for_a_shortened_number_stays_out_of_a_frame_too(importer, crm):
    """The other row was mended: alone, his would take the place of the lead whose number it really is."""
    frame = pd.DataFrame({"Phone": ["9845000000", "9845000000"], "Name": ["Asha Rao", "Ravi Menon"]})
    left = library.run_import(frame).to_frame()
    left.loc[0, "Phone"] = "9845012345"
    again = library.run_import(left)
    assert again.to_frame()["_status"].tolist() == ["accepted", "invalid"]
    assert again.summary.problems["customer_phone.shortened"] == 1
    assert list(leads(crm)) == ["+919845012345"]


def test_a_row_that_could_not_be_read_goes_in_from_a_frame_once_it_is_mended(importer, crm):
    """`_problems` goes on quoting the letter that was lost."""
    left = library.run_import(pd.DataFrame({"Phone": ["9845010001"], "Name": ["Jos\ufffd"]})).to_frame()
    left["Name"] = "José"
    assert library.run_import(left).ok


def test_from_a_notebook(importer, crm, sheet):
    """Where a loop is running already, as in a notebook's cell."""

    async def cell():
        return library.run_import(sheet)

    assert asyncio.run(cell()).summary.counts["accepted"] == 1


def test_ctrl_c_is_heard_from_a_notebook_on_windows_too(importer, crm, sheet, monkeypatch):
    """A handler runs between two waits: there it does not come through a single one that has no end."""
    result = Future.result

    def at_once(self, timeout=None):
        assert timeout is not None or self.done(), "a wait that no Ctrl-C comes through"
        return result(self, timeout)

    async def cell():
        monkeypatch.setattr(Future, "result", at_once)
        return library.run_import(sheet)

    assert asyncio.run(cell()).summary.counts["accepted"] == 1


def test_from_a_thread(importer, crm, sheet):
    ended = []
    thread = threading.Thread(target=lambda: ended.append(library.run_import(sheet)))
    thread.start()
    thread.join()
    assert ended[0].summary.counts["accepted"] == 1


def test_a_stopped_import_returns_and_says_why(importer, crm):
    """Rows are in the CRM by then: the result says which, where an error could not."""
    from importer.sandbox.faults import FaultPlan, InjectedFault

    sheet = write_csv(importer.folder / "leads.csv", [["Phone"], *[[f"98450100{n:02d}"] for n in range(20)]])
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11))
    result = library.run_import(sheet, rate=200, concurrency=4)
    assert (result.ok, result.exit_code, result.summary.state) == (False, 3, "stopped")
    assert result.summary.counts["accepted"] == 10
    assert result.summary.reason
    assert (result.to_frame()["_status"] == "pending").sum() == 10


def test_a_source_that_cannot_be_read_is_refused_with_words(sheet):
    """A name that no file can have, and a stream that was closed."""
    with pytest.raises(errors.UnreadableFileError, match="embedded null"):
        library.check_file("a\0b.csv")
    with sheet.open("rb") as stream:
        pass
    with pytest.raises(errors.UnreadableFileError, match="closed file"):
        library.check_file(stream)


def test_a_pipe_that_does_not_block_is_not_taken_for_its_end(importer):
    """Whoever starts us may have left it so: half of the leads were said to be all of them."""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    os.write(writes, b"Phone\n9845010001\n")
    with os.fdopen(reads, "rb") as stream, pytest.raises(errors.UnreadableFileError, match="still to come"):
        library.check_file(stream)
    os.close(writes)


def test_a_stream_of_texts_in_disguise_is_refused_with_words(importer, sheet):
    """What `codecs.open` and a temporary file in mode "w+" give is no TextIOBase."""
    with (
        codecs.open(str(sheet), encoding="utf-8") as stream,
        pytest.raises(errors.UnreadableFileError, match="text, not bytes"),
    ):
        library.check_file(stream)


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb"])
def test_text_that_is_no_text(importer, text):
    """Python's strings can hold half a character, which no file and no request can: its row is refused."""
    result = library.check_file(pd.DataFrame({"Phone": ["9845010001"], f"X{text}": [text]}))
    assert result.summary.problems == {"row.undecodable": 1}
    assert result.to_frame().iloc[0, 1] == text.encode("utf-16-le", "surrogatepass").decode(
        "utf-16-le", "replace"
    )


def test_a_run_that_was_taken_away(importer, sheet):
    result = library.check_file(sheet)
    importer("purge", "--older-than", "0h", "--yes")
    with pytest.raises(errors.RunNotFoundError):
        result.to_frame()


def test_every_error_is_exported():
    """`importer.MissingKeyError` is `importer.errors.MissingKeyError`, and so is every other of the tree."""
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


def test_a_type_checker_knows_every_name_and_no_other(tmp_path):
    """A misspelt error in an `except` would otherwise be found out when that error comes."""
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


def test_help_and_a_plain_import_load_nothing_of_it():
    """`importer --help` has 120 ms: neither pandas nor the pipeline is touched."""
    told = subprocess.run(
        [sys.executable, "-c", "import importer, sys; print([m for m in sys.modules if m.startswith(('pandas', 'importer.'))])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "[]"


BLOCKS = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_page(importer, crm, capsys):
    """docs/library.md, from top to bottom as one program: each block prints what the page says."""
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
