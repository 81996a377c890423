"""What a terminal shows and a file gets: a bar and colour there, plain lines here, and no letter that breaks it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from importer.cli.progress import EtaEstimator, format_duration
from importer.cli.summary_view import format_shell_variables
from importer.cli.terminal_observer import describe_progress
from importer.sandbox.sandbox_options import SandboxOptions
from importer.sandbox.server import run_sandbox
from importer.sender.send_loop import Progress
from importer.untrusted_text import quote_command
from tests.support import KEY, leads, write_csv

if os.name == "nt":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.cli.terminal import Terminal

SHEET = [
    ["Mobile", "Name", "Stage"],
    *[[f"98450{n:05}", "आशा राव ₹…", "New"] for n in range(60)],
    ["123", "", "Nope"],
]


def command(*arguments, folder, crm, **environment):
    """The command in a process of its own, its output in pipes."""
    return subprocess.run(
        [sys.executable, "-m", "importer", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=90,
        env={**os.environ, "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": crm.base_url, **environment},
    )


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "my leads.csv", SHEET)


def test_piped_text_is_plain(importer, crm, sheet):
    """No carriage return, no escape code, nothing that was only meant for a terminal."""
    ended = command("run", sheet, "--yes", folder=importer.folder, crm=crm, FORCE_COLOR="1", TERM="xterm")
    assert ended.returncode == 1
    for text in (ended.stdout, ended.stderr):
        assert b"\r" not in text
        assert b"\x1b" not in text
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout.decode().splitlines()[0].startswith("Reading ")


def test_a_terminal_gets_a_bar_and_colour(importer, crm, sheet):
    terminal = Terminal(importer.folder, "run", sheet, "--yes", "--rate", "60", NO_COLOR="")
    assert terminal.wait_for_exit() == 1
    terminal.close()
    assert re.search(r"Sending +\d+%", terminal.plain)
    assert "60/60 rows" in terminal.plain
    assert "rows/s" in terminal.plain
    assert "\x1b[1m" in terminal.shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "dumb"}])
def test_no_color_is_honoured(importer, crm, sheet, environment):
    terminal = Terminal(importer.folder, "run", sheet, "--yes", **environment)
    assert terminal.wait_for_exit() == 1
    terminal.close()
    assert not re.search(r"\x1b\[\d*m", terminal.shown)


@pytest.mark.parametrize("phase", ["Reading", "Sending"])
def test_a_closed_terminal_ends_it_as_ctrl_c_does(importer, crm, sheet, phase):
    """Lines that nobody reads any more are no fault: Python would exit by 120 where they are left in its buffer."""
    terminal = Terminal(importer.folder, "run", sheet, "--yes", "--rate", "20", PYTHONUNBUFFERED="")
    terminal.expect(phase)
    assert terminal.hang_up() == 130
    terminal.close()


@pytest.mark.parametrize("flag", ["--quiet", "--json"])
def test_scripts_get_no_bar_even_on_a_terminal(importer, crm, sheet, flag):
    terminal = Terminal(importer.folder, "run", sheet, "--yes", flag)
    assert terminal.wait_for_exit() == 1
    terminal.close()
    assert "Sending" not in terminal.plain


def test_json_is_alone_on_standard_output_with_other_options_too(importer, crm, sheet):
    ended = command(
        "run", sheet, "--yes", "--json", "-v", "--save", "m.toml", folder=importer.folder, crm=crm
    )
    assert json.loads(ended.stdout)["counts"]["accepted"] == 60


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_terminal_of_another_encoding_shows_marks_and_goes_on(importer, crm, sheet, encoding):
    """An old Windows console, or LANG=C: Hindi becomes question marks, and the run is not harmed."""
    write_csv(importer.folder / "हिंदी.csv", [["मोबाइल", "नाम"], ["9845010001", "आशा"]], encoding="utf-8")
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    for arguments in (
        ["check", "हिंदी.csv"],
        ["columns", "हिंदी.csv"],
        ["check", sheet, "--json"],
        ["dropdowns"],
    ):
        ended = command(*arguments, folder=importer.folder, crm=crm, **environment)
        assert ended.returncode in (0, 1), ended.stderr
        assert b"Traceback" not in ended.stderr
    terminal = Terminal(importer.folder, "run", "हिंदी.csv", "--yes", **environment)
    assert terminal.wait_for_exit() == 0
    terminal.close()


def test_the_next_command_can_be_pasted(importer, crm, sheet):
    """Quoted for a file name with spaces, and with the options that say how the sheet is read."""
    ended = importer(
        "check", "my leads.csv", "--default", "source=Trade fair", "--no-create", "--limit", "5", "-q"
    )
    said = ended.err.strip().partition("Send with: ")[2]
    assert said == "importer run 'my leads.csv' --default 'source=Trade fair' --no-create --limit 5"
    ended = importer("run", "my leads.csv", "--yes", "--reports", "my runs", "-q")
    found = re.search(
        r"import the file again: (importer run '.*failed_rows\.xlsx') --reports 'my runs'$", ended.err.strip()
    )
    assert found
    assert Path(found[1].partition("'")[2].removesuffix("'")).exists()


def test_the_summary_names_the_three_commonest_problems(importer, crm):
    """The commonest first, and no more than three of the four that there are."""
    rows = [
        *[["123", "", "", "New"]] * 4,
        *[[f"984501000{n}", "Nope", "", ""] for n in range(3)],
        *[[f"984502000{n}", "", "asha@", ""] for n in range(2)],
        ["9845030001", "", "", "New"],
        ["", "", "", "New"],
        *[[f"984504000{n}", "", "a@example.in", ""] for n in range(9)],
    ]
    write_csv(importer.folder / "x.csv", [["Mobile", "Stage", "Email", "Group"], *rows])
    shown = importer("check", "x.csv").out
    assert shown.partition("Most common problems\n")[2].splitlines()[:4] == [
        "          6  Group: not in the account",
        "          4  Phone: too few digits",
        "          3  Stage: not in the account",
        next(line for line in shown.splitlines() if line.startswith("Warnings on 1 row ")),
    ]


def test_what_should_be_known_of_rows_that_go_in_is_counted(importer, crm):
    """Warnings, and rows merged with another name, in the summary of a check and of a run, each with its tense."""
    rows = [
        ["Ravi Rao", "9845010001", ""],
        ["Asha Rao", "9845010001", ""],
        ["Meena", "9845010002", "98450 10009 x 45"],
        ["Imran", "9845010003", ""],
    ]
    write_csv(importer.folder / "x.csv", [["Name", "Mobile", "Alt No"], *rows])
    checked, ran = importer("check", "x.csv"), importer("run", "x.csv", "--yes")
    for ended, go, are in ((checked, "can go in", "is"), (ran, "went in", "was")):
        place = f"reports/{ended.folder.name}/results.csv"
        assert f"\nWarnings on 2 rows that {go}: see _problems in {place}\n" in ended.out
        assert (
            f"\n1 row {are} merged with a row that has the same phone and another name\n"
            '  row 3 "Asha Rao" with row 2 "Ravi Rao"\n'
        ) in ended.out
        assert ended.summary["problems"]["row.other_name"] == 1
    assert "Add --duplicates reject" in checked.out
    assert "--duplicates" not in ran.out
    plain = importer("check", write_csv(importer.folder / "y.csv", [["Mobile"], ["9845010003"]]))
    assert "Warnings" not in plain.out
    assert "another name" not in plain.out


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (False, "export SUPERFONE_BASE_URL=http://127.0.0.1:1/x 'SUPERFONE_API_KEY=it'\"'\"'s'"),
        (True, "$env:SUPERFONE_BASE_URL='http://127.0.0.1:1/x'; $env:SUPERFONE_API_KEY='it''s'"),
    ],
)
def test_the_line_that_points_importer_at_the_sandbox_can_be_pasted(windows, said):
    """Exported, or the command that is typed next would not see it; PowerShell has words of its own."""
    values = {"SUPERFONE_BASE_URL": "http://127.0.0.1:1/x", "SUPERFONE_API_KEY": "it's"}
    assert format_shell_variables(values, windows=windows) == said


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (r"C:\Users\asha\leads.xlsx", r"C:\Users\asha\leads.xlsx"),
        ("लीड्स.csv", '"लीड्स.csv"'),
        ("--no-create", "--no-create"),
        ("source=Fair", "source=Fair"),
        ("my leads.csv", '"my leads.csv"'),
        ("leads(1).csv", '"leads(1).csv"'),
        ("R&D;new,old.csv", '"R&D;new,old.csv"'),
        ("Ravi's.csv", '"Ravi\'s.csv"'),
        ("deals > $5 lakh.csv", "'deals > $5 lakh.csv'"),
        ('Asha’s "best" $.csv', "'Asha’’s \"best\" $.csv'"),
        ("my runs\\", '"my runs\\\\"'),
        ("", '""'),
    ],
)
def test_a_command_can_be_pasted_on_windows(word, said):
    """PowerShell takes more for its own than spaces: `leads(1).csv` is three words to it, and `$5` is nothing."""
    assert quote_command("importer", "run", word, windows=True) == f"importer run {said}"


def test_a_file_name_that_is_no_text(importer, crm):
    """Bytes that are no UTF-8, as an old disk or archive leaves them: shown with marks, read as any other."""
    name = os.fsdecode(b"leads \xe9.csv")
    write_csv(importer.folder / name, [["Mobile"], ["9845010001"]])
    ended = importer("run", name, "--yes")
    assert ended.code == 0
    assert ended.summary["file"] == "leads \ufffd.csv"


def test_folders_and_maps_of_names_that_are_no_text(importer, crm):
    """The reports folder and a map that is saved: both lie on disk alone, and the notes are remembered as ever."""
    rows = [["Mobile", "Note"], ["9845010001", "once"]]
    sheet = write_csv(importer.folder / "x.csv", rows)
    importer.reports = importer.folder / os.fsdecode(b"r\xe9")
    for _ in range(2):
        ended = importer("run", sheet, "--yes", "--reports", importer.reports)
        assert ended.code == 0, ended.err
    assert leads(crm)["+919845010001"]["notes"] == ["once"]
    saved = os.fsdecode(b"m\xe9.toml")
    assert importer("check", sheet, "--reports", importer.reports, "--save", saved).code == 0
    assert (importer.folder / saved).exists()


def test_the_bar_tells_of_waiting_while_the_crm_pushes_back(importer, monkeypatch):
    with run_sandbox(SandboxOptions(rate_limit=10)) as crm:
        monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url)
        sheet = write_csv(importer.folder / "x.csv", SHEET[:-1])
        terminal = Terminal(importer.folder, "run", sheet, "--yes", "--rate", "200")
        assert terminal.wait_for_exit() == 0
        terminal.close()
    assert re.search(r"waiting \d+ s for the CRM", terminal.plain)
    assert re.search(r"about \d+ s left", terminal.plain)


def test_the_bar_is_left_before_the_summary_begins(importer):
    """What to do next is the last thing that is read: the bar does not stand in front of it, nor below it."""
    terminal = Terminal(importer.folder, "run", write_csv(importer.folder / "x.csv", SHEET[:-1]), "--yes")
    terminal.wait_for_exit()
    terminal.close()
    summary, end = terminal.plain.index("rows of x.csv"), terminal.plain.rindex("rows/s")
    assert end < summary


# --- the time left, with a clock of our own


def told(*points):
    time_left = EtaEstimator()
    for now_s, done, waiting_s in points:
        time_left.update(now_s, done, waiting_s)
    return time_left


def test_time_left_is_what_is_left_at_the_rate_of_late():
    time_left = told(
        *((float(s), 20 * s, 0.0) for s in range(30)), *((30.0 + s, 600 + 5 * s, 0.0) for s in range(11))
    )
    assert time_left.rows_per_s == pytest.approx(5)
    assert time_left.estimate_left_s(100, 0.0) == pytest.approx(20)


def test_the_last_seconds_of_a_long_wait_are_still_that_wait():
    """It counts down, and its end is no slow pace."""
    time_left = told((0.0, 0, 0.0), (9.0, 90, 0.0), (10.0, 100, 60.0), (66.0, 100, 4.0), (70.0, 100, 0.0))
    assert time_left.rows_per_s == pytest.approx(10)


def test_short_waits_are_the_pace_itself():
    """A CRM that lets five through and then says "wait a second": the truth is five a second, not the burst."""
    points = [
        (second + part, 5 * second + min(5, round(part * 50)), 1.0 - part)
        for second in range(12)
        for part in (0.0, 0.1, 0.5)
    ]
    assert told(*points).rows_per_s == pytest.approx(5, rel=0.15)


def test_a_long_wait_is_added_and_does_not_spoil_the_rate():
    sent = [(float(s), 10 * s, 0.0) for s in range(11)]
    waiting = [(10.0 + s, 100, 120.0 - s) for s in range(1, 61)]
    time_left = told(*sent, *waiting)
    assert time_left.rows_per_s == pytest.approx(10, rel=0.1)
    assert time_left.estimate_left_s(100, 60.0) == pytest.approx(70, rel=0.05)


def test_nobody_knows_before_anything_went():
    assert told((0.0, 0, 0.0)).estimate_left_s(10, 0.0) is None
    assert told((0.0, 0, 0.0), (1.0, 0, 0.0)).estimate_left_s(10, 0.0) is None
    assert told().rows_per_s == 0.0


def test_the_note_behind_the_bar():
    progress = Progress(done=100, total=1300, not_in=3, rate_per_s=99.0, waiting_s=30.0)
    time_left = told((0.0, 0, 0.0), (10.0, 100, 30.0))
    assert describe_progress(progress, time_left) == (
        "10 rows/s, 3 did not go in, waiting 30 s for the CRM, about 2 min left"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (40, "40 s"), (200, "3 min"), (5399, "1 h 30 min"), (7500, "2 h 5 min")],
)
def test_time_in_words(seconds, said):
    assert format_duration(seconds) == said
