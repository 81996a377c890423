"""A terminal gets a progress bar and colour, files and pipes get plain lines, and no character fails the run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from importer.cli.console import format_duration
from importer.cli.sandbox_commands import format_shell_variables
from importer.cli.terminal_observer import describe_progress
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox
from importer.sender.eta import EtaEstimator
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
    """Run the command in a process of its own, with its output in pipes."""
    return _run_python("-m", "importer", *arguments, folder=folder, crm=crm, **environment)


RUN_ALL = """
import sys
from itertools import groupby
from importer.cli.main import main
commands = [list(words) for is_end, words in groupby(sys.argv[1:], ";".__eq__) if not is_end]
print([main(words) for words in commands])
"""


def run_all(*commands, folder, crm, **environment):
    """Run commands one after another in one process. The last line of its output has their exit codes."""
    words = [word for words in commands for word in (*words, ";")]
    return _run_python("-c", RUN_ALL, *words, folder=folder, crm=crm, **environment)


def _run_python(*arguments, folder, crm, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=90,
        env={**os.environ, "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": crm.base_url, **environment},
    )


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "my leads.csv", SHEET)


def test_piped_output_has_no_escape_codes(importer, crm, sheet):
    """Files and pipes get no carriage returns and no escape codes."""
    result = command("run", sheet, "--yes", folder=importer.folder, crm=crm, FORCE_COLOR="1", TERM="xterm")
    assert result.returncode == 1
    for text in (result.stdout, result.stderr):
        assert b"\r" not in text
        assert b"\x1b" not in text
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout.decode().splitlines()[0].startswith("Reading ")


def test_terminal_gets_progress_bar_and_colour(importer, crm, sheet):
    terminal = Terminal(importer.folder, "run", sheet, "--yes", "--rate", "60", NO_COLOR="")
    assert terminal.wait_for_exit() == 1
    terminal.close()
    assert re.search(r"Sending +\d+%", terminal.plain)
    assert "60/60 rows" in terminal.plain
    assert "rows/s" in terminal.plain
    assert "\x1b[1m" in terminal.shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "dumb"}])
def test_no_color_turns_colour_off(importer, crm, sheet, environment):
    terminal = Terminal(importer.folder, "run", sheet, "--yes", **environment)
    assert terminal.wait_for_exit() == 1
    terminal.close()
    assert not re.search(r"\x1b\[\d*m", terminal.shown)


@pytest.mark.parametrize("phase", ["Reading", "Sending"])
def test_closed_terminal_stops_the_run_as_ctrl_c_does(importer, crm, sheet, phase):
    """Unread lines in the buffer would make Python exit with 120."""
    terminal = Terminal(importer.folder, "run", sheet, "--yes", "--rate", "20", PYTHONUNBUFFERED="")
    terminal.expect(phase)
    assert terminal.hang_up() == 130
    terminal.close()


@pytest.mark.parametrize("flag", ["--quiet", "--json"])
def test_quiet_and_json_show_no_bar(importer, crm, sheet, flag):
    terminal = Terminal(importer.folder, "run", sheet, "--yes", flag)
    assert terminal.wait_for_exit() == 1
    terminal.close()
    assert "Sending" not in terminal.plain


def test_json_is_alone_on_standard_output_with_other_options(importer, crm, sheet):
    result = command(
        "run", sheet, "--yes", "--json", "-v", "--save", "m.toml", folder=importer.folder, crm=crm
    )
    assert json.loads(result.stdout)["counts"]["accepted"] == 60


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_terminal_of_another_encoding_does_not_fail_the_run(importer, crm, sheet, encoding):
    """On an old Windows console or with LANG=C, Hindi becomes question marks and the run continues."""
    write_csv(importer.folder / "हिंदी.csv", [["मोबाइल", "नाम"], ["9845010001", "आशा"]], encoding="utf-8")
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    commands = [
        ["check", "हिंदी.csv"],
        ["columns", "हिंदी.csv"],
        ["check", sheet, "--json"],
        ["dropdowns"],
    ]
    result = run_all(*commands, folder=importer.folder, crm=crm, **environment)
    assert b"Traceback" not in result.stderr
    assert result.stdout.splitlines()[-1] == b"[0, 0, 1, 0]", result.stderr
    terminal = Terminal(importer.folder, "run", "हिंदी.csv", "--yes", **environment)
    assert terminal.wait_for_exit() == 0
    terminal.close()


def test_next_command_can_be_pasted(importer, crm, sheet):
    """It has quotes around names with spaces, and the options that say how to read the sheet."""
    result = importer(
        "check", "my leads.csv", "--default", "source=Trade fair", "--no-create", "--limit", "5", "-q"
    )
    message = result.err.strip().partition("Send with: ")[2]
    assert message == "importer run 'my leads.csv' --default 'source=Trade fair' --no-create --limit 5"
    result = importer("run", "my leads.csv", "--yes", "--reports", "my runs", "-q")
    found = re.search(
        r"import the file again: (importer run '.*failed_rows\.xlsx') --reports 'my runs'$",
        result.err.strip(),
    )
    assert found
    assert Path(found[1].partition("'")[2].removesuffix("'")).exists()


def test_summary_names_the_three_most_common_problems(importer, crm):
    """The most common one comes first, and the fourth is left out."""
    rows = [
        *[["123", "", "", "New"]] * 4,
        *[[f"984501000{n}", "Nope", "", ""] for n in range(3)],
        *[[f"984502000{n}", "", "asha@", ""] for n in range(2)],
        ["9845030001", "", "", "New"],
        ["", "", "", "New"],
        *[
            [f"984504000{n}", "", "a@example.in", "Walk-ins"] for n in range(9)
        ],  # one known title: a column of groups
    ]
    write_csv(importer.folder / "x.csv", [["Mobile", "Stage", "Email", "Group"], *rows])
    shown = importer("check", "x.csv").out
    assert shown.partition("Most common problems\n")[2].splitlines()[:4] == [
        "          6  Group: not in the account",
        "          4  Phone: too few digits",
        "          3  Stage: not in the account",
        next(line for line in shown.splitlines() if line.startswith("Warnings on 1 row ")),
    ]


def test_summary_counts_warnings_and_merged_rows(importer, crm):
    """The summary of a check and of a run has warnings and merged rows, each in its tense."""
    rows = [
        ["Ravi Rao", "9845010001", ""],
        ["Asha Rao", "9845010001", ""],
        ["Meena", "9845010002", "98450 10009 x 45"],
        ["Imran", "9845010003", ""],
    ]
    write_csv(importer.folder / "x.csv", [["Name", "Mobile", "Alt No"], *rows])
    checked, ran = importer("check", "x.csv"), importer("run", "x.csv", "--yes")
    for result, go, are in ((checked, "can go in", "is"), (ran, "went in", "was")):
        place = f"reports/{result.folder.name}/results.csv"
        assert f"\nWarnings on 2 rows that {go}: see _problems in {place}\n" in result.out
        assert (
            f"\n1 row {are} merged with a row that has the same phone and another name\n"
            '  row 3 "Asha Rao" with row 2 "Ravi Rao"\n'
        ) in result.out
        assert result.summary["problems"]["row.other_name"] == 1
    assert "Add --duplicates reject" in checked.out
    assert "--duplicates" not in ran.out
    plain = importer("check", write_csv(importer.folder / "y.csv", [["Mobile"], ["9845010003"]]))
    assert "Warnings" not in plain.out
    assert "another name" not in plain.out


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (False, "export SUPERFONE_BASE_URL=http://127.0.0.1:1/x 'SUPERFONE_API_KEY=it'\"'\"'s'"),
        (True, "$env:SUPERFONE_BASE_URL='http://127.0.0.1:1/x'; $env:SUPERFONE_API_KEY='it''s'"),
    ],
)
def test_line_that_sets_the_sandbox_variables_can_be_pasted(windows, message):
    """The variables must be exported for the next command. PowerShell has its own syntax."""
    values = {"SUPERFONE_BASE_URL": "http://127.0.0.1:1/x", "SUPERFONE_API_KEY": "it's"}
    assert format_shell_variables(values, windows=windows) == message


@pytest.mark.parametrize(
    ("word", "message"),
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
def test_command_can_be_pasted_on_windows(word, message):
    """PowerShell splits `leads(1).csv` into three words and reads `$5` as an empty variable."""
    assert quote_command("importer", "run", word, windows=True) == f"importer run {message}"


def test_file_with_an_undecodable_name_is_imported(importer, crm):
    """Old disks and archives have names that are not UTF-8. They are printed with marks."""
    name = os.fsdecode(b"leads \xe9.csv")
    write_csv(importer.folder / name, [["Mobile"], ["9845010001"]])
    result = importer("run", name, "--yes")
    assert result.code == 0
    assert result.summary["file"] == "leads \ufffd.csv"


def test_folders_and_maps_with_undecodable_names_work(importer, crm):
    """The reports folder and a saved map may have such names, and notes are still sent only once."""
    rows = [["Mobile", "Note"], ["9845010001", "once"]]
    sheet = write_csv(importer.folder / "x.csv", rows)
    importer.reports = importer.folder / os.fsdecode(b"r\xe9")
    for _ in range(2):
        result = importer("run", sheet, "--yes", "--reports", importer.reports)
        assert result.code == 0, result.err
    assert leads(crm)["+919845010001"]["notes"] == ["once"]
    saved = os.fsdecode(b"m\xe9.toml")
    assert importer("check", sheet, "--reports", importer.reports, "--save", saved).code == 0
    assert (importer.folder / saved).exists()


def test_bar_shows_the_wait_for_a_throttling_crm(importer, monkeypatch):
    with run_sandbox(SandboxOptions(rate_limit=10)) as crm:
        monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url)
        sheet = write_csv(importer.folder / "x.csv", SHEET[:-1])
        terminal = Terminal(importer.folder, "run", sheet, "--yes", "--rate", "200")
        assert terminal.wait_for_exit() == 0
        terminal.close()
    assert re.search(r"waiting \d+ s for the CRM", terminal.plain)
    assert re.search(r"about \d+ s left", terminal.plain)


def test_bar_ends_before_the_summary(importer):
    """The next step is the last thing to read, so the bar must not come after it."""
    terminal = Terminal(importer.folder, "run", write_csv(importer.folder / "x.csv", SHEET[:-1]), "--yes")
    terminal.wait_for_exit()
    terminal.close()
    summary, end = terminal.plain.index("rows of x.csv"), terminal.plain.rindex("rows/s")
    assert end < summary


# --- the estimate of the time left, with times given by the test


def estimate(*points):
    eta = EtaEstimator()
    for now_s, done, waiting_s in points:
        eta.update(now_s, done, waiting_s)
    return eta


def test_time_left_uses_the_recent_rate():
    eta = estimate(
        *((float(s), 20 * s, 0.0) for s in range(30)), *((30.0 + s, 600 + 5 * s, 0.0) for s in range(11))
    )
    assert eta.rows_per_s == pytest.approx(5)
    assert eta.estimate_left_s(100, 0.0) == pytest.approx(20)


def test_end_of_a_long_wait_does_not_lower_the_rate():
    """The wait counts down, and its last seconds are not slow rows."""
    eta = estimate((0.0, 0, 0.0), (9.0, 90, 0.0), (10.0, 100, 60.0), (66.0, 100, 4.0), (70.0, 100, 0.0))
    assert eta.rows_per_s == pytest.approx(10)


def test_short_waits_are_part_of_the_rate():
    """If the CRM accepts five rows and then asks us to wait a second, the rate is five a second."""
    points = [
        (second + part, 5 * second + min(5, round(part * 50)), 1.0 - part)
        for second in range(12)
        for part in (0.0, 0.1, 0.5)
    ]
    assert estimate(*points).rows_per_s == pytest.approx(5, rel=0.15)


def test_long_wait_is_added_to_the_time_left():
    sent = [(float(s), 10 * s, 0.0) for s in range(11)]
    waiting = [(10.0 + s, 100, 120.0 - s) for s in range(1, 61)]
    eta = estimate(*sent, *waiting)
    assert eta.rows_per_s == pytest.approx(10, rel=0.1)
    assert eta.estimate_left_s(100, 60.0) == pytest.approx(70, rel=0.05)


def test_no_estimate_before_the_first_rows():
    assert estimate((0.0, 0, 0.0)).estimate_left_s(10, 0.0) is None
    assert estimate((0.0, 0, 0.0), (1.0, 0, 0.0)).estimate_left_s(10, 0.0) is None
    assert estimate().rows_per_s == 0.0


def test_progress_note_shows_rate_failures_wait_and_time_left():
    progress = Progress(done=100, total=1300, not_accepted=3, rate_per_s=99.0, waiting_s=30.0)
    eta = estimate((0.0, 0, 0.0), (10.0, 100, 30.0))
    assert describe_progress(progress, eta) == (
        "10 rows/s, 3 did not go in, waiting 30 s for the CRM, about 2 min left"
    )


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(0.2, "1 s"), (40, "40 s"), (200, "3 min"), (5399, "1 h 30 min"), (7500, "2 h 5 min")],
)
def test_duration_is_rounded_to_readable_units(seconds, message):
    assert format_duration(seconds) == message
