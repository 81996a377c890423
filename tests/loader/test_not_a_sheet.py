"""Tests for what people have in place of a sheet: each is named, with what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from importer.cli.run_commands import find_source
from importer.errors import UnreadableFileError
from importer.loader.formats.file_kind import FileKind, detect_file_kind
from importer.reader.scratch_dir import copy_to_private_file

GOOGLE_LINK = "https://docs.google.com/spreadsheets/d/1AbC/edit#gid=0"
ANDROID_CHAT = (
    "12/03/26, 10:15 am - Messages and calls are end-to-end encrypted.\n"
    "12/03/26, 10:16 am - +91 98450 12345: Is the flat free?\nPlease tell\n12/03/26, 10:17 am - Asha: Yes\n"
)
IPHONE_CHAT = "\u200e[12/03/2026, 10:15:02] Leads: \u200eYou created this group\n[12/03/2026, 10:16:40] ~ Ravi: 9845012346\n"


@pytest.mark.parametrize(
    ("link", "advice"), [(GOOGLE_LINK, "Microsoft Excel"), ("http://example.in/leads.csv", "in your browser")]
)
def test_link_in_place_of_a_file_says_how_to_download_it(tmp_path, link, advice):
    """At the command line and in the library, where Python has made a path of it."""
    for read in (lambda: find_source(link), lambda: copy_to_private_file(Path(link), tmp_path)):
        with pytest.raises(UnreadableFileError, match="This is a link") as refused:
            read()
        assert advice in refused.value.advice


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f'{{"url": "{GOOGLE_LINK}", "doc_id": "1AbC"}}', "a link to a Google sheet"),
        (f"[InternetShortcut]\r\nURL={GOOGLE_LINK}\r\n", "a link to a Google sheet"),
        (f"{GOOGLE_LINK}\n", "a link to a Google sheet"),
        (ANDROID_CHAT, "a WhatsApp chat"),
        (IPHONE_CHAT, "a WhatsApp chat"),
        (ANDROID_CHAT.replace(" am", "\u202fpm").replace("12/03/26", "2026-03-12"), "a WhatsApp chat"),
    ],
    ids=["gsheet", "url", "link alone", "Android", "iPhone", "other dates"],
)
def test_link_file_and_chat_are_named(tmp_path, content, expected):
    (tmp_path / "leads.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=expected) as refused:
        detect_file_kind(tmp_path / "leads.csv")
    assert refused.value.advice


@pytest.mark.parametrize("name", ["_chat.txt", "WhatsApp Chat with Leads.txt"])
def test_archive_of_a_chat_is_named(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "leads.zip", "w") as archive:
        archive.writestr(name, ANDROID_CHAT)
        archive.writestr("IMG-1.jpg", b"x")
    with pytest.raises(UnreadableFileError, match="a WhatsApp chat"):
        detect_file_kind(tmp_path / "leads.zip")


@pytest.mark.parametrize(
    "content",
    [
        "Date,Name,Phone\n12/03/26 10:15,Asha,9845012345\n12/03/26 10:16,Ravi,9845012346\n",
        "12/03/26 10:15,Asha - site,9845012345\n12/03/26 10:16,Ravi - site,9845012346\n",
        f"Link,Phone\n{GOOGLE_LINK},9845012345\n",
        "Name,Phone\nAsha,9845012345\n12/03/26, 10:15 - Ravi,9845012346\n12/03/26, 10:15 - Ravi,9845012346\n",
    ],
)
def test_sheet_with_times_or_links_is_a_sheet(tmp_path, content):
    (tmp_path / "leads.csv").write_text(content)
    assert detect_file_kind(tmp_path / "leads.csv") is FileKind.CSV
