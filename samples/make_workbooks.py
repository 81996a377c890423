"""Makes the samples that are not plain text: python samples/make_workbooks.py (people and numbers are invented).

The old .xls and the .ods are saved by LibreOffice, which must be installed; the others need openpyxl alone.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from itertools import cycle
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font

HERE = Path(__file__).parent

HEADER = (
    "S. No.", "Name", "Contact No.", "Alt No.", "E-mail Id", "Interested In", "Budget", "Status", "Tags", "Group",
    "Place", "Remarks",
)  # fmt: skip
FIRST = ("Asha", "Ravi", "Meena", "Imran", "Lakshmi", "Joseph", "Harpreet", "Divya", "Suresh", "Fatima")
LAST = ("Rao", "Kumar", "Iyer", "Khan", "Menon", "D'Souza", "Singh", "Shetty", "Patil", "Sheikh")
PRODUCTS = (
    "2 BHK flat",
    "3 BHK flat",
    "Villa plot",
    "Home loan",
    "2 BHK flat, Home loan",
    "Shop, ground floor",
)
BUDGETS = ("45 Lakh", "₹62,50,000/-", "Rs. 80,00,000", "1.2 Cr", "55L", "", "7500000", "₹ 95 lakhs")
STAGES = ("Interested", "Hot lead", "warm lead", "Site visit planned", "New", "CONTACTED", "Call back later")
TAGS = ("Expo visitor", "Expo visitor, VIP", "", "Parking, two cars", "Expo visitor")
PLACES = ("Whitefield", "Jayanagar", "Mysuru", "Hosur", "Yelahanka")

ODD: dict[int, dict[str, object]] = {
    3: {"Contact No.": "098450 12003"},
    4: {"Contact No.": "+91-98450-12004"},
    5: {"Contact No.": 919845012005},
    6: {"Contact No.": "98450 12006 / 080-22233344", "Remarks": "Call after 6 pm"},
    8: {"Status": "Warm led"},
    9: {"Status": "Warm led", "Remarks": "Wants a corner flat"},
    11: {"Contact No.": "9.84501E+09"},
    13: {"Contact No.": "98450"},
    14: {"Name": "Dr. Nandini K. Murthy", "Contact No.": "00919845012014"},
    16: {"Status": "Follow up"},
    18: {"E-mail Id": "ravi.kumar@example"},
    19: {"E-mail Id": "n/a", "Alt No.": "-"},
    21: {"Contact No.": "+971 50 123 4567", "Place": "Dubai"},
    23: {"Status": "Old enquiry"},
    25: {"Contact No.": "98450 12002", "Budget": "70 Lakh", "Remarks": "Came back on Sunday"},
    27: {"Group": "Festival offer"},
    29: {"Contact No.": "", "Alt No.": "98450 12029"},
    31: {"Contact No.": ""},
    33: {"Budget": "45-50 lakh"},
    35: {"Contact No.": "९८४५०१२०३५", "Name": "सुनीता देशपांडे"},
    38: {"Contact No.": "WhatsApp: 98450 12038", "Remarks": "Prefers WhatsApp"},
    40: {"Contact No.": "98450\u00a012040"},
    42: {"Interested In": "Row house"},
    44: {"Contact No.": 9845012007, "Remarks": "Same person as S. No. 7, now with spouse"},
    47: {"Tags": "Expo visiter"},
    50: {"Contact No.": "98450-12050, 98860-12050", "Budget": "1.5 Crore only"},
    53: {"Name": '=HYPERLINK("http://example.com")', "Contact No.": 9845012053},
    56: {"Interested In": "Villa plot; Shop, ground floor"},
}  # fmt: skip


def event_signups() -> None:
    """A sign-up sheet as a stall brings it home: titles above, blank rows between, a total below."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Visitors"
    sheet["A1"] = "Bengaluru Property Expo 2026: visitors of stall 14"
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.merge_cells("A1:L1")
    sheet["A2"] = "20 to 22 November 2026, Palace Grounds"
    sheet.merge_cells("A2:F2")
    sheet.append([])
    sheet.append(HEADER)
    people = zip(cycle(FIRST), cycle(LAST[3:] + LAST[:3] + ("",)), strict=False)
    for number in range(1, 65):
        first, last = next(people)
        if number in (21, 43):
            sheet.append([])
        row: dict[str, object] = {
            "S. No.": number,
            "Name": f"{first} {last}".strip(),
            "Contact No.": 9845012000 + number,
            "Alt No.": f"080 4112 {2000 + number}" if number % 9 == 0 else "",
            "E-mail Id": f"{first}.{number}@example.in".lower() if number % 3 else "",
            "Interested In": PRODUCTS[number % len(PRODUCTS)],
            "Budget": BUDGETS[number % len(BUDGETS)],
            "Status": STAGES[number % len(STAGES)],
            "Tags": TAGS[number % len(TAGS)],
            "Group": "Bengaluru Expo 2026",
            "Place": PLACES[number % len(PLACES)],
            "Remarks": "Asked for the price list" if number % 7 == 0 else "",
            **ODD.get(number, {}),
        }
        sheet.append([None if row[name] == "" else row[name] for name in HEADER])
        if number == 53:  # a text that only looks like a formula: Excel keeps it as text with a quote prefix
            cell = sheet.cell(sheet.max_row, 2)
            cell.data_type = "s"
    sheet.append([])
    sheet.append(["Total", "64 visitors"])
    for letter, width in zip("ABCDEFGHIJKL", (7, 24, 28, 18, 28, 26, 16, 18, 20, 22, 14, 34), strict=True):
        sheet.column_dimensions[letter].width = width
    notes = book.create_sheet("Price list")
    notes.append(["Flat", "From"])
    notes.append(["2 BHK flat", "45 lakh"])
    book.save(HERE / "event_signups.xlsx")


DEALERS = (
    (1, "Annapurna Paints", "Ramesh Hebbar", 9845043001, "080-2235 5342", "Mysuru", "₹2.5L", "Interested", "Wants a counter display"),
    (2, "Balaji Hardware", "S. Balaji", "0 98450 43002", "", "Hosur", "1.5 Lakh", "Hot lead", ""),
    (3, "City Sanitary", "Imtiaz Khan", "+91-98450-43003", "98450 43903", "Tumakuru", "Rs. 1,20,000/-", "New", "Pays in 30 days"),
    (4, "Deccan Tiles", "Latha Gowda", "0091 98450 43004", "", "Hubballi", "10k", "CONTACTED", ""),
    (5, "Eshwar Traders", "Eshwar", "98450 43005 / 98450 43915", "", "Davanagere", "2 Cr", "warm lead", "Two shops, one owner"),
    (6, "Friends Electricals", "Joseph D'Souza", 919845043006, "", "Mangaluru", "", "Negotiation", ""),
    (7, "Ganesh & Co", "Ganesh Pai", "98450 43007", "N/A", "Udupi", "-", "Call back later", ""),
    (8, "Hind Cement Depot", "Farida Begum", "98450 4300", "", "Ballari", "3L", "Interested", ""),
    (9, "Indira Glass", "Indira", 9845043009, "", "Shivamogga", "75000", "Follow-up", "Visit again"),
    (10, "Jyoti Plywood", "Jyoti Kamath", "91 98450 43010", "0824 2440123", "Mangaluru", "₹ 4,50,000", "Interested", ""),
    (11, "Kaveri Pumps", "Mahesh Kumar", 9845043011, "", "Mandya", "90 K", "Won", ""),
    (12, "Lotus Interiors", "Nisha Shetty", "", "98450 43012", "Bengaluru", "5 lakhs", "Site visit done", "Number of the shop"),
)  # fmt: skip
WALK_INS = (
    ("राजेश शर्मा", "९८४५०४४००१", "इंदौर", "दो कमरों का घर चाहिए"),
    ("सुनीता वर्मा", 9845044002, "भोपाल", ""),
    ("Iqbal Qureshi", "98450-44003", "Ujjain", "शाम को फ़ोन करें"),
    ("मीना पाटिल", "+91 98450 44004", "नाशिक", ""),
    ("Joseph", "+91 98450 44005", "", "Came with his brother"),
    ("कविता", "98450", "इंदौर", "अधूरा नंबर"),
    ("Baldev Singh", "0 98450 44007", "Amritsar", ""),
    ("Asma", "98450\u00a044008", "Hyderabad", ""),
    ("विनोद जैन", "098450 44009", "जयपुर", "बजट 40 लाख"),
    ("Lakshmi Iyer", 9845044010, "Chennai", ""),
    ("Peter", "WhatsApp: 98450 44011", "Goa", ""),
    ("राजेश शर्मा", 9845044001, "इंदौर", "फिर आए, पत्नी के साथ"),
)


def dealer_visits() -> None:
    """A sheet that somebody has kept for years in an old .xls: a merged title above, a total below, amounts in lakh."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Visits"
    sheet["A1"] = "Dealer visits, October 2026"
    sheet.merge_cells("A1:J1")
    sheet.append([])
    sheet.append(
        [
            "S. No.",
            "Firm Name",
            "Contact Person",
            "Mob.",
            "Alternate Mobile",
            "Place",
            "Budget",
            "Status",
            "Remarks",
        ]
    )
    for row in DEALERS:
        sheet.append([None if cell == "" else cell for cell in row])
    sheet.append([])
    sheet.append(["Total", "12 dealers"])
    _save_by_office(book, "dealer-visits.xls")


def walk_ins() -> None:
    """A register in Hindi, kept in LibreOffice."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "रजिस्टर"
    sheet.append(["नाम", "मोबाइल नंबर", "शहर", "टिप्पणी"])
    for row in WALK_INS:
        sheet.append([None if cell == "" else cell for cell in row])
    _save_by_office(book, "walk-ins.ods")


def _save_by_office(book: Workbook, name: str) -> None:
    """Save a workbook in a format that only an office program writes."""
    stem, kind = name.rsplit(".", 1)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{stem}.xlsx"
        book.save(source)
        subprocess.run(  # noqa: S603 - our own file, our own words
            [shutil.which("soffice") or "soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless",
             "--convert-to", kind, "--outdir", folder, str(source)],
            check=True, capture_output=True, timeout=180,
        )  # fmt: skip
        shutil.copyfile(Path(folder) / name, HERE / name)


if __name__ == "__main__":
    event_signups()
    dealer_visits()
    walk_ins()
