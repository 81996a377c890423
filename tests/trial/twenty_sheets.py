"""The twenty sheets of the first trial, made anew: the same difficulties, with other people and other numbers.

What each sheet tests stands above it. What a careful assistant would take from each row stands beside the row.
"""

from __future__ import annotations

from datetime import date, timedelta

from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from tests.trial.people import (
    ExpectedLead,
    Person,
    TrialSheet,
    make_people,
    write_csv_text,
    write_text,
    write_workbook,
)


def _get_date(index: int) -> date:
    return date(2026, 11, 2) + timedelta(days=index)


def _expect(people: list[Person], source: str = "") -> list[ExpectedLead]:
    return [ExpectedLead(person.e164, person.name, source) for person in people]


def _make_visit_register() -> TrialSheet:
    """01: coloured rows, a title of two rows, headers in Hinglish, budgets such as `70-75L`, two numbers in a cell."""
    people = make_people(0, 16)
    budgets = ["70-75L", "62 L", "1.3 Cr", "40-50", "55", "35L se 40L tak", "1 Cr+", "upto 65L"]
    rows: list[list[object]] = [
        ['OM SAI REALTY - "LOTUS COURT" PHASE I'],
        ["Visitor Register - November 2026   (Office: 020-24451234)"],
        [],
        ["Sr.No", "Visit Date", "Customer Ka Naam", "Mobile No. / Alternate", "Budget (Lakh)", "Requirement",
         "Location Preferred", "Hot/Warm/Cold", "Attended By", "Next F/up Date", "Source", "Remarks"],
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        phone: object = person.phone
        if index == 2:
            phone = f"{person.phone} / 98926{index:05}"
        elif index == 3:
            phone = int(person.phone)
        elif index == 4:
            phone = f"{person.phone}\n98926{index:05} (wife)"
        heat, source = (
            ("Hot", "Warm", "Cold")[index % 3],
            ("MagicBricks", "Walk in", "Banner", "Ref - Mr Sane")[index % 4],
        )
        place = ("Baner", "Wakad", "Kothrud")[index % 3]
        name = f"Mrs. {person.name}" if index % 5 == 0 else person.name
        visited: object = _get_date(index) if index % 2 else f"{index + 2:02}.11.26"
        follow_up: object = "Diwali ke baad call" if index % 4 == 0 else _get_date(index + 5)
        rows.append([index + 1, visited, name, phone, budgets[index % len(budgets)], "2 BHK", place, heat,
                     ("Rohit", "Kavya", "Self")[index % 3], follow_up, source, ("Loan chahiye", None)[index % 2]])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, source, (place, "2 BHK")))

    def finish(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:L1")
        sheet.merge_cells("A2:L2")
        for row in range(5, 21, 3):
            for cell in sheet[row]:
                cell.fill = PatternFill("solid", fgColor="FFFF00")

    return TrialSheet(
        "01_visit_register.xlsx",
        write_workbook({"Nov visits": rows}, finish),
        leads,
        {'"Hot"': "Hot lead", '"Warm"': "Warm lead", '"Cold"': "-"},
    )


def _make_hindi_list() -> TrialSheet:
    """02: headers and digits in Hindi."""
    names = ["सुनील वाघमारे", "रेखा चौधरी", "इमरान अंसारी", "गीता यादव", "मोहन दुबे", "पूजा राठौर"]
    people = make_people(30, len(names))
    digits = str.maketrans("0123456789", "०१२३४५६७८९")
    rows: list[list[object]] = [["क्र.", "नाम", "मोबाइल नंबर", "शहर", "टिप्पणी"]]
    for index, (name, person) in enumerate(zip(names, people, strict=True)):
        phone = person.phone.translate(digits) if index % 2 else person.phone
        rows.append([index + 1, name, phone, ("नागपुर", "इंदौर")[index % 2], "शाम को फोन करें"])
    leads = [ExpectedLead(p.e164, name, texts=("शाम",)) for name, p in zip(names, people, strict=True)]
    return TrialSheet("02_hindi.csv", write_csv_text(rows), leads)


def _make_stacked_tables() -> TrialSheet:
    """03a: a second table below the first, with its own title and another order of columns."""
    walk_ins, calls = make_people(40, 9), make_people(50, 7)
    rows: list[list[object]] = [["WALK-IN CUSTOMERS"], ["Name", "Mobile", "City", "Remarks"]]
    rows += [[p.name, p.phone, "Satara", "" if i % 2 else "call sunday"] for i, p in enumerate(walk_ins)]
    rows += [[], [], ["PHONE ENQUIRIES"], ["Date", "Contact No", "Caller Name", "Project"]]
    rows += [[_get_date(i), p.phone, p.name, "Lotus Court"] for i, p in enumerate(calls)]
    leads = [ExpectedLead(p.e164, p.name, texts=("Satara",)) for p in walk_ins]
    leads += [ExpectedLead(p.e164, p.name, texts=("Lotus Court",)) for p in calls]
    return TrialSheet("03a_two_tables_stacked.xlsx", write_workbook({"Enquiries": rows}), leads)


def _make_tables_beside() -> TrialSheet:
    """03b: two tables beside each other."""
    left, right = make_people(60, 8), make_people(70, 8)
    rows: list[list[object]] = [["Name", "Mobile", "City", None, "Name", "Mobile", "City"]]
    rows += [
        [a.name, a.phone, "Nashik", None, b.name, b.phone, "Solapur"]
        for a, b in zip(left, right, strict=True)
    ]
    return TrialSheet(
        "03b_two_tables_beside.xlsx", write_workbook({"Sheet1": rows}), _expect(left) + _expect(right)
    )


def _make_name_and_phone() -> TrialSheet:
    """04: name and phone in one cell, in every way that people write them."""
    people = make_people(80, 14)
    ways = [
        "Mr. {name} / {phone}", "{name} - {phone}", "{name} {phone}", "{phone} {name}", "{name} ({phone})",
        "{name}, {phone}", "Mrs {name} mob {phone}", "{name}\n{phone}", "Smt. {name}: {phone}",
    ]  # fmt: skip
    rows: list[list[object]] = [["Sl", "Customer", "Interested in", "Amt", "Follow up"]]
    for index, person in enumerate(people):
        cell = ways[index % len(ways)].format(name=person.name, phone=person.phone)
        rows.append(
            [index + 1, cell, ("3 BHK flat", "Villa plot")[index % 2], ("40L", None)[index % 2], "kal"]
        )
    return TrialSheet("04_name_and_phone.xlsx", write_workbook({"Sheet1": rows}), _expect(people))


def _make_admissions() -> TrialSheet:
    """05: a merged header of two lines; the parents' phones, of which one may be empty."""
    people = make_people(100, 12)
    rows: list[list[object]] = [
        ["GURUKUL ACADEMY - ENQUIRIES 2026-27"],
        ["S.No", "Student", None, "Parents", None, None, None, "Class", "Course", "Fees Quoted", "Counsellor", "Next Call"],
        [None, "Name", "DOB", "Father Name", "Father Mob", "Mother Name", "Mother Mob"],
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        father = None if index % 3 == 0 else person.phone
        mother = person.phone if index % 3 == 0 else f"98927{index:05}"
        rows.append([index + 1, person.name, date(2010, 1 + index % 12, 5), "Hari Om", father, "Sita Devi", mother,
                     ("XI", "XII")[index % 2], "NEET", ("95,000/-", "1.1 L")[index % 2], "Kavya Nair", _get_date(index)])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=("NEET",)))

    def finish(sheet: Worksheet) -> None:
        for area in ("A1:L1", "B2:C2", "D2:G2"):
            sheet.merge_cells(area)

    return TrialSheet("05_admissions.xlsx", write_workbook({"Admissions": rows}, finish), leads)


def _make_numbered_message() -> TrialSheet:
    """06a: a numbered list from a message."""
    people = make_people(120, 8)
    text = "".join(f"{i}. {p.name} {p.phone}\n" for i, p in enumerate(people, 1))
    return TrialSheet("06a_numbered.txt", write_text(text), _expect(people))


def _make_list_with_places() -> TrialSheet:
    """06b: a pasted list with name, phone and place between dashes."""
    people = make_people(130, 10)
    text = "".join(f"{p.name} - {p.phone} - {('Aundh', 'Hadapsar')[i % 2]}\n" for i, p in enumerate(people))
    return TrialSheet("06b_with_places.txt", write_text(text), _expect(people))


def _make_mixed_lines() -> TrialSheet:
    """06c: lines of name and phone, now the one first, now the other."""
    people = make_people(145, 10)
    text = "".join(
        f"{p.phone} {p.name}\n" if i % 2 else f"{p.name} - {p.phone}\n" for i, p in enumerate(people)
    )
    return TrialSheet("06c_mixed_lines.txt", write_text(text), _expect(people))


def _make_debtors() -> TrialSheet:
    """07: a list of debtors from an accounting program: the party is called Particulars, and a total ends the list."""
    people = make_people(160, 10)
    firms = [
        f"{p.name.split()[1]} {kind}" for p, kind in zip(people, ("Traders", "Agencies") * 5, strict=True)
    ]
    rows: list[list[object]] = [
        ["Mahalaxmi Distributors"], ["Sundry Debtors"], ["1-Apr-26 to 30-Nov-26"], [],
        ["Particulars", "Mobile No.", "Place", "Closing Balance"],
    ]  # fmt: skip
    rows += [
        [firm, p.phone, ("Sangli", "Miraj")[i % 2], f"{12500 + i * 310}.00 Dr"]
        for i, (firm, p) in enumerate(zip(firms, people, strict=True))
    ]
    rows.append(["Grand Total", None, None, "1,38,950.00 Dr"])
    leads = [ExpectedLead(p.e164, firm) for firm, p in zip(firms, people, strict=True)]
    return TrialSheet("07_debtors.xlsx", write_workbook({"Debtors": rows}), leads)


def _make_indiamart() -> TrialSheet:
    """08a: the export of a seller's panel: products that the account does not have, messages, quantities."""
    people = make_people(180, 8)
    header = ["QUERY_ID", "SENDER_NAME", "SENDER_MOBILE", "SENDER_EMAIL", "SENDER_CITY", "QUERY_PRODUCT_NAME",
              "QUERY_MESSAGE", "QUANTITY", "QUERY_TIME"]  # fmt: skip
    rows: list[list[object]] = [header]
    rows += [
        [2700 + i, p.name, f"+91-{p.phone}", "", "Rajkot", "Submersible Pump", f"Need {i + 2} pumps urgently", f"{i + 2} Piece", str(_get_date(i))]
        for i, p in enumerate(people)
    ]  # fmt: skip
    leads = [
        ExpectedLead(p.e164, p.name, texts=("Submersible Pump", f"Need {i + 2} pumps"))
        for i, p in enumerate(people)
    ]
    return TrialSheet("08a_indiamart_panel.csv", write_csv_text(rows), leads, {"Submersible": "-"})


def _make_justdial() -> TrialSheet:
    """08b: a Justdial export."""
    people = make_people(190, 6)
    header = ["leadid", "leadtype", "prefix", "name", "mobile", "phone", "email", "date", "category", "city", "area",
              "brancharea", "dncmobile", "dncphone", "company", "pincode", "time", "branchpin", "parentid"]  # fmt: skip
    rows: list[list[object]] = [header]
    rows += [
        [f"JD7{i:04}", "category", "Mr", p.name, p.phone, "", "", "2026-11-04", "Interior Designers", "Pune", "Karve Road",
         "Deccan", 0, 0, "", "411004", "10:20:00", "411004", "PX1"]
        for i, p in enumerate(people)
    ]  # fmt: skip
    return TrialSheet("08b_justdial.csv", write_csv_text(rows), _expect(people, "Justdial"))


def _make_portal() -> TrialSheet:
    """08c: a property portal whose headers no preset knows."""
    people = make_people(200, 8)
    rows: list[list[object]] = [
        ["Response Date", "Responder Name", "Contact Number", "Email", "Project Name", "Locality", "Query"]
    ]
    rows += [
        [f"{i + 3}-Nov-2026", p.name, f"+91 {p.phone}", "", "Lotus Court", "Baner", "Please share brochure"]
        for i, p in enumerate(people)
    ]
    leads = [ExpectedLead(p.e164, p.name, texts=("Lotus Court", "brochure")) for p in people]
    return TrialSheet("08c_portal.csv", write_csv_text(rows), leads, {"Lotus Court": "-"})


def _make_google_form() -> TrialSheet:
    """09: a Google form that asks for `Your Good Name`."""
    people = make_people(210, 9)
    rows: list[list[object]] = [
        ["Timestamp", "Your Good Name", "WhatsApp Number (10 digit)", "Email (optional)", "Which batch suits you?",
         "Approx budget", "How did you hear about us?", "Kuch aur batana hai?"]
    ]  # fmt: skip
    rows += [
        [f"2026/11/{i + 1:02} 5:02:00 PM GMT+5:30", p.name, ("91", "+91 ", "")[i % 3] + p.phone, "", "Weekend",
         ("Not sure", "20k - 30k")[i % 2], "Instagram", "Hostel milega?"]
        for i, p in enumerate(people)
    ]  # fmt: skip
    leads = [ExpectedLead(p.e164, p.name, "Instagram", ("Weekend", "Hostel")) for p in people]
    return TrialSheet("09_google_form.csv", write_csv_text(rows), leads)


def _make_zoho() -> TrialSheet:
    """10a: an export of Zoho CRM."""
    people = make_people(220, 6)
    header = ["Record Id", "Lead Owner.id", "Lead Owner", "Lead Name", "First Name", "Last Name", "Company", "Email",
              "Phone", "Mobile", "Lead Source", "Lead Status", "Rating", "City", "Description", "Created Time"]  # fmt: skip
    rows: list[list[object]] = [header]
    rows += [
        [f"zcrm_71{i:04}", "zcrm_9", "Kavya Nair", p.name, *p.name.split(), "", "", "", p.phone, "Advertisement", "Contacted", "-None-",
         "Kolhapur", "asked for rates", "2026-02-01 10:05:33"]
        for i, p in enumerate(people)
    ]  # fmt: skip
    return TrialSheet("10a_zoho.csv", write_csv_text(rows), _expect(people, "Advertisement"))


def _make_leadsquared() -> TrialSheet:
    """10b: an export of LeadSquared whose stages the account does not have."""
    people = make_people(230, 8)
    header = ["ProspectID", "FirstName", "LastName", "EmailAddress", "Phone", "Mobile", "Company", "ProspectStage", "Source",
              "OwnerIdName", "mx_City", "mx_Course_Interested", "Notes", "CreatedOn"]  # fmt: skip
    rows: list[list[object]] = [header]
    rows += [
        [f"5f0{i}-aa", *p.name.split(), "", f"+91-{p.phone}", "", "", ("Prospect", "Disqualified")[i % 2], "Organic Search", "Kavya Nair",
         "Pune", "MBA", "", "2026-07-01 06:12:45"]
        for i, p in enumerate(people)
    ]  # fmt: skip
    leads = [ExpectedLead(p.e164, p.name, "Organic Search", ("MBA",)) for p in people]
    return TrialSheet(
        "10b_leadsquared.csv",
        write_csv_text(rows),
        leads,
        {'"Prospect"': "Interested", '"Disqualified"': "Lost"},
    )


def _make_tab_per_salesman() -> TrialSheet:
    """11: a tab per salesman, and a summary that is not one of leads."""
    tabs = {name: make_people(first, 6) for name, first in (("Rohit", 240), ("Kavya", 250), ("Sana", 260))}
    sheets: dict[str, list[list[object]]] = {
        "Summary": [["Salesman", "Leads", "Bookings"], *([name, 6, 1] for name in tabs)]
    }
    for name, people in tabs.items():
        sheets[name] = [["Date", "Name", "Mobile", "Status", "Remarks"]]
        sheets[name] += [
            [_get_date(i), p.name, p.phone, ("Interested", None)[i % 2], "busy"] for i, p in enumerate(people)
        ]
    return TrialSheet(
        "11_tab_per_salesman.xlsx",
        write_workbook(sheets),
        _expect([person for people in tabs.values() for person in people]),
    )


def _make_list_without_header() -> TrialSheet:
    """12: no header row at all."""
    people = make_people(270, 10)
    rows: list[list[object]] = [
        [p.name, int(p.phone), ("Pimpri", "Chinchwad")[i % 2], ("2bhk", "1bhk")[i % 3 == 0]]
        for i, p in enumerate(people)
    ]
    leads = [
        ExpectedLead(p.e164, p.name, texts=(("Pimpri", "Chinchwad")[i % 2],)) for i, p in enumerate(people)
    ]
    return TrialSheet("12_no_header.xlsx", write_workbook({"Sheet": rows}), leads)


def _make_dealers() -> TrialSheet:
    """13: dealers, whose column of firms is called Party."""
    people = make_people(285, 10)
    firms = [
        f"Shree {p.name.split()[1]} {kind}"
        for p, kind in zip(people, ("Hardware", "Paints") * 5, strict=True)
    ]
    rows: list[list[object]] = [["Sr", "Party", "Mob.", "Station", "Last Bill Amt", "Route"]]
    rows += [
        [i + 1, firm, p.phone, ("Karad", "Islampur")[i % 2], 18400 + 25 * i, "R-2"]
        for i, (firm, p) in enumerate(zip(firms, people, strict=True))
    ]
    leads = [
        ExpectedLead(p.e164, firm, texts=(("Karad", "Islampur")[i % 2],))
        for i, (firm, p) in enumerate(zip(firms, people, strict=True))
    ]
    return TrialSheet("13_dealers.xlsx", write_workbook({"Dealers": rows}), leads)


def _make_contacts() -> TrialSheet:
    """14: the contacts of a phone."""
    people = make_people(300, 6)
    text = "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{p.name}\r\nTEL;TYPE=CELL:+91 {p.phone[:5]} {p.phone[5:]}\r\nEND:VCARD\r\n"
        for p in people
    )
    return TrialSheet("14_contacts.vcf", write_text(text), _expect(people))


def make_twenty_sheets() -> list[TrialSheet]:
    """Return the twenty sheets."""
    return [
        _make_visit_register(), _make_hindi_list(), _make_stacked_tables(), _make_tables_beside(), _make_name_and_phone(),
        _make_admissions(), _make_numbered_message(), _make_list_with_places(), _make_mixed_lines(), _make_debtors(),
        _make_indiamart(), _make_justdial(), _make_portal(), _make_google_form(), _make_zoho(), _make_leadsquared(),
        _make_tab_per_salesman(), _make_list_without_header(), _make_dealers(), _make_contacts(),
    ]  # fmt: skip
