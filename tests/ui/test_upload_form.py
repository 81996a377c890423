"""A file that is sent by a form, without a script: in pieces, behind its token, and under the same rules as one of the script."""

import pytest

from importer.ui import runs_screen
from tests.ui.browser import Browser

SHEET = b"Name,Mobile\r\nAsha Rao,98450 10001\r\n"
BOUNDARY = "----x"


def send(browser: Browser, body: bytes, kind: str = f"multipart/form-data; boundary={BOUNDARY}"):
    return browser.client.post(
        f"{browser.prefix}/upload", content=body, headers=browser.make_headers(**{"content-type": kind})
    )


def make_part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def make_form(token: str, content: bytes = SHEET, filename: str = "leads.csv") -> bytes:
    end = f"--{BOUNDARY}--\r\n".encode()
    return make_part("token", token.encode()) + make_part("file", content, filename) + end


def list_uploads(server):
    folder = server.workspace.reports / "preparing"
    return sorted(path.name for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


@pytest.mark.parametrize(
    "content",
    [SHEET, bytes(range(256)) * 1200 + b"\r\n--\r\n----x", b"\r\n" * 1000],
    ids=["a sheet", "any bytes", "line breaks"],
)
def test_bytes_of_the_file_arrive_as_they_are(browser, server, content):
    """Whatever is in them, also what looks like the end of the form."""
    answer = send(browser, make_form(browser.token, content))
    assert answer.status_code == 303
    run_id = answer.headers["location"].split("/")[-1]
    assert (server.workspace.reports / "preparing" / run_id / "leads.csv").read_bytes() == content


def test_file_goes_on_to_its_sheet_under_a_harmless_name(browser):
    browser.open(send(browser, make_form(browser.token, filename="../../a<b>.csv")).headers["location"])
    assert browser.path.endswith("/sheet")
    assert "98450 10001" in browser.main
    assert "../" not in browser.title


@pytest.mark.parametrize("token", ["", "wrong"])
def test_form_without_the_token_is_a_403_and_leaves_nothing(browser, server, token):
    assert send(browser, make_form(token)).status_code == 403
    assert list_uploads(server) == []


def test_file_that_is_too_large_or_empty_leaves_nothing(browser, server, monkeypatch):
    monkeypatch.setattr(runs_screen, "MAX_UPLOAD_BYTES", 1000)
    assert send(browser, make_form(browser.token, b"x" * 1001)).status_code == 400
    assert send(browser, make_form(browser.token, b"")).status_code == 400
    assert list_uploads(server) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"no form", f"multipart/form-data; boundary={BOUNDARY}"),
        (b"x", "multipart/form-data"),
        (b"token=1", "application/x-www-form-urlencoded"),
        (b"x", f"multipart/form-data; boundary={'y' * 5000}"),
    ],
)
def test_what_is_no_such_form_is_refused(browser, server, body, kind):
    assert send(browser, body, kind).status_code in (400, 403)
    assert list_uploads(server) == []
