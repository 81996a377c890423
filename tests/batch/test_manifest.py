"""The manifest: what it says, in which order its jobs come, and that no key in it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from importer.batch.key_reference import KeyPlace, KeyReference, parse_key_reference, read_key
from importer.batch.manifest import read_manifest
from importer.errors import MissingKeyError, UsageError
from tests.support import write_csv

CANARY = "sk-live-3fa2c1d09b8e"
ACCOUNT = '[accounts.acme]\nkey = "env:ACME_KEY"\n'
JOB = '[[jobs]]\naccount = "acme"\nfile = "a.csv"\n'


def read(folder, text, environ=None):
    path = folder / "manifest.toml"
    path.write_text(text, "utf-8")
    return read_manifest(path, Path("reports"), environ or {})


def test_job_has_options_of_its_own_its_account_and_all_jobs(tmp_path):
    """The nearest one wins. Paths are relative to the manifest."""
    manifest = read(
        tmp_path,
        '[defaults]\nduplicates = "first"\nregion = "AE"\ntimeout = 5\n'
        '[accounts.acme]\nkey = "env:ACME_KEY"\nregion = "IN"\nheader-row = 2\n'
        '[[jobs]]\naccount = "acme"\nfile = "a.csv"\nduplicates = "reject"\nmap = "maps/a.toml"\n',
    )
    (job,) = manifest.jobs
    assert (job.settings.duplicates, job.settings.region, job.settings.timeout) == ("reject", "IN", 5)
    assert (job.settings.header_row, job.settings.map) == (2, str(tmp_path / "maps" / "a.toml"))
    assert job.file == tmp_path / "a.csv"
    assert job.folder.parent == Path("reports/acme")


def test_pattern_is_sorted_by_name_and_run_ids_follow_from_the_manifest(tmp_path):
    """The same manifest makes the same runs, wherever its folder is."""
    ids = []
    for place in (tmp_path / "one", tmp_path / "two"):
        place.mkdir()
        for name in ("2026-11.csv", "2026-02.csv", "notes.txt", "2026-10.csv"):
            (place / name).write_text("Phone\n")
        manifest = read(place, f'{ACCOUNT}[[jobs]]\naccount = "acme"\nfile = "2026-*.csv"\n')
        assert [job.name for job in manifest.jobs] == ["2026-02.csv", "2026-10.csv", "2026-11.csv"]
        ids.append([job.run_id for job in manifest.jobs])
    assert ids[0] == ids[1]
    assert ids[0][0].startswith("2026-02-")


def test_pattern_leaves_out_reports_and_what_excel_keeps_beside_an_open_file(tmp_path, monkeypatch):
    """With `**` the reports of the first batch would be the sheets of the second."""
    monkeypatch.chdir(tmp_path)
    for name in ("acme/a.csv", "acme/~$a.csv", "reports/acme/a-1/results.csv", ".hidden.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Phone\n")
    for pattern in ("**/*.csv", str(tmp_path / "**" / "*.csv")):
        manifest = read(tmp_path, f'{ACCOUNT}[[jobs]]\naccount = "acme"\nfile = "{pattern}"\n')
        assert [job.file for job in manifest.jobs] == [tmp_path / "acme" / "a.csv"]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_jobs_can_be_a_table(tmp_path, suffix):
    """A person makes it in Excel: a row is a job, and an empty cell is no option."""
    rows = [
        ("Account", "File", "Duplicates", "Policy", "Changed"),
        ("acme", "a.csv", "", "city=fill; lead_stage_name=forward", "true"),
        ("acme", "b.csv", "first", "", ""),
    ]
    if suffix == ".csv":
        write_csv(tmp_path / "jobs.csv", rows)
    else:
        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / "jobs.xlsx")
    manifest = read(tmp_path, f'jobs = "jobs{suffix}"\n{ACCOUNT}')
    first, second = manifest.jobs
    assert first.settings.policy == {"city": "fill", "lead_stage_name": "forward"}
    assert first.settings.changed
    assert (second.settings.duplicates, second.settings.policy, second.settings.changed) == (
        "first",
        {},
        False,
    )


@pytest.mark.parametrize("key", [CANARY, f"Bearer {CANARY}", "env:", "vault:x", ""])
def test_text_that_is_no_reference_is_refused_and_not_shown(tmp_path, key):
    """It may be the key: then others may have read it."""
    with pytest.raises(UsageError, match="not a reference") as refused:
        read(tmp_path, f'[accounts.acme]\nkey = "{key}"\n{JOB}')
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ACCOUNT, "has no jobs"),
        (f"{ACCOUNT}{JOB}{JOB}", "is listed twice for acme"),
        (f"{ACCOUNT}{JOB}id = 'same'\n{JOB.replace('a.csv', 'b.csv')}id = 'Same'\n", "is listed twice for"),
        (f"{ACCOUNT}{JOB.replace('acme', 'acne')}", 'Job 1 of the manifest: the manifest has no account "acne"'),
        (f"{ACCOUNT}{JOB}regoin = 'AE'\n", "Job 1 of the manifest: There is no option .regoin"),
        (f"{ACCOUNT}{JOB}yes = true\n", "Job 1 of the manifest: yes cannot be set for a job"),
        (f"{ACCOUNT}{JOB}rate = 'fast'\n", "Job 1 of the manifest: --rate takes"),
        (f"{ACCOUNT}{JOB.replace('a.csv', '*.csv')}", "no file matches"),
        (f"{ACCOUNT}[[jobs]]\naccount = 'acme'\n", "no file matches"),
        (f'[accounts."a/b"]\nkey = "env:X"\n{JOB}', "cannot be the name of an account"),
        (f"{ACCOUNT}[accounts.Acme]\nkey = 'env:X'\n{JOB}", "one folder on Windows"),
        (f"[accounts.acme]\n{JOB}", "has no key"),
        (f"keys = 1\n{ACCOUNT}{JOB}", "unknown field"),
        (f"jobs = 'no.csv'\n{ACCOUNT}", "no.csv"),
        ("accounts = [", "cannot be read"),
        (f"{ACCOUNT}base_url = 'http://crm.example'\n{JOB}", "http"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(tmp_path, text, words):
    """Nothing is opened before the whole manifest makes sense."""
    with pytest.raises(UsageError, match=words):
        read(tmp_path, text)


def test_id_is_for_one_file(tmp_path):
    """The files of a pattern would be one run."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("Phone\n")
    with pytest.raises(UsageError, match="matches several"):
        read(tmp_path, f"{ACCOUNT}{JOB.replace('a.csv', '*.csv')}id = 'x'\n")


def test_address_of_the_environment_is_the_default(tmp_path):
    """As for all other commands."""
    environ = {"SUPERFONE_BASE_URL": "http://127.0.0.1:8000/superfone"}
    assert (
        read(tmp_path, f"{ACCOUNT}{JOB}", environ).accounts["acme"].base_url == environ["SUPERFONE_BASE_URL"]
    )


# --- keys


def test_key_is_read_from_its_place(tmp_path, monkeypatch):
    """From the environment, a file beside the manifest, or the keyring."""
    (tmp_path / "acme.key").write_text(f"{CANARY}\n")
    monkeypatch.setattr("importer.batch.key_reference.read_keyring", {"acme": CANARY}.get)
    for text in ("env:ACME_KEY", "file:acme.key", f"file:{tmp_path / 'acme.key'}", "keyring:acme"):
        reference = parse_key_reference(text)
        assert str(reference) == text
        assert read_key(reference, tmp_path, {"ACME_KEY": CANARY}).reveal() == CANARY


@pytest.mark.parametrize("name", ["~nosuchuser/key", "a\0b", "binary.key", ".", "x" * 5000])
def test_bad_path_of_a_key_is_a_missing_key(tmp_path, name):
    """It is what one account lacks, and no error of the batch."""
    (tmp_path / "binary.key").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MissingKeyError):
        read_key(KeyReference(KeyPlace.FILE, name), tmp_path, {})


@pytest.mark.parametrize(
    ("place", "environ"),
    [
        (KeyPlace.ENVIRONMENT, {}),
        (KeyPlace.ENVIRONMENT, {"missing": "  "}),
        (KeyPlace.FILE, {}),
        (KeyPlace.KEYRING, {}),
        (KeyPlace.ENVIRONMENT, {"missing": f"{CANARY} x"}),
    ],
)
def test_missing_key_says_what_to_do(tmp_path, monkeypatch, place, environ):
    """It names the place, and never what was found there."""
    monkeypatch.setattr("importer.batch.key_reference.read_keyring", lambda _: None)
    with pytest.raises(MissingKeyError, match="missing") as error:
        read_key(KeyReference(place, "missing"), tmp_path, environ)
    assert CANARY not in str(error.value)
