"""The ten sheets of the third trial, of ten more trades and programs. They were written before importer had seen them."""

from __future__ import annotations

from datetime import date, timedelta

from openpyxl.worksheet.worksheet import Worksheet

from tests.trial.people import (
    ExpectedLead,
    TrialSheet,
    make_people,
    write_csv_text,
    write_workbook,
)


def _make_clinic() -> TrialSheet:
    """The appointment sheet of a clinic: a slot in each row, some of them free, and a row for lunch."""
    people = make_people(600, 11)
    rows: list[list[object]] = [
        ["SHREE SKIN & HAIR CLINIC, VASHI"],
        ["Appointments - 12/11/2026 - Dr. Meera Joshi"],
        ["Slot", "Token", "Pt. Name", "Age/Sex", "Contact No.", "Complaint", "New/Old", "Ref. By", "Fees", "Remark"],
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        slot = f"{10 + index // 4}:{15 * (index % 4):02}"
        if index == 4:
            rows.append([slot, None, None, None, None, None, None, None, None, None])
        if index == 7:
            rows.append(["1:00 - 2:00", "LUNCH"])
        name = f"{'Mrs' if index % 2 else 'Mr'}. {person.name}"
        rows.append([slot, index + 1, name, f"{24 + index}/{'FM'[index % 2]}", person.phone, ("Hair fall", "Acne")[index % 2],
                     "NO"[index % 2], ("Practo", "Dr. Patil", "")[index % 3], (500, 800)[index % 2], None])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=(("Hair fall", "Acne")[index % 2],)))

    def finish(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:J1")
        sheet.merge_cells("A2:J2")

    return TrialSheet("clinic_appointments.xlsx", write_workbook({"12 Nov": rows}, finish), leads)


def _make_broker_chat() -> TrialSheet:
    """A broker's WhatsApp group, saved as CSV by a phone app: who is not in the contacts has the number as name."""
    people = make_people(620, 10)
    rows: list[list[object]] = [["Date", "Time", "Sender", "Message"]]
    leads = []
    for index, person in enumerate(people):
        sender = f"+91 {person.phone[:5]} {person.phone[5:]}"
        message = (
            "Need 2bhk on rent Baner, family, 25k budget",
            "1 bhk sale Wakad east facing?",
            "Shop chahiye market yard side",
        )[index % 3]
        rows.append([f"{index + 1:02}/11/26", f"{9 + index}:05 am", sender, message])
        leads.append(ExpectedLead(person.e164, texts=(message[:8],)))
    return TrialSheet("broker_group_chat.csv", write_csv_text(rows), leads)


def _make_zoho_in_hindi() -> TrialSheet:
    """A Zoho export whose users write Hindi into the cells, with the owner's name."""
    names = [
        "अमित वर्मा",
        "सीमा गुप्ता",
        "राजेश मीणा",
        "कविता सिंह",
        "दीपक जोशी",
        "नीलम राठी",
        "विकास सोनी",
        "पूनम शर्मा",
    ]
    people = make_people(640, len(names))
    header = ["Record Id", "Lead Owner", "Lead Name", "Company", "Mobile", "Email", "Lead Source", "Lead Status", "City",
              "Description", "Created Time"]  # fmt: skip
    rows: list[list[object]] = [header]
    leads = []
    for index, (name, person) in enumerate(zip(names, people, strict=True)):
        source = ("विज्ञापन", "मेला", "Website")[index % 3]
        rows.append([f"zcrm_{4700000 + index}", ("रोहित शर्मा", "Kavya Nair")[index % 2], name, ("वर्मा ट्रेडर्स", "")[index % 2],
                     f"91{person.phone}", "", source, ("Contacted", "नया")[index % 2], ("जयपुर", "Kota")[index % 2],
                     ("शाम को बात करें", "")[index % 2], "2026-11-02 10:14:00"])  # fmt: skip
        leads.append(ExpectedLead(person.e164, name, source, (("जयपुर", "Kota")[index % 2],)))
    return TrialSheet("zoho_hindi.csv", write_csv_text(rows), leads, {'"Contacted"': "-", '"नया"': "New"})


def _make_bills_receivable() -> TrialSheet:
    """Tally's bills receivable: the party stands in the first row of its bills, a subtotal below them."""
    people = make_people(660, 9)
    rows: list[list[object]] = [
        ["Laxmi Agencies"],
        ["Bills Receivable"],
        ["1-Apr-26 to 12-Nov-26"],
        ["Date", "Ref. No.", "Party's Name", "Mobile No.", "Opening Amount", "Pending Amount", "Due on", "Overdue by days"],
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        firm = f"{person.name.split()[1]} {('Traders', 'Stores', 'Enterprises')[index % 3]}"
        for bill in range(1 + index % 2):
            day = date(2026, 9, 1) + timedelta(days=5 * index + bill)
            rows.append([day, f"LA/{index + 101 + bill}", firm, person.phone, 12500 + index, 2500 + bill, day + timedelta(days=30),
                         40 - index])  # fmt: skip
        leads.append(ExpectedLead(person.e164, firm))
    rows.append([None, None, None, "Total", 150000, 45000])
    return TrialSheet("bills_receivable.xlsx", write_workbook({"Bills Receivable": rows}), leads)


def _make_card_scanner() -> TrialSheet:
    """The export of an app that scans visiting cards: many numbered columns, most of them empty."""
    people = make_people(680, 10)
    header = ["Created Time", "Full Name", "First Name", "Last Name", "Title1", "Department1", "Company1", "Mobile1", "Mobile2", "Tel1",
              "Fax1", "Email1", "Email2", "Address1", "Website1", "Group", "Note1", "Nickname"]  # fmt: skip
    rows: list[list[object]] = [header]
    leads = []
    for index, person in enumerate(people):
        first, last = person.name.split()
        firm = f"{last} Polymers"
        rows.append([f"2026-11-0{1 + index % 9} 11:2{index % 10}", person.name, first, last, ("Director", "Purchase Head")[index % 2], "", firm,
                     f"+91 {person.phone}", "", "022-25671234", "022-25671235", f"{first.lower()}@{last.lower()}.example.in", "",
                     "Plot 14, MIDC, Pune 411019", "", "PlastIndia", ("met at stall", "")[index % 2], ""])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=(firm, "PlastIndia")))
    return TrialSheet("card_scanner.csv", write_csv_text(rows, "utf-16"), leads)


def _make_hotel() -> TrialSheet:
    """The guest list of a hotel: rooms and firms merged over their guests, a line for each floor."""
    people = make_people(700, 12)
    rows: list[list[object]] = [
        ["HOTEL SAGAR RESIDENCY"],
        ["In-house guests as on 12 Nov 2026, 8:00 pm"],
        [],
        ["Room", "Guest", None, "Company / Travel Agent", "Arr.", "Dep.", "PAX", "Plan"],
        [None, "Name", "Cell No.", None, None, None, None, None],
    ]  # fmt: skip
    merges, leads = [], []
    for index, person in enumerate(people):
        if index % 6 == 0:
            rows.append([f"FLOOR {index // 6 + 1}"])
        is_first = index % 2 == 0
        firm = ("Tata Projects", "MakeMyTrip", "Walk-in")[index // 2 % 3]
        if is_first:
            merges.append(len(rows) + 1)
        rows.append([101 + index // 2 if is_first else None, f"{('Mr', 'Ms')[index % 2]} {person.name}", person.phone,
                     firm if is_first else None, date(2026, 11, 10), date(2026, 11, 14), 2, "CP"])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=(firm,)))

    def finish(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:H1")
        sheet.merge_cells("B4:C4")
        for row in merges:
            sheet.merge_cells(f"A{row}:A{row + 1}")
            sheet.merge_cells(f"D{row}:D{row + 1}")

    return TrialSheet("hotel_guests.xlsx", write_workbook({"In-house": rows}, finish), leads)


def _make_demo_class() -> TrialSheet:
    """The attendance of a coaching class's free demo week: days as columns, P and A below them."""
    people = make_people(720, 12)
    days = [date(2026, 11, 2) + timedelta(days=at) for at in range(5)]
    rows: list[list[object]] = [
        ["VIDYA CLASSES - FREE DEMO WEEK (NEET)"],
        ["Roll", "Student", "Std", "School", "Guardian No.", *days, "Will join?", "Counsellor remark"],
    ]
    leads = []
    for index, person in enumerate(people):
        school = ("Modern College", "St. Xavier's", "Fergusson")[index % 3]
        marks = ["PA"[(index + at) % 2] for at in range(5)]
        rows.append([index + 1, person.name.upper(), ("XI", "XII")[index % 2], school, int(person.phone), *marks,
                     ("Yes", "No", "May be")[index % 3], ("fees high", None)[index % 2]])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=(school,)))
    return TrialSheet("demo_class.xlsx", write_workbook({"Demo": rows}), leads)


def _make_web_orders() -> TrialSheet:
    """Orders of a web shop: billing and shipping, and a customer who ordered twice."""
    people = make_people(740, 10)
    header = ["Order Number", "Order Status", "Order Date", "First Name (Billing)", "Last Name (Billing)", "Company (Billing)",
              "Address 1&2 (Billing)", "City (Billing)", "Postcode (Billing)", "Email (Billing)", "Phone (Billing)", "First Name (Shipping)",
              "Last Name (Shipping)", "City (Shipping)", "Payment Method Title", "Order Total Amount", "Item Name", "Quantity"]  # fmt: skip
    rows: list[list[object]] = [header]
    leads = []
    for index, person in enumerate([*people, people[2]]):
        first, last = person.name.split()
        item = ("Copper bottle 1L", "Brass diya set")[index % 2]
        rows.append([2301 + index, ("Completed", "Cancelled")[index % 2], "2026-11-05 18:20", first, last, "", "Flat 4, Rose Villa", "Nagpur",
                     "440010", f"{first.lower()}{index}@example.in", f"0{person.phone}", "Gift", "Receiver", "Akola", "UPI", "1499.00", item, 1])  # fmt: skip
    for index, person in enumerate(people):
        leads.append(
            ExpectedLead(
                person.e164, person.name, texts=(("Copper bottle", "Brass diya")[index % 2], "Nagpur")
            )
        )
    return TrialSheet("web_orders.csv", write_csv_text(rows), leads)


def _make_call_log() -> TrialSheet:
    """The call log of a phone: missed calls of strangers, the same caller several times."""
    people = make_people(760, 10)
    rows: list[list[object]] = [["Name", "Phone number", "Call type", "Date & Time", "Duration", "SIM"]]
    leads = []
    for index, person in enumerate(people):
        name = person.name if index % 3 else "Unknown"
        for call in range(1 + index % 2):
            minute = f"{10 + call}:{5 + index:02}"
            rows.append(
                [
                    name,
                    f"+91{person.phone}",
                    ("Missed", "Incoming")[call % 2],
                    f"03-11-2026 {minute} AM",
                    "00:01:12",
                    "Jio",
                ]
            )
        leads.append(ExpectedLead(person.e164, name if index % 3 else ""))
    return TrialSheet("call_log.csv", write_csv_text(rows), leads)


def _make_donors() -> TrialSheet:
    """The donors of a trust: name and address in one cell, several numbers in another."""
    people = make_people(780, 10)
    rows: list[list[object]] = [
        ["JEEVAN JYOTI TRUST (Regd.)"],
        ["Donors F.Y. 2025-26"],
        ["Sl. No", "Name & Address of Donor", "Phone Nos.", "PAN", "Donation (₹)", "Receipt No", "Mode", "80G sent?"],
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        phones = f"{person.phone}, 98929{index:05}" if index % 3 == 0 else f"(M) {person.phone}"
        rows.append([index + 1, f"Shri {person.name}\n14, Gandhi Road\nIndore", phones, f"ABCPK{1234 + index}F", f"{5100 + index}/-",
                     f"JJ/{index + 1}", ("Cheque", "UPI")[index % 2], "Y"])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=("Gandhi Road",)))
    return TrialSheet("trust_donors.xlsx", write_workbook({"2025-26": rows}), leads)


def make_third_trial() -> list[TrialSheet]:
    """Return the ten sheets."""
    return [
        _make_clinic(), _make_broker_chat(), _make_zoho_in_hindi(), _make_bills_receivable(), _make_card_scanner(), _make_hotel(),
        _make_demo_class(), _make_web_orders(), _make_call_log(), _make_donors(),
    ]  # fmt: skip
