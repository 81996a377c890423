"""Bad input gets one sentence that says what, where and what to do, exit 2, and nothing is sent."""

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from importer.errors import ServerUnavailableError
from importer.pipeline.account_lists import fetch_account_titles
from importer.sandbox.faults import FaultPlan, InjectedFault
from tests.support import leads, write_csv

NO_RUN_IDS = ("notes.sqlite", "Notes.SQLite-wal", "maps", "MAPS", "a.", "con", "NUL.txt", "com1", "a\n", "")
GOOD = [["Phone", "Name"], ["9845012345", "Asha"]]


@pytest.fixture
def refused(importer, crm):
    """Runs a command that must be refused: exit 2, one line on standard error, no lead, no folder left."""

    def run(*arguments):
        ended = importer("run", *arguments, "--yes")
        assert ended.code == 2, ended
        assert ended.out == ""
        assert len(ended.err.strip().splitlines()) == 1, ended.err
        assert "Traceback" not in ended.err
        assert leads(crm) == {}
        assert ended.folder is None
        assert not [path for path in importer.reports.glob("2*") if path.is_dir()]
        return ended.err

    return run


def test_no_such_file(refused):
    assert "There is no file nowhere.csv. Check the name" in refused("nowhere.csv")


def test_a_folder(refused, importer):
    (importer.folder / "sheets").mkdir()
    assert "is a folder" in refused("sheets")


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"\xef\xbb\xbf", b" , ,\n,,\n"])
def test_an_empty_file(refused, importer, content):
    path = importer.folder / "empty.csv"
    path.write_bytes(content)
    assert "empty" in refused(path)


def test_a_header_and_nothing_below(refused, importer):
    assert "no rows below it" in refused(write_csv(importer.folder / "header.csv", GOOD[:1]))


def test_binary_junk(refused, importer):
    path = importer.folder / "junk.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    assert "importer: " in refused(path)


def test_no_folder_is_made_for_a_file_that_cannot_be_read(refused, importer):
    """Nor does one that cannot be made hide what is wrong with the file."""
    (importer.folder / "leads.xlsx").write_bytes(b"PK\3\4" + b"x" * 300)
    assert "cut off or damaged" in refused("leads.xlsx")
    assert not importer.reports.exists()
    importer.reports.write_text("a file in the way")
    assert "cut off or damaged" in refused("leads.xlsx")


def test_a_pdf(refused, importer):
    path = importer.folder / "leads.pdf"
    path.write_bytes(b"%PDF-1.7\n" + b"x" * 500)
    assert "PDF" in refused(path)


def test_no_phone_column_names_the_columns_and_the_option(refused, importer):
    said = refused(
        write_csv(importer.folder / "x.csv", [["Fruit", "Colour"], ["Apple", "red"], ["Pear", "green"]])
    )
    assert '"Fruit", "Colour"' in said
    assert '--column "Fruit=customer_phone"' in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--rat", "5"], "There is no option --rat. Did you mean --rate?"),
        (["--rate", "0"], "--rate"),
        (["--rate", "fast"], "--rate"),
        (["--rate", "inf"], "--rate takes auto, or a number above 0 (100000 at most), not"),
        (["--rate", "nan"], "--rate takes auto"),
        (["--max-wait", "inf"], "--max-wait takes a number of seconds above 0 (a year at most), not"),
        (["--timeout", "nan"], "--timeout takes a number of seconds"),
        (["--duplicates", "mrge"], "--duplicates"),
        (["--unknown", "maybe"], "--unknown"),
        (["--concurrency", "0"], "--concurrency"),
        (["--limit", "-1"], "--limit"),
        (["--region", "India"], "--region"),
        (["--region", "XX"], "no country XX"),
        (["--run-id", "../evil"], "--run-id"),
        *[(["--run-id", name], "--run-id takes letters, digits") for name in NO_RUN_IDS],
        (["--limit", "9" * 23], "--limit takes a whole number from 1 to 1000000000, not"),
        (["--header-row", "9" * 23], "--header-row takes a whole number from 1 to 1000000000, not"),
        (["--column", "Phone"], 'takes "HEADER=FIELD"'),
        (["--column", "Phone=customer_phone", "--default", "lead_stage_name=Warm led"], 'Did you mean "Warm lead"?'),
        (["--default", "deal_value=much"], "or 1.2 lakh, or empty the cell"),
        (["--default", "customer_phone=9845012345"], "each lead's own"),
        (["--default", "dial_code=91"], "each lead's own"),
        (["--column", "Fone=customer_phone"], 'no column "Fone"'),
        (["--column", "Phone=customer_fone"], 'no field "customer_fone"'),
        (["--default", "stage=New"], 'no field "stage"'),
        (["--map", "none.toml"], "none.toml"),
        (["--preset", "hubspt"], "no preset"),
        (["--sheet", "2"], "--sheet"),
        (["--header-row", "99"], "--header-row"),
        (["--config", "none.toml"], "none.toml"),
        (["--encoding", "klingon"], "klingon"),
        (["--encoding", "idna"], "no sheet is written in idna. Those of sheets are utf-8, utf-16,"),
        (["--encoding", "utf-16"], "the file is not in utf-16, by its first bytes."),
        (["--sheet", "a\udcff"], r"--sheet holds what is no text: 'a\udcff'. Type it again."),
        (["--limit", "\ud800"], "--limit holds what is no text"),
        (["--default", "city=\udcff"], "--default holds what is no text"),
        (["--default", "\udcff=Pune"], "--default holds what is no text"),
        (["--column", "\udcff=city"], "--column holds what is no text"),
        (["--map", "\udcff.toml"], "--map holds what is no text: '\\udcff.toml'. Rename the file."),
        (["--reports", "\ud800"], "--reports holds what is no text"),
        (["--config", "\ud800"], "Cannot read the settings in"),
    ],
)  # fmt: skip
def test_an_option_that_makes_no_sense_is_named(refused, importer, flags, words):
    assert words in refused(write_csv(importer.folder / "x.csv", GOOD), *flags)


def test_a_config_file_with_an_unknown_key(refused, importer):
    (importer.folder / "importer.toml").write_text("rat = 5\n")
    assert "There is no option" in refused(write_csv(importer.folder / "x.csv", GOOD))


@pytest.mark.parametrize("name", ["map", "save", "reports", "sheet", "default"])
def test_a_nul_in_the_settings_file(refused, importer, name):
    value = '{city = "a\\u0000b"}' if name == "default" else '"a\\u0000b"'
    (importer.folder / "importer.toml").write_text(f"{name} = {value}\n")
    said = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert f'"{name}" in the settings file holds what is no text: ' in said
    assert r"'a\x00b'" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a = " + "[" * 5000, "its brackets stand too deep in one another"),
        ("a = " + "{a = " * 5000, "its brackets stand too deep in one another"),
        ("limit = " + "9" * 5000, "integer string conversion"),
        ("#\n" * 2_200_000, "it is longer than any that a person writes"),
    ],
)
def test_a_settings_file_or_map_made_to_harm(refused, importer, content, words):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    evil = importer.folder / "importer.toml"
    evil.write_text(content)
    assert words in refused(sheet)
    evil.rename(importer.folder / "m.toml")
    assert words in refused(sheet, "--config", "m.toml")
    assert words in refused(sheet, "--map", "m.toml")
    assert words in refused(sheet, "--preset", "m.toml")


@pytest.mark.parametrize("path", [r"C:\Users\asha\runs", r"D:\leads"])
def test_a_path_of_windows_in_the_settings_file(refused, importer, path):
    """In double quotes TOML reads a backslash as the beginning of another letter."""
    (importer.folder / "importer.toml").write_text(f'reports = "{path}"\n')
    said = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert "(at line 1, column " in said
    assert r"a text with \ in it stands in single quotes" in said


@pytest.mark.parametrize(
    "line", ["reports = shared", "reports = “shared”", "my reports = 1", "“reports” = 1"]
)
def test_a_text_without_straight_quotes_in_the_settings_file(refused, importer, line):
    """Typed by hand, or in a program that bends quotation marks."""
    (importer.folder / "importer.toml").write_text(f"{line}\n", "utf-8")
    assert "; texts stand between straight quotes" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_numbers_of_the_settings_file_need_no_quotes(refused, importer):
    """`sheet = 2` was refused with "takes NAME or NUMBER, not 2"."""
    (importer.folder / "importer.toml").write_text("sheet = 2\n[default]\ndeal_value = 5\n")
    said = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert "sheet" in said
    assert "not 2" not in said


@pytest.mark.parametrize("name", ["column", "default"])
def test_pairs_of_the_settings_file_that_are_no_table(refused, importer, name):
    """It was told to write what it had written: pairs such as "source=Trade fair"."""
    (importer.folder / "importer.toml").write_text(f'{name} = "source=Trade fair"\n')
    said = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert f"takes a table: [{name}] in a line of its own, below it lines such as" in said


@pytest.mark.parametrize("option", ["config", "map", "preset"])
def test_a_file_of_ours_in_another_encoding(refused, importer, option):
    """As Windows PowerShell writes one by `>`."""
    (importer.folder / "m.toml").write_bytes('name = "gym"'.encode("utf-16"))
    said = refused(write_csv(importer.folder / "x.csv", GOOD), f"--{option}", "m.toml")
    assert "m.toml" in said
    assert "it is not a text file in UTF-8" in said


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_template_of_no_name(importer, name):
    ended = importer("template", name)
    assert ended.code == 2
    assert "does not end in .xlsx. Try: importer template leads.xlsx" in ended.err


@pytest.mark.parametrize("command", ["check", "columns", "template"])
def test_what_the_system_refuses_is_said_in_its_words(importer, command):
    """Nobody foresees all that a system can refuse: a name that is too long, a folder that one may not look into."""
    ended = importer(command, "x" * 300 + ".xlsx")
    assert ended.code == 2
    if sys.version_info >= (3, 14):  # there pathlib answers that no such file exists, as for any other name
        assert ended.err.startswith(("importer: There is no file xxx", "importer: Cannot write xxx"))
        return
    assert ended.err.startswith("importer: File name too long: xxx")
    assert "Nothing was sent. Check the name and your access rights." in ended.err


def test_in_a_folder_that_was_removed(importer, crm, tmp_path, monkeypatch):
    """What is named in full is found; of what is not the sentence says why, and none calls it a fault of importer."""
    sheet = write_csv(tmp_path / "x.csv", GOOD)
    run = importer("run", sheet, "--yes").folder
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert importer("run", sheet, "--yes", "--reports", tmp_path / "all").code == 0
    assert importer("check", run / "results.csv").code == 0
    assert importer("resume", run).code == 0
    for command in ("dropdowns", "runs", f"columns {sheet}", f"template {tmp_path / 't.xlsx'}"):
        assert importer(*command.split()).code == 0
    for command in ("check", "run --yes", "columns"):
        name, *flags = command.split()
        assert "There is no file x.csv. Check the name and the folder" in importer(name, "x.csv", *flags).err
    for command in (f"check {sheet}", f"run {sheet} --yes", "demo"):
        ended = importer(*command.split())
        assert ended.code == 2
        assert "The folder that you are in was removed: change to another." in ended.err


def test_a_demo_where_nothing_can_be_written(importer):
    (importer.folder / "reports").write_text("a file, not a folder")
    ended = importer("demo")
    assert ended.code == 2
    assert "Cannot write to the folder reports: " in ended.err
    assert "reports is a file. Move it away" in ended.err


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("inside", ["", "of/May"])
def test_a_file_where_the_reports_should_go(importer, command, inside):
    """It is named, and nothing is said of a disk that is full or of a run that there is none of."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    (importer.folder / "taken").write_text("a file, not a folder")
    ended = importer(command, sheet, "--yes", "--reports", importer.folder / "taken" / inside)
    assert ended.code == 2
    assert (
        f"{importer.folder / 'taken'} is a file. Move it away, or name another folder by --reports."
        in ended.err
    )
    assert "run's" not in ended.err


def test_two_columns_into_one_field(refused, importer):
    sheet = write_csv(importer.folder / "x.csv", [["A", "B"], ["9845012345", "9845012346"]])
    assert "takes one column" in refused(
        sheet, "--column", "A=customer_phone", "--column", "B=customer_phone"
    )


def test_without_a_key(refused, importer, monkeypatch):
    monkeypatch.delenv("SUPERFONE_API_KEY")
    assert 'export SUPERFONE_API_KEY="..."' in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_a_key_that_the_crm_refuses(refused, importer, monkeypatch):
    monkeypatch.setenv("SUPERFONE_API_KEY", "wrong")
    assert "refused the API key" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_a_host_that_cannot_be_reached(refused, importer, monkeypatch):
    monkeypatch.setenv("SUPERFONE_BASE_URL", "http://127.0.0.1:9/superfone")
    assert "cannot be reached" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_https_where_nobody_speaks_it(refused, importer, crm, monkeypatch):
    monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url.replace("http:", "https:"))
    assert "cannot be reached: what answers there does not speak https." in refused(
        write_csv(importer.folder / "x.csv", GOOD)
    )


def test_plain_http_to_the_world(refused, importer, monkeypatch):
    monkeypatch.setenv("SUPERFONE_BASE_URL", "http://crm.example.in/superfone")
    assert "Use https" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_a_key_file_that_others_can_read(refused, importer, monkeypatch):
    monkeypatch.delenv("SUPERFONE_API_KEY")
    env = importer.folder / ".env"
    env.write_text("SUPERFONE_API_KEY=sandbox-key\n")
    env.chmod(0o644)
    assert "chmod 600" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_a_key_file_of_ones_own(importer, monkeypatch):
    monkeypatch.delenv("SUPERFONE_API_KEY")
    env = importer.folder / ".env"
    env.write_text("SUPERFONE_API_KEY=sandbox-key\n")
    env.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes").code == 0


def test_nobody_at_the_terminal_and_no_yes(importer, crm):
    ended = importer("run", write_csv(importer.folder / "x.csv", GOOD))
    assert ended.code == 2
    assert "--yes" in ended.err
    assert leads(crm) == {}


def test_a_run_id_that_is_taken(importer):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    assert importer("check", sheet, "--run-id", "mine").code == 0
    ended = importer("check", sheet, "--run-id", "mine")
    assert ended.code == 2
    assert "There is a run mine" in ended.err


@pytest.mark.parametrize("fails", [False, True], ids=["goes on", "fails"])
def test_of_two_commands_with_one_run_id_the_second_takes_nothing_away(importer, monkeypatch, fails):
    """It saw no folder when it began, and found one later: the run in it may be sending its rows right now."""

    def meanwhile(*arguments):
        monkeypatch.setattr("importer.pipeline.prepare.fetch_account_titles", fetch_account_titles)
        assert (
            importer("run", write_csv(importer.folder / "other.csv", GOOD), "--yes", "--run-id", "r").code
            == 0
        )
        if fails:
            raise ServerUnavailableError("The CRM cannot be reached.")
        return fetch_account_titles(*arguments)

    monkeypatch.setattr("importer.pipeline.prepare.fetch_account_titles", meanwhile)
    ended = importer("check", write_csv(importer.folder / "x.csv", [*GOOD, *GOOD[1:]]), "--run-id", "r")
    assert ended.code == 2
    assert fails or "There is a run r in reports already" in ended.err
    listed = importer("runs").out
    assert "other.csv  finished" in listed
    assert importer("report", "r").code == 0


def test_the_hotels_wifi_page(refused, importer, crm, monkeypatch):
    """HTML where JSON should be, before anything was sent."""
    monkeypatch.setenv("SUPERFONE_BASE_URL", crm.page_url.rstrip("/"))
    assert "importer: " in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_a_reports_folder_that_cannot_be_written(importer, crm):
    (importer.folder / "reports").write_text("a file, not a folder")
    ended = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    assert ended.code == 2
    assert "Cannot write" in ended.err
    assert leads(crm) == {}


@pytest.mark.parametrize("command", ["run", "resume", "purge"])
def test_a_disk_without_room_for_the_name_of_who_holds_the_file(importer, crm, monkeypatch, command):
    """The first thing that is written: the sentence is about the disk, and purge, which makes room, is not stopped."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.REDIRECT))
    assert importer("run", sheet, "--yes", "--run-id", "r").code == 3

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    arguments = {"run": [sheet, "--yes"], "resume": ["r"], "purge": ["--older-than", "0h", "--yes"]}[command]
    ended = importer(command, *arguments)
    if command == "purge":
        assert (ended.code, ended.err.strip()) == (0, "Removed 1 run: r.")
    else:
        assert ended.code == (3 if command == "resume" else 2)  # a run that was stopped stays so
        assert "Cannot write to the folder reports: No space left on device. Make room" in ended.err


def test_who_reads_the_name_of_a_run_as_it_ends_does_not_spoil_its_end(importer, crm, monkeypatch):
    """On Windows a file that somebody reads cannot be removed: all went in, and "nothing was sent" was said."""
    unlink = Path.unlink

    def in_use(path, **options):
        if path.suffix == ".json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", in_use)
    assert importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes").code == 0
    assert len(leads(crm)) == 1


def test_a_fault_of_ours_is_not_hidden(importer, monkeypatch):
    """What is no ImporterError is a bug: it is called one, and -v shows where it is."""
    monkeypatch.setattr("importer.cli.run_commands.open_file", lambda *_: 1 / 0)
    ended = importer("check", write_csv(importer.folder / "x.csv", GOOD), "-v")
    assert ended.code == 2
    assert "ZeroDivisionError: division by zero" in ended.err
    assert (
        "Internal error in importer (ZeroDivisionError). Your file is fine and nothing was sent." in ended.err
    )


def test_verbose_shows_the_traceback_and_the_sentence(importer):
    ended = importer("run", "nowhere.csv", "--yes", "-v")
    assert ended.code == 2
    assert "Traceback" in ended.err
    assert ended.err.strip().splitlines()[-1].startswith("importer: There is no file")


@pytest.mark.parametrize("value", ["true", "1"])
def test_verbose_of_the_settings_file_does_the_same(importer, value):
    """Every option of run is a key of that file; `verbose = true` was "takes true or false, not True"."""
    (importer.folder / "importer.toml").write_text(f"verbose = {value}\n")
    ended = importer("run", "nowhere.csv", "--yes")
    assert "Traceback" in ended.err
    assert ended.err.strip().splitlines()[-1].startswith("importer: There is no file")
    (importer.folder / "importer.toml").unlink()
    assert "Traceback" not in importer("run", "nowhere.csv", "--yes").err


def test_key_refused_by_the_first_row_only(importer, crm):
    """401 once rows are on their way: exit 3, the rest stays pending, and the sentence says how to go on."""
    crm.sandbox.faults.restart(FaultPlan(at={2: InjectedFault.UNAUTHORIZED}))
    sheet = write_csv(importer.folder / "x.csv", [["Phone"], *[[f"98450123{n:02}"] for n in range(10)]])
    ended = importer("run", sheet, "--yes", "--concurrency", "1", "--rate", "50")
    assert ended.code == 3
    assert "importer resume" in ended.err
    assert ended.summary["counts"]["accepted"] == 1
    assert ended.summary["counts"]["pending"] == 9


if os.name == "nt":
    pytestmark = pytest.mark.skip("modes of files are POSIX")
