"""The command ui by itself. Its page is tested in tests/ui, in a browser in tests/desktop."""

import socket

import pytest

from importer.ui import local_server


@pytest.fixture
def served(monkeypatch):
    """Do not answer requests: announce the address, and return what would have been served."""
    pages = []

    def announce_only(page, *, announce, say):
        pages.append(page)
        announce()
        page.listener.close()

    monkeypatch.setattr(local_server, "serve", announce_only)
    return pages


def test_it_prints_an_address_that_opens_the_page_once(importer, served):
    result = importer("ui", "--no-browser")
    assert result.code == 0
    assert result.out.startswith("Open this link in your browser: http://127.0.0.1:")
    assert "works once" in result.err
    assert served[0].start == "/"


def test_the_browser_is_opened(importer, served, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    result = importer("ui")
    assert result.out == f"importer is open in your browser: {opened[0]}\n"


def test_a_file_is_where_it_begins(importer, served):
    """The file stays where it is; its preparation names it."""
    (importer.folder / "leads.csv").write_text("Phone\n9845010001\n")
    assert importer("ui", "leads.csv", "--no-browser", "--practice").code == 0
    workspace = served[0].workspace
    (prepared,) = workspace.preparations.list_all()
    assert served[0].start == f"/runs/{prepared.run_id}"
    assert (prepared.file, prepared.is_practice) == ("leads.csv", True)
    assert prepared.path == str(importer.folder / "leads.csv")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-"], "reads a file, not standard input"),
        (["nothing.csv"], "nothing.csv"),
        (["--port", "70000"], "--port"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(importer, served, arguments, sentence):
    result = importer("ui", "--no-browser", *arguments)
    assert (result.code, served) == (2, [])
    assert sentence in result.err
    assert not (importer.reports / "preparing").exists()


def test_a_port_in_use_is_a_sentence(importer, served):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = importer("ui", "--no-browser", "--port", other.getsockname()[1])
    assert (result.code, served) == (2, [])
    assert "Another program may use it." in result.err
