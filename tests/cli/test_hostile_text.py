"""No text of a sheet, file name or server can control the terminal or reverse the text."""

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
def test_printed_text_is_one_line_without_control_characters(capsys, text):
    print_line(text)
    message = capsys.readouterr().out
    assert not OBEYED.search(message)
    assert message.count("\n") == 1


def test_words_of_every_script_are_printed_unchanged(capsys):
    """Hindi and some emoji need joiners. Hebrew and Arabic need no direction marks."""
    words = ["क्\u200dष", "👩\u200d👩\u200d👧", "עברית", "نص", "₹1,20,000"]
    for word in words:
        print_line(word)
    assert capsys.readouterr().out.split("\n")[:-1] == words


def test_hostile_headers_and_cells_cannot_control_the_terminal(importer, crm):
    """Columns, left out columns and problems are printed without control characters."""
    headers = ["Phone", *TEXTS]
    sheet = write_csv(importer.folder / "x.csv", [headers, ["12", *TEXTS], ["9845010001", *TEXTS]])
    for command in ("columns", "check"):
        result = importer(command, sheet)
        assert result.code in (0, 1), result
        assert not OBEYED.search(result.out + result.err)
        assert "\x1b" not in result.out + result.err


@pytest.mark.skipif(os.name != "posix", reason="Windows takes no such names")
@pytest.mark.parametrize(
    "name", [text for text in CONTROLS if "\0" not in text and "/" not in text] + ["\udcff\udcfe"]
)
def test_hostile_file_names_cannot_control_the_terminal(importer, crm, name):
    """A file with such a name, even an undecodable one, is imported like any other."""
    path = importer.folder / f"a{name}.csv"
    write_csv(path, [["Phone"], ["9845010001"]])
    result = importer("check", path)
    assert result.code == 0, result
    assert not OBEYED.search(result.out + result.err)
    assert not re.search(f"^{re.escape(path.name)}$", result.out, re.MULTILINE)
    assert not OBEYED.search(importer("runs").out)
    assert not OBEYED.search(importer("check", f"no such {name}").err)


@pytest.mark.skipif(os.name != "posix", reason="Windows takes no such names")
def test_reports_folder_with_an_undecodable_name_works(importer, crm):
    """The report page and the last line are written although the command on them has the folder's name."""
    path = write_csv(importer.folder / "x.csv", [["Phone"], ["98450"], ["9845010001"]])
    result = importer("run", path, "--yes", "--reports", "r\udcff")
    assert (result.code, len(result.err.splitlines())) == (1, 1), result
    (page,) = (importer.folder / "r\udcff").glob("*/report.html")
    assert "import it again" in page.read_text("utf-8")


def test_hostile_server_message_is_one_line(importer, crm, monkeypatch):
    """The message of a server is printed as one line of text."""
    from importer.sender.client import Client

    async def titles(self):
        raise BlockedError("The server says: \x1b]52;c;eA==\x07\nAll rows went in.\u202e")

    monkeypatch.setattr(Client, "fetch_titles", titles)
    result = importer("check", write_csv(importer.folder / "x.csv", [["Phone"], ["9845010001"]]))
    assert result.code == 2
    assert not OBEYED.search(result.err)
    assert len(result.err.splitlines()) == 1
