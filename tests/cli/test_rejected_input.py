"""Bad input gets one sentence (what, where, what to do) and exit code 2, and nothing is sent."""

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


def name_case(value):
    """Return the id of one case: what was typed, without the message."""
    return ascii(" ".join(value)) if isinstance(value, list) else ""


@pytest.fixture
def refused(importer, crm):
    """Run a command that must be rejected with code 2, one line on standard error, no lead and no folder."""

    def run(*arguments):
        result = importer("run", *arguments, "--yes")
        assert result.code == 2, result
        assert result.out == ""
        assert len(result.err.strip().splitlines()) == 1, result.err
        assert "Traceback" not in result.err
        assert leads(crm) == {}
        assert result.folder is None
        assert not [path for path in importer.reports.glob("2*") if path.is_dir()]
        return result.err

    return run


def test_missing_file_is_rejected(refused):
    assert "There is no file nowhere.csv. Check the name" in refused("nowhere.csv")


def test_folder_is_rejected(refused, importer):
    (importer.folder / "sheets").mkdir()
    assert "is a folder" in refused("sheets")


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"\xef\xbb\xbf", b" , ,\n,,\n"])
def test_empty_file_is_rejected(refused, importer, content):
    path = importer.folder / "empty.csv"
    path.write_bytes(content)
    assert "empty" in refused(path)


def test_header_without_rows_is_rejected(refused, importer):
    assert "no rows below it" in refused(write_csv(importer.folder / "header.csv", GOOD[:1]))


def test_binary_file_is_rejected(refused, importer):
    path = importer.folder / "junk.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    assert "importer: " in refused(path)


def test_unreadable_file_creates_no_folder(refused, importer):
    """A folder that cannot be created does not hide the error of the file either."""
    (importer.folder / "leads.xlsx").write_bytes(b"PK\3\4" + b"x" * 300)
    assert "cut off or damaged" in refused("leads.xlsx")
    assert not importer.reports.exists()
    importer.reports.write_text("a file in the way")
    assert "cut off or damaged" in refused("leads.xlsx")


def test_pdf_is_rejected(refused, importer):
    path = importer.folder / "leads.pdf"
    path.write_bytes(b"%PDF-1.7\n" + b"x" * 500)
    assert "PDF" in refused(path)


def test_sheet_without_phone_column_names_its_columns_and_the_option(refused, importer):
    message = refused(
        write_csv(importer.folder / "x.csv", [["Fruit", "Colour"], ["Apple", "red"], ["Pear", "green"]])
    )
    assert '"Fruit", "Colour"' in message
    assert '--column "Fruit=customer_phone"' in message


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
        (["--default", "customer_phone=9845012345"], "each lead has its own phone"),
        (["--default", "dial_code=91"], "each lead has its own phone"),
        (["--column", "Fone=customer_phone"], 'no column "Fone"'),
        (["--column", "Phone=customer_fone"], 'no field "customer_fone"'),
        (["--default", "stage=New"], 'no field "stage"'),
        (["--map", "none.toml"], "none.toml"),
        (["--preset", "hubspt"], "no preset"),
        (["--sheet", "2"], "--sheet"),
        (["--header-row", "99"], "--header-row"),
        (["--config", "none.toml"], "none.toml"),
        (["--encoding", "klingon"], "klingon"),
        (["--encoding", "idna"], "no sheet is written in idna. Common encodings are utf-8, utf-16,"),
        (["--encoding", "utf-16"], "the file is not in utf-16. Its first bytes show this."),
        (["--sheet", "a\udcff"], r"--sheet is not valid text: 'a\udcff'. Type it again."),
        (["--limit", "\ud800"], "--limit is not valid text"),
        (["--default", "city=\udcff"], "--default is not valid text"),
        (["--default", "\udcff=Pune"], "--default is not valid text"),
        (["--column", "\udcff=city"], "--column is not valid text"),
        (["--map", "\udcff.toml"], "--map is not valid text: '\\udcff.toml'. Rename the file."),
        (["--reports", "\ud800"], "--reports is not valid text"),
        (["--config", "\ud800"], "Cannot read the settings in"),
    ],
    ids=name_case,
)  # fmt: skip
def test_invalid_option_is_named(refused, importer, flags, words):
    assert words in refused(write_csv(importer.folder / "x.csv", GOOD), *flags)


def test_settings_file_with_an_unknown_key_is_rejected(refused, importer):
    (importer.folder / "importer.toml").write_text("rat = 5\n")
    assert "There is no option" in refused(write_csv(importer.folder / "x.csv", GOOD))


@pytest.mark.parametrize("name", ["map", "save", "reports", "sheet", "default"])
def test_settings_file_with_a_nul_character_is_rejected(refused, importer, name):
    value = '{city = "a\\u0000b"}' if name == "default" else '"a\\u0000b"'
    (importer.folder / "importer.toml").write_text(f"{name} = {value}\n")
    message = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert f'"{name}" in the settings file is not valid text: ' in message
    assert r"'a\x00b'" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a = " + "[" * 5000, "its brackets are nested too deeply"),
        ("a = " + "{a = " * 5000, "its brackets are nested too deeply"),
        ("limit = " + "9" * 5000, "integer string conversion"),
        ("#\n" * 2_200_000, "it is longer than 4 MB"),
    ],
    ids=["deep arrays", "deep tables", "long number", "long file"],
)
def test_hostile_settings_file_or_map_is_rejected(refused, importer, content, words):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    evil = importer.folder / "importer.toml"
    evil.write_text(content)
    assert words in refused(sheet)
    evil.rename(importer.folder / "m.toml")
    assert words in refused(sheet, "--config", "m.toml")
    assert words in refused(sheet, "--map", "m.toml")
    assert words in refused(sheet, "--preset", "m.toml")


@pytest.mark.parametrize("path", [r"C:\Users\asha\runs", r"D:\leads"])
def test_windows_path_in_double_quotes_gets_a_hint(refused, importer, path):
    """In double quotes, TOML reads a backslash as an escape."""
    (importer.folder / "importer.toml").write_text(f'reports = "{path}"\n')
    message = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert "(at line 1, column " in message
    assert r"put a text that contains \ between single quotes" in message


@pytest.mark.parametrize(
    "line", ["reports = shared", "reports = “shared”", "my reports = 1", "“reports” = 1"]
)
def test_text_without_straight_quotes_gets_a_hint(refused, importer, line):
    """Word processors turn straight quotes into curly ones."""
    (importer.folder / "importer.toml").write_text(f"{line}\n", "utf-8")
    assert "; put texts between straight quotes" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_numbers_in_the_settings_file_need_no_quotes(refused, importer):
    """`sheet = 2` is as good as `sheet = "2"`."""
    (importer.folder / "importer.toml").write_text("sheet = 2\n[default]\ndeal_value = 5\n")
    message = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert "sheet" in message
    assert "not 2" not in message


@pytest.mark.parametrize("name", ["column", "default"])
def test_text_in_place_of_a_table_gets_a_hint(refused, importer, name):
    """The hint shows the table to write."""
    (importer.folder / "importer.toml").write_text(f'{name} = "source=Trade fair"\n')
    message = refused(write_csv(importer.folder / "x.csv", GOOD))
    assert f"takes a table: [{name}] on a line of its own, then lines such as" in message


@pytest.mark.parametrize("option", ["config", "map", "preset"])
def test_settings_file_in_another_encoding_is_rejected(refused, importer, option):
    """Windows PowerShell writes UTF-16 with `>`."""
    (importer.folder / "m.toml").write_bytes('name = "gym"'.encode("utf-16"))
    message = refused(write_csv(importer.folder / "x.csv", GOOD), f"--{option}", "m.toml")
    assert "m.toml" in message
    assert "it is not a text file in UTF-8" in message


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_template_without_a_name_is_rejected(importer, name):
    result = importer("template", name)
    assert result.code == 2
    assert "does not end in .xlsx. Try: importer template leads.xlsx" in result.err


@pytest.mark.parametrize("command", ["check", "columns", "template"])
def test_error_of_the_operating_system_is_passed_on(importer, command):
    """For example a name that is too long, or a folder without access."""
    result = importer(command, "x" * 300 + ".xlsx")
    assert result.code == 2
    if sys.version_info >= (3, 14):  # there pathlib answers that no such file exists, as for any other name
        assert result.err.startswith(("importer: There is no file xxx", "importer: Cannot write xxx"))
        return
    assert result.err.startswith("importer: File name too long: xxx")
    assert "Nothing was sent. Check the name and your access rights." in result.err


def test_commands_in_a_removed_folder_say_so(importer, crm, tmp_path, monkeypatch):
    """Full paths work. For other names the sentence says why not, and none calls it an internal error."""
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
        result = importer(*command.split())
        assert result.code == 2
        assert "The folder that you are in was removed. Change to another folder." in result.err


def test_demo_without_a_writable_folder_is_rejected(importer):
    (importer.folder / "reports").write_text("a file, not a folder")
    result = importer("demo")
    assert result.code == 2
    assert "Cannot write to the folder reports: " in result.err
    assert "reports is a file, not a folder. Move it away" in result.err


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("inside", ["", "of/May"])
def test_file_in_place_of_the_reports_folder_is_named(importer, command, inside):
    """The sentence names the file, and mentions neither a full disk nor a run."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    (importer.folder / "taken").write_text("a file, not a folder")
    result = importer(command, sheet, "--yes", "--reports", importer.folder / "taken" / inside)
    assert result.code == 2
    assert (
        f"{importer.folder / 'taken'} is a file, not a folder. Move it away, or choose another folder with --reports."
        in result.err
    )
    assert "run's" not in result.err


def test_two_columns_for_one_field_are_rejected(refused, importer):
    sheet = write_csv(importer.folder / "x.csv", [["A", "B"], ["9845012345", "9845012346"]])
    assert "takes one column" in refused(
        sheet, "--column", "A=customer_phone", "--column", "B=customer_phone"
    )


def test_missing_key_is_rejected(refused, importer, monkeypatch):
    monkeypatch.delenv("SUPERFONE_API_KEY")
    assert 'export SUPERFONE_API_KEY="..."' in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_wrong_key_is_rejected(refused, importer, monkeypatch):
    monkeypatch.setenv("SUPERFONE_API_KEY", "wrong")
    assert "refused the API key" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_unreachable_host_is_reported(refused, importer, monkeypatch):
    monkeypatch.setenv("SUPERFONE_BASE_URL", "http://127.0.0.1:9/superfone")
    assert "cannot be reached" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_https_to_a_plain_http_server_is_reported(refused, importer, crm, monkeypatch):
    monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url.replace("http:", "https:"))
    assert "cannot be reached: the server at this address does not support HTTPS." in refused(
        write_csv(importer.folder / "x.csv", GOOD)
    )


def test_plain_http_to_another_machine_is_rejected(refused, importer, monkeypatch):
    monkeypatch.setenv("SUPERFONE_BASE_URL", "http://crm.example.in/superfone")
    assert "Use https" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_key_file_that_others_can_read_is_rejected(refused, importer, monkeypatch):
    monkeypatch.delenv("SUPERFONE_API_KEY")
    env = importer.folder / ".env"
    env.write_text("SUPERFONE_API_KEY=sandbox-key\n")
    env.chmod(0o644)
    assert "chmod 600" in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_private_key_file_is_used(importer, monkeypatch):
    monkeypatch.delenv("SUPERFONE_API_KEY")
    env = importer.folder / ".env"
    env.write_text("SUPERFONE_API_KEY=sandbox-key\n")
    env.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes").code == 0


def test_run_without_terminal_and_without_yes_is_rejected(importer, crm):
    result = importer("run", write_csv(importer.folder / "x.csv", GOOD))
    assert result.code == 2
    assert "--yes" in result.err
    assert leads(crm) == {}


def test_run_id_in_use_is_rejected(importer):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    assert importer("check", sheet, "--run-id", "mine").code == 0
    result = importer("check", sheet, "--run-id", "mine")
    assert result.code == 2
    assert "There is already a run mine" in result.err


@pytest.mark.parametrize("fails", [False, True], ids=["goes on", "fails"])
def test_second_command_with_the_same_run_id_changes_nothing(importer, monkeypatch, fails):
    """The other run may have created the folder in the meantime, and may be sending now."""

    def meanwhile(*arguments):
        monkeypatch.setattr("importer.pipeline.begin_run.fetch_account_titles", fetch_account_titles)
        assert (
            importer("run", write_csv(importer.folder / "other.csv", GOOD), "--yes", "--run-id", "r").code
            == 0
        )
        if fails:
            raise ServerUnavailableError("The CRM cannot be reached.")
        return fetch_account_titles(*arguments)

    monkeypatch.setattr("importer.pipeline.begin_run.fetch_account_titles", meanwhile)
    result = importer("check", write_csv(importer.folder / "x.csv", [*GOOD, *GOOD[1:]]), "--run-id", "r")
    assert result.code == 2
    assert fails or "There is already a run r in reports" in result.err
    listed = importer("runs").out
    assert "other.csv  finished" in listed
    assert importer("report", "r").code == 0


def test_login_page_of_a_hotel_network_is_reported(refused, importer, crm, monkeypatch):
    """The server answers HTML in place of JSON before anything was sent."""
    monkeypatch.setenv("SUPERFONE_BASE_URL", crm.page_url.rstrip("/"))
    assert "importer: " in refused(write_csv(importer.folder / "x.csv", GOOD))


def test_reports_folder_that_cannot_be_written_stops_the_run(importer, crm):
    (importer.folder / "reports").write_text("a file, not a folder")
    result = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    assert result.code == 2
    assert "Cannot write" in result.err
    assert leads(crm) == {}


@pytest.mark.parametrize("command", ["run", "resume", "purge"])
def test_full_disk_at_the_lock_is_reported_and_does_not_stop_purge(importer, crm, monkeypatch, command):
    """The lock is the first file that is written. purge, which frees space, must still work."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.REDIRECT))
    assert importer("run", sheet, "--yes", "--run-id", "r").code == 3

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    arguments = {"run": [sheet, "--yes"], "resume": ["r"], "purge": ["--older-than", "0h", "--yes"]}[command]
    result = importer(command, *arguments)
    if command == "purge":
        assert (result.code, result.err.strip()) == (0, "Deleted 1 run: r.")
    else:
        assert result.code == (3 if command == "resume" else 2)  # a run that was stopped stays so
        assert "Cannot write to the folder reports: No space left on device. Free some space" in result.err


def test_lock_file_in_use_at_the_end_does_not_fail_the_run(importer, crm, monkeypatch):
    """On Windows a file that is being read cannot be removed. The run must not say that nothing was sent."""
    unlink = Path.unlink

    def in_use(path, **options):
        if path.suffix == ".json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", in_use)
    assert importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes").code == 0
    assert len(leads(crm)) == 1


def test_internal_error_is_named_and_traced_with_v(importer, monkeypatch):
    """Any exception but an ImporterError is a bug, and -v shows where it is."""
    monkeypatch.setattr("importer.cli.run_commands.open_file", lambda *_: 1 / 0)
    result = importer("check", write_csv(importer.folder / "x.csv", GOOD), "-v")
    assert result.code == 2
    assert "ZeroDivisionError: division by zero" in result.err
    assert (
        "Internal error in importer (ZeroDivisionError). Your file is fine and nothing was sent."
        in result.err
    )


def test_v_prints_the_traceback_before_the_sentence(importer):
    result = importer("run", "nowhere.csv", "--yes", "-v")
    assert result.code == 2
    assert "Traceback" in result.err
    assert result.err.strip().splitlines()[-1].startswith("importer: There is no file")


@pytest.mark.parametrize("value", ["true", "1"])
def test_verbose_of_the_settings_file_prints_the_traceback(importer, value):
    """Every option of run is a key of that file."""
    (importer.folder / "importer.toml").write_text(f"verbose = {value}\n")
    result = importer("run", "nowhere.csv", "--yes")
    assert "Traceback" in result.err
    assert result.err.strip().splitlines()[-1].startswith("importer: There is no file")
    (importer.folder / "importer.toml").unlink()
    assert "Traceback" not in importer("run", "nowhere.csv", "--yes").err


def test_key_refused_while_sending_stops_the_run_resumable(importer, crm):
    """After a 401 the exit code is 3, the other rows stay pending, and the sentence says how to continue."""
    crm.sandbox.faults.restart(FaultPlan(at={2: InjectedFault.UNAUTHORIZED}))
    sheet = write_csv(importer.folder / "x.csv", [["Phone"], *[[f"98450123{n:02}"] for n in range(10)]])
    result = importer("run", sheet, "--yes", "--concurrency", "1", "--rate", "50")
    assert result.code == 3
    assert "importer resume" in result.err
    assert result.summary["counts"]["accepted"] == 1
    assert result.summary["counts"]["pending"] == 9


if os.name == "nt":
    pytestmark = pytest.mark.skip("modes of files are POSIX")
