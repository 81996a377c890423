"""Tests for contacts: what phones and address books write is read, and no contact is left out in silence."""

from __future__ import annotations

import pytest

from importer.loader.formats.file_kind import FileKind, detect_file_kind
from tests.loader.table_texts import list_notices, list_rows, open_text

PHONE_EXPORT = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;=E0=A4=B8=E0=A5=81=E0=A4=A8=E0=A5=80=
=E0=A4=A4=E0=A4=BE;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E0=A4=B8=E0=A5=81=E0=A4=A8=E0=A5=80=
=E0=A4=A4=E0=A4=BE
TEL;HOME:080-22334455
TEL;CELL:+91 98450 12345
TEL;WORK;FAX:080-22334456
PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD
 AAIYAAAAAAQwAABtbnRyUkdC

END:VCARD
"""
ADDRESS_BOOK = """BEGIN:VCARD
VERSION:3.0
N:Rao;Asha;K.;Dr.;
FN:Dr. Asha K. Rao
ORG:Lake View Homes;Sales
TITLE:Manager
item1.TEL;type=CELL;type=pref:98450 12346
item1.X-ABLabel:Mobile
EMAIL;type=INTERNET:asha@example.in
EMAIL:rao@example.in
ADR;type=HOME:;;12 MG Road\\, Flat 3;Pune;MH;411001;India
URL:https://example.in
BDAY:1990-01-31
NOTE:Met at the fair\\, wants 2 BHK\\ncall in June
END:VCARD
"""
NEW_BOOK = (
    'BEGIN:VCARD\nVERSION:4.0\nFN:Meena\nTEL;VALUE=uri;TYPE="cell,voice":tel:+91-98450-12347\nEND:VCARD\n'
)


def read_cells(folder, text):
    """Return the filled cells of each contact by their header."""
    table = open_text(folder, text)
    return [
        {name: cell for name, cell in zip(table.headers, cells, strict=True) if cell}
        for _, cells, _ in list_rows(table)
    ]


def test_contacts_of_every_version_are_read(tmp_path):
    assert read_cells(tmp_path, PHONE_EXPORT + ADDRESS_BOOK + NEW_BOOK) == [
        {"Name": "सुनीता", "Phone": "+91 98450 12345", "Other Phones": "080-22334455", "Fax": "080-22334456"},
        {
            "Name": "Dr. Asha K. Rao", "Phone": "98450 12346", "Email": "asha@example.in, rao@example.in",
            "Company": "Lake View Homes, Sales", "Job Title": "Manager", "Address": "12 MG Road, Flat 3", "City": "Pune",
            "State": "MH", "PIN Code": "411001", "Country": "India", "Website": "https://example.in", "Birthday": "1990-01-31",
            "Notes": "Met at the fair, wants 2 BHK\ncall in June",
        },
        {"Name": "Meena", "Phone": "+91-98450-12347"},
    ]  # fmt: skip


def test_what_is_read_and_what_is_not_is_said(tmp_path):
    table = open_text(tmp_path, PHONE_EXPORT + NEW_BOOK)
    assert list_notices(table) == [
        "read: vCard file with 2 contacts (UTF-8 text). Each contact is a row.",
        "ignored: These details of contacts were not read: PHOTO.",
    ]
    assert table.headers == ("Name", "Phone", "Other Phones", "Fax")


def test_name_without_a_full_name_is_put_together(tmp_path):
    card = "BEGIN:VCARD\nVERSION:3.0\nN:Rao;Asha;;Dr.;\nTEL:9845012345\nEND:VCARD\n"
    assert read_cells(tmp_path, card) == [{"Name": "Dr. Asha Rao", "Phone": "9845012345"}]


@pytest.mark.parametrize(
    "card",
    [
        "BEGIN:VCARD\nVERSION:3.0\nFN:Ravi\na line without a colon\nTEL:9845012346\nEND:VCARD\n",
        "BEGIN:VCARD\nVERSION:3.0\nFN:Ravi\nTEL:9845012346\n",
        "Ravi 9845012346\n",
        "BEGIN:VCARD\nVERSION:3.0\nADR:1;2\nX;;;:\nFN:Ravi\nTEL 9845012346\nEND:VCARD\n",
    ],
    ids=["broken line", "no end", "text between", "broken phone"],
)
def test_contact_that_cannot_be_read_is_rejected_and_the_others_are_read(tmp_path, card):
    rows = list_rows(open_text(tmp_path, NEW_BOOK + card + ADDRESS_BOOK))
    assert [number for number, _, _ in rows] == [1, 2, 3]
    assert [codes for _, _, codes in rows] == [[], ["unreadable_contact"], []]
    assert "\ufffd" in "".join(rows[1][1])


def test_bytes_that_do_not_fit_reject_their_contact(tmp_path):
    content = (
        NEW_BOOK.encode()
        + ADDRESS_BOOK.replace("Lake", "L\xe4ke").encode("cp1252")
        + ("# " + "न" * 9).encode()
    )
    rows = list_rows(open_text(tmp_path, content))
    assert [codes for _, _, codes in rows][:2] == [[], ["undecodable"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_contacts_are_recognised_by_their_content(tmp_path, encoding):
    (tmp_path / "contacts.csv").write_bytes(("\n" + NEW_BOOK.lower()).encode(encoding))
    assert detect_file_kind(tmp_path / "contacts.csv") is FileKind.VCF
