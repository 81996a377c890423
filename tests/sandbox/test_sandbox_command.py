"""`importer sandbox` as people and scripts start it: its output, its page, its database, its end."""

import signal
import socket
import subprocess
import sys

import httpx
import pytest

from importer.cli.main import main
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox, serve


def started(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "importer", "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_prints_its_url_keeps_leads_and_stops_quietly(tmp_path, number):
    """Standard output is one line for scripts. Ctrl-C and SIGTERM stop it with code 0. Its file keeps the leads."""
    lead = {"customer_phone": "+919845000001", "create_customer_if_customer_phone_not_found": True, "city": "Pune"}  # fmt: skip
    for kept in (False, True):
        process, line = started("--db", str(tmp_path / "crm.sqlite"), "--api-key", "mine")
        base_url = line.removeprefix("LISTENING ").strip()
        assert line == f"LISTENING {base_url}\n"
        assert base_url.startswith("http://127.0.0.1:")
        assert base_url.endswith("/superfone")
        headers = {"x-api-key": "mine"}
        url = f"{base_url}/enterprise/api/lead"
        found = httpx.get(url, params={"phone": lead["customer_phone"]}, headers=headers)
        assert found.status_code == (200 if kept else 404)
        assert httpx.post(url, json=lead, headers=headers).status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert out == ""
        assert "Traceback" not in err
        assert f"SUPERFONE_BASE_URL={base_url} SUPERFONE_API_KEY=mine" in err
    assert [path.name for path in tmp_path.iterdir()] == ["crm.sqlite"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are raised")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_before_the_server_runs_stops_the_sandbox(number):
    """A script may stop the sandbox as soon as it has read its URL, when uvicorn does not listen for signals yet."""
    before = signal.getsignal(number)
    serve(SandboxOptions(), lambda _: signal.raise_signal(number))
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--port", "99999"],
            "--port takes a whole number from 0 to 65535, not '99999'. See importer sandbox --help.",
        ),
        (["--error-share", "2"], "--error-share takes a number from 0 to 1, not '2'."),
        (["--latency", "slow"], "--latency takes a number, 0 or more, not 'slow'."),
        (["--concurrency-limit", "1.5"], "--concurrency-limit takes a whole number, 0 or more, not '1.5'."),
        (["--seed", "x"], "--seed takes a whole number, not 'x'."),
        (["--db", "no/such/folder/crm.sqlite"], "unable to open database file. Name another file with --db."),
        (["--db", "sheet.csv"], "Cannot store the leads in sheet.csv: file is not a database."),
    ],
)
def test_invalid_sandbox_option_is_one_sentence(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sheet.csv").write_text("Phone\n9845012345\n" * 100)
    assert main(["sandbox", *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_port_in_use_is_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["sandbox", "--port", str(port)]) == 2
    assert capsys.readouterr().err == f"importer: Cannot listen on port {port}: Address already in use. Choose another --port.\n"  # fmt: skip


def test_page_shows_leads_notes_tasks_and_lists(crm):
    from tests.sandbox.conftest import API, PHONE

    body = {
        "customer_phone": PHONE, "deal_value": 1234567.5, "address": {"text": "12, 4th Cross", "latitude": 12.97, "longitude": 77.59},
        "assignee_user_phone": "+919845000101", "add_products": ["Shop, ground floor"], "email": ["asha@example.in"],
    }  # fmt: skip
    crm.post(f"{API}/lead", json=body)
    crm.post(f"{API}/lead/1/task", json={"type": "SITE_VISIT", "due_date": "2026-12-01"})
    page = crm.get("/").text
    for seen in (
        "1 lead, 1 note.", PHONE, "Asha", "₹12,34,567.50", "12, 4th Cross", "(12.97°, 77.59°)", "assigned to Kavya Nair", "Shop, ground floor",
        "asha@example.in", "first", "site visit, due 2026-12-01", "Stages", '<span class="chip off">Old enquiry</span>',
    ):  # fmt: skip
        assert seen in page, seen


@pytest.mark.parametrize(
    ("text", "found"),
    [("asha", 1), ("ASHA", 1), ("98450000", 1), ("walk-ins", 1), ("FIRST", 1), ("nobody", 0), ("first_name", 0), ("[", 0), ("शहर", 1)],
)  # fmt: skip
def test_search_covers_phones_fields_and_notes(crm, text, found):
    """It searches the values that people see, in any script, and not the names of fields."""
    from tests.sandbox.conftest import API, PHONE

    crm.post(f"{API}/lead", json={"customer_phone": PHONE, "city": "शहर"})
    page = crm.get("/", params={"text": text}).text
    assert f"{found} lead{'s' if found != 1 else ''} with “" in page


def test_page_is_paginated_and_its_copy_is_not(crm):
    from tests.sandbox.conftest import API

    for number in range(30):
        body = {
            "customer_phone": f"+9198450001{number:02}",
            "create_customer_if_customer_phone_not_found": True,
        }
        crm.post(f"{API}/lead", json=body)
    assert "page 1 of 2" in crm.get("/").text
    assert "+919845000129" in crm.get("/").text
    assert "+919845000101" in crm.get("/", params={"page": 9}).text
    copy = crm.get("/", params={"copy": ""}).text
    assert all(f"+9198450001{number:02}" in copy for number in range(30))
    assert "<form" not in copy
    assert "<a href" not in copy


def test_database_of_the_demo_is_one_file(tmp_path):
    """People move the file, so the leads must not be in a second one."""
    with run_sandbox(SandboxOptions(db=str(tmp_path / "crm.sqlite"))) as sandbox:
        sandbox.sandbox.store.save(None, "+919845000001", {}, "called")
    assert [path.name for path in tmp_path.iterdir()] == ["crm.sqlite"]
