"""Makes the samples that are not plain text: python samples/make_workbooks.py (people and numbers are invented)."""

from __future__ import annotations

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


if __name__ == "__main__":
    event_signups()
