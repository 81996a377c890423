"""The ten sheets of the second trial: written as a user of each trade writes them, before importer had seen them."""

from __future__ import annotations

from datetime import date, timedelta

from openpyxl.worksheet.worksheet import Worksheet

from tests.trial.people import (
    ExpectedLead,
    TrialSheet,
    make_people,
    write_csv_text,
    write_text,
    write_workbook,
)


def _make_car_dealer() -> TrialSheet:
    """A walk-in register with a line for each day, numbers as numbers, and a count at the end."""
    people = make_people(400, 14)
    rows: list[list[object]] = [
        ["SAI MOTORS PVT LTD, AURANGABAD"],
        ["SHOWROOM WALK-IN REGISTER"],
        ["Enq No", "Cust. Name", "Mob. No.", "Model Int.", "Colour", "Exch (Y/N)", "Fin / Cash", "Test Drive", "SE Name",
         "Status", "Next F/U"],
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        if index % 5 == 0:
            rows.append([f"{date(2026, 11, 2 + index // 5):%d-%m-%Y (%A)}"])
        name = person.name.upper() if index % 3 else f"Mr {person.name}"
        phone: object = int(person.phone) if index % 2 else f"{person.phone[:5]} {person.phone[5:]}"
        rows.append([f"SM/26/{index + 101}", name, phone, ("Swift VXI", "Brezza ZXI")[index % 2], "White", "Y", "Fin", "Done",
                     ("Amol", "Priya")[index % 2], ("Hot", "Warm", "Booked", "Lost")[index % 4], date(2026, 11, 12)])  # fmt: skip
        leads.append(ExpectedLead(person.e164, name, texts=(("Swift VXI", "Brezza ZXI")[index % 2], "White")))
    rows += [[], ["Total walk-ins", len(people)]]

    def finish(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:K1")
        sheet.merge_cells("A2:K2")
        sheet.merge_cells("A4:K4")

    answers = {'"Hot"': "Hot lead", '"Warm"': "Warm lead", '"Booked"': "Won"}
    return TrialSheet("car_dealer.xlsx", write_workbook({"NOV 26": rows}, finish), leads, answers)


def _make_gym() -> TrialSheet:
    """Trials of a gym: names in capitals, a blank line after each week, who referred whom."""
    people = make_people(420, 12)
    rows: list[list[object]] = [
        [
            "Sno",
            "NAME ",
            "CONTACT",
            "Gender",
            "Trial Date",
            "Package",
            "Ref By",
            "Joined?",
            "Amt Paid",
            "REMARK",
        ]
    ]
    leads = []
    for index, person in enumerate(people):
        if index and index % 6 == 0:
            rows.append([""] * 10)
        rows.append([index + 1, f"{person.name.upper()} ", f"+91-{person.phone}", "MF"[index % 2], f"{index + 3}/11/26",
                     ("3 Months", "Annual")[index % 2], ("Insta", "Sagar Patil", "")[index % 3], "YN"[index % 2],
                     ("4500/-", "")[index % 2], ("wants morning batch", "")[index % 2]])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=(("3 Months", "Annual")[index % 2],)))
    return TrialSheet("gym_trials.csv", write_csv_text(rows), leads)


def _make_school() -> TrialSheet:
    """Admission enquiries of a school: the child is the lead, the parents have the phones."""
    people = make_people(440, 10)
    header = ["Form No", "Child's Name", "Grade Applying For", "DOB", "Father's Name", "Father's Mobile", "Mother's Name",
              "Mother's Mobile", "Email ID", "Residential Address", "How did you come to know about us?",
              "Sibling in school (Y/N)", "Follow up 1", "Follow up 2"]  # fmt: skip
    rows: list[list[object]] = [["SUNRISE PUBLIC SCHOOL"], ["Admission Enquiries 2027-28"], [], header]
    leads = []
    for index, person in enumerate(people):
        father = "" if index % 4 == 3 else person.phone
        mother = person.phone if index % 4 == 3 else f"98928{index:05}"
        rows.append([f"A{index + 31}", person.name, ("Nursery", "Grade 1")[index % 2], date(2023, 3, 4) + timedelta(days=40 * index),
                     "Ajay Rane", father, "Neeta Rane", mother, f"rane{index}@example.in", "12 Lake Road, Thane",
                     ("Hoarding", "Friend")[index % 2], "N", "called, will visit sat", None])  # fmt: skip
        source = ("Hoarding", "Friend")[index % 2]
        leads.append(
            ExpectedLead(
                person.e164,
                person.name,
                source,
                ("will visit sat", "Nursery" if index % 2 == 0 else "Grade 1"),
            )
        )
    return TrialSheet("school_admissions.xlsx", write_workbook({"Enquiry": rows}), leads)


def _make_channel_partner() -> TrialSheet:
    """Clients of a channel partner, whose own number is in every row."""
    people = make_people(455, 10)
    rows: list[list[object]] = [
        ["Channel Partner: Om Properties", None, None, "CP Mob: 9892800001"],
        [],
        ["Sr", "Client Name", "Client Contact", "CP Firm", "CP Contact", "Config", "Budget", "Project", "Visit Status", "SM Name"],
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        rows.append([index + 1, person.name, person.phone, "Om Properties", "9892800001", ("2BHK", "3 BHK")[index % 2],
                     ("85L-1Cr", "1.2 Cr", "90 lacs")[index % 3], "Lotus Court", ("Visited", "Revisit", "Not visited")[index % 3],
                     "Deepali"])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name, texts=("Lotus Court", "Om Properties")))
    return TrialSheet("channel_partner.xlsx", write_workbook({"Clients": rows}), leads)


def _make_wedding_planner() -> TrialSheet:
    """A list that was pasted from a chat: with stars, emoji, and a line without a lead."""
    people = make_people(470, 10)
    lines = ["*Leads from Wedding Expo* 👇", ""]
    leads = []
    for index, person in enumerate(people, 1):
        name = person.name if index % 3 else person.name.split()[0]
        date_and_size = (f"wedding {index + 2} Feb - 300 pax", "Lonavala, Dec 2026", "only decor 🌸")[
            index % 3
        ]
        lines.append(f"{index}) {name} - {person.phone[:5]} {person.phone[5:]} - {date_and_size}")
        leads.append(ExpectedLead(person.e164, name, texts=(("300 pax", "Lonavala", "decor")[index % 3],)))
    lines.append("Pls call all today 🙏")
    return TrialSheet("wedding_planner.txt", write_text("\n".join(lines) + "\n"), leads)


def _make_insurance() -> TrialSheet:
    """Renewals of an insurance agent: long policy numbers, premiums, a landline of the residence."""
    people = make_people(485, 11)
    rows: list[list[object]] = [
        ["Policy No", "Insured Name", "Mobile", "Ph(R)", "Product", "Sum Insured", "Premium", "Risk End Date", "NCB %", "Insurer",
         "Vehicle No"]
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        phone = f"{person.phone}/98929{index:05}" if index % 4 == 0 else person.phone
        rows.append([3111204500000 + index * 17, f"MRS {person.name.upper()}" if index % 3 == 0 else person.name.upper(), phone,
                     "022-25671234" if index == 2 else None, ("Pvt Car Package", "Health Gain")[index % 2], 520000, 14250.5,
                     date(2026, 12, 1) + timedelta(days=index), 25, "New India", f"MH04AB{1200 + index}"])  # fmt: skip
        leads.append(
            ExpectedLead(
                person.e164, person.name, texts=("14250.5", ("Pvt Car Package", "Health Gain")[index % 2])
            )
        )
    return TrialSheet("insurance_renewals.xlsx", write_workbook({"DEC-26": rows}), leads)


def _make_travel_form() -> TrialSheet:
    """A Google form of a travel agency."""
    people = make_people(500, 10)
    rows: list[list[object]] = [
        ["Timestamp", "Email Address", "Full Name (as per passport)", "Mobile / WhatsApp Number", "Where do you want to travel?",
         "Travel Dates", "No. of Adults", "No. of Kids", "Budget per person", "Anything special?"]
    ]  # fmt: skip
    leads = []
    for index, person in enumerate(people):
        place = ("Bali", "Kashmir", "Dubai, Abu Dhabi")[index % 3]
        rows.append([f"11/{index + 2}/2026 18:20:11", f"guest{index}@example.com", person.name, ("", "+91 ", "0")[index % 3] + person.phone,
                     place, "1st week of Jan", 2, index % 3, ("50,000", "40k-60k", "as per itinerary")[index % 3],
                     ("honeymoon", "Veg food only")[index % 2]])  # fmt: skip
        leads.append(
            ExpectedLead(person.e164, person.name, texts=(place, ("honeymoon", "Veg food only")[index % 2]))
        )
    return TrialSheet("travel_form.csv", write_csv_text(rows), leads)


def _make_clinic_camp() -> TrialSheet:
    """The list of a health camp with headers in Hindi."""
    names = [
        "कमला देवी",
        "रामू पासवान",
        "शबनम बेगम",
        "हरि सिंह",
        "सीता कुशवाहा",
        "अजय मौर्य",
        "राधा निषाद",
        "बबलू सोनकर",
    ]
    people = make_people(515, len(names))
    rows: list[list[object]] = [
        ["निःशुल्क स्वास्थ्य शिविर, मिर्जापुर"],
        ["क्रमांक", "मरीज का नाम", "पिता/पति का नाम", "उम्र", "लिंग", "मोबाइल नं.", "गाँव", "बीमारी", "अगली तारीख"],
    ]
    leads = []
    for index, (name, person) in enumerate(zip(names, people, strict=True)):
        village = ("अहरौरा", "चुनार")[index % 2]
        rows.append(
            [
                index + 1,
                name,
                "श्यामलाल",
                34 + index,
                ("म", "पु")[index % 2],
                person.phone,
                village,
                ("शुगर", "आँख")[index % 2],
                "15/12/26",
            ]
        )
        leads.append(ExpectedLead(person.e164, name, texts=(village, ("शुगर", "आँख")[index % 2])))
    return TrialSheet("clinic_camp.xlsx", write_workbook({"शिविर": rows}), leads)


def _make_exhibition_scans() -> TrialSheet:
    """The export of a badge scanner: semicolons, an apostrophe in front of the numbers."""
    people = make_people(530, 10)
    lines = [
        "Scan Time;Badge ID;Salutation;First Name;Last Name;Designation;Company;Email;Mobile;Country;Scanned By;Rating;Notes"
    ]
    leads = []
    for index, person in enumerate(people):
        first, last = person.name.split()
        lines.append(
            f"2026-11-1{index % 3} 11:2{index}:09;BX{4410 + index};Mr;{first};{last};Purchase Head;{last} Industries;"
            f"{first.lower()}@example.com;'+91-{person.phone};India;Neha;{index % 5 + 1};"
            f"{('wants demo of CNC', '')[index % 2]}"
        )
        leads.append(ExpectedLead(person.e164, person.name, texts=(f"{last} Industries", "Purchase Head")))
    return TrialSheet("exhibition_scans.csv", write_text("\ufeff" + "\r\n".join(lines) + "\r\n"), leads)


def _make_ledgers() -> TrialSheet:
    """Ledgers of a distributor: the header has two lines, groups have lines of their own, a total ends the list."""
    people = make_people(545, 10)
    rows: list[list[object]] = [
        ["Shivam Marketing"],
        ["List of Ledgers"],
        ["as on 30-Nov-26"],
        [
            "Name of Ledger",
            "Under",
            "Contact Person",
            "Phone No",
            "Mobile No.",
            "GSTIN/UIN",
            "State",
            "Closing Balance",
            None,
        ],
        [None, None, None, None, None, None, None, "Debit", "Credit"],
        ["Retailers - Zone A"],
    ]
    leads = []
    for index, person in enumerate(people):
        firm = f"{person.name.split()[1]} {('Kirana', 'General Stores')[index % 2]}"
        if index == 5:
            rows.append(["Retailers - Zone B"])
        phone = ("0233-2301122", None)[index % 2]
        rows.append([firm, "Sundry Debtors", person.name if index % 3 else None, phone, int(person.phone), "27ABCDE1234F1Z5", "Maharashtra",
                     18500 + index * 10 if index % 4 else None, None if index % 4 else 2500])  # fmt: skip
        leads.append(ExpectedLead(person.e164, person.name if index % 3 else firm, texts=(firm,)))
    rows.append(["Grand Total", None, None, None, None, None, None, 166500, 7500])

    def finish(sheet: Worksheet) -> None:
        sheet.merge_cells("H4:I4")

    return TrialSheet("distributor_ledgers.xlsx", write_workbook({"Ledgers": rows}, finish), leads)


def make_ten_sheets() -> list[TrialSheet]:
    """Return the ten sheets."""
    return [
        _make_car_dealer(), _make_gym(), _make_school(), _make_channel_partner(), _make_wedding_planner(), _make_insurance(),
        _make_travel_form(), _make_clinic_camp(), _make_exhibition_scans(), _make_ledgers(),
    ]  # fmt: skip
