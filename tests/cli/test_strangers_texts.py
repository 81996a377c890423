"""No text of a sheet, file name or server makes the terminal do anything, or reads backwards."""

import os
import re

import pytest

from importer.cli.console import print_line
from importer.errors import BlockedError
from tests.naughty import CONTROLS, TEXTS
from tests.support import write_csv

OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


@pytest.mark.parametrize("text", TEXTS)
def test_one_line_and_nothing_that_a_terminal_obeys(capsys, text):
    print_line(text)
    said = capsys.readouterr().out
    assert not OBEYED.search(said)
    assert said.count("\n") == 1


def test_words_are_left_as_they_are(capsys):
    """Hindi and families of emoji are written with joiners; Hebrew and Arabic run as their letters do."""
    words = ["क्\u200dष", "👩\u200d👩\u200d👧", "עברית", "نص", "₹1,20,000"]
    for word in words:
        print_line(word)
    assert capsys.readouterr().out.split("\n")[:-1] == words


def test_naughty_headers_cells_and_sheet(importer, crm):
    """Through the command: how the columns are read, what is left out, the commonest problems."""
    headers = ["Phone", *TEXTS]
    sheet = write_csv(importer.folder / "x.csv", [headers, ["12", *TEXTS], ["9845010001", *TEXTS]])
    for command in ("columns", "check"):
        ended = importer(command, sheet)
        assert ended.code in (0, 1), ended
        assert not OBEYED.search(ended.out + ended.err)
        assert "\x1b" not in ended.out + ended.err


@pytest.mark.skipif(os.name != "posix", reason="Windows takes no such names")
@pytest.mark.parametrize(
    "name", [text for text in CONTROLS if "\0" not in text and "/" not in text] + ["\udcff\udcfe"]
)
def test_naughty_file_names(importer, crm, name):
    """Also one whose bytes are no text at all; it is imported like any other."""
    path = importer.folder / f"a{name}.csv"
    write_csv(path, [["Phone"], ["9845010001"]])
    ended = importer("check", path)
    assert ended.code == 0, ended
    assert not OBEYED.search(ended.out + ended.err)
    assert not re.search(f"^{re.escape(path.name)}$", ended.out, re.MULTILINE)
    assert not OBEYED.search(importer("runs").out)
    assert not OBEYED.search(importer("check", f"no such {name}").err)


@pytest.mark.skipif(os.name != "posix", reason="Windows takes no such names")
def test_a_reports_folder_whose_name_is_no_text(importer, crm):
    """The page says what to type next, with the folder in it: it is written all the same, and so is the last line."""
    path = write_csv(importer.folder / "x.csv", [["Phone"], ["98450"], ["9845010001"]])
    ended = importer("run", path, "--yes", "--reports", "r\udcff")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1), ended
    (page,) = (importer.folder / "r\udcff").glob("*/report.html")
    assert "feed it back" in page.read_text("utf-8")


def test_a_naughty_server(importer, crm, monkeypatch):
    """What a server says is shown as one line of text."""
    from importer.sender.client import Client

    async def titles(self):
        raise BlockedError("The server says: \x1b]52;c;eA==\x07\nAll rows went in.\u202e")

    monkeypatch.setattr(Client, "fetch_titles", titles)
    ended = importer("check", write_csv(importer.folder / "x.csv", [["Phone"], ["9845010001"]]))
    assert ended.code == 2
    assert not OBEYED.search(ended.err)
    assert len(ended.err.splitlines()) == 1
