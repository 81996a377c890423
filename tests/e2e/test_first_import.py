"""Whole sheets are imported: what was accepted is in the CRM field by field, and nothing else is."""

import json
import os
import subprocess
import sys

import httpx
import pytest

from importer.cli.sandbox_commands import find_sample_sheet
from importer.fields import FIELDS_BY_NAME, TASK_FIELDS
from tests.support import KEY, leads, write_csv


def test_sample_sheet_is_in_the_crm_as_expected(importer, crm, expected):
    """Title lines, merged cells, numeric phones, two numbers in a cell and lakh are read correctly."""
    ended = importer("run", find_sample_sheet(), "--yes", "--rate", "500")
    assert ended.code == 1
    found = leads(crm)
    assert found == expected("event_signups", found)
    assert ended.summary["counts"] == {
        "accepted": 50, "invalid": 12, "refused": 0, "failed": 0, "unknown": 0, "duplicate": 2, "pending": 0, "unchanged": 0, "conflict": 0,
    }  # fmt: skip
    assert ended.summary["rows"] == 64


def test_every_rejected_row_of_the_sample_says_why(importer):
    """Every rejected row has its code, and a sentence that names row and column."""
    ended = importer("check", find_sample_sheet())
    codes = {int(row["_row"]): row["_codes"] for row in ended.failed}
    assert codes == {
        12: "lead_stage_name.unknown",
        13: "lead_stage_name.unknown",
        15: "customer_phone.digits_lost",
        17: "customer_phone.too_short",
        20: "lead_stage_name.unknown",
        22: "email.not_an_email",
        28: "lead_stage_name.disabled",
        32: "lead_group_name.ambiguous",
        36: "customer_phone.missing",
        47: "add_products.disabled",
        53: "add_labels.unknown",
        59: "full_name.formula_without_value",
    }
    problems = {row["_row"]: row["_problems"] for row in ended.failed}
    assert problems["12"] == (
        'Row 12, Status: "Warm led" does not exist in your account. Did you mean "Warm lead"?'
    )


def test_csv_with_bom_and_semicolons_is_imported(importer, crm):
    """The delimiter of European Excel, a BOM, CRLF, a decimal amount and Indian digits are read correctly."""
    sheet = write_csv(
        importer.folder / "leads.csv",
        [
            ["Full Name", "Mobile No.", "Email Id", "Budget", "City", "Remarks"],
            ["Asha Rao", "0 98450 22001", "ASHA@Example.in", "₹1,20,000/-", "Pune", "Line one; line two"],
            ["राहुल वर्मा", "+91 ९८४५० २२००२", "", "2.5 Cr", "इंदौर", ""],
            ["Null", "9845022003.0", "N/A", "-", "", ""],
        ],
        encoding="utf-8-sig",
        delimiter=";",
    )
    ended = importer("run", sheet, "--yes", "--rate", "500")
    assert ended.code == 0
    assert leads(crm) == {
        "+919845022001": {
            "first_name": "Asha", "last_name": "Rao", "email": ["ASHA@example.in"], "deal_value": 120000,
            "city": "Pune", "notes": ["Line one; line two"],
        },
        "+919845022002": {"first_name": "राहुल", "last_name": "वर्मा", "deal_value": 25000000, "city": "इंदौर"},
        "+919845022003": {"first_name": "Null"},
    }  # fmt: skip


def test_every_field_of_an_old_crms_export_is_imported(importer, crm):
    """Every field of the API is filled from one wide sheet that also has useless columns."""
    known = {
        "customer_phone": "+919845033002", "create_customer_if_customer_phone_not_found": True, "add_labels": ["VIP", "Hot"],
        "lead_stage_name": "New", "first_name": "Ravi", "customer_note": "there before",
    }  # fmt: skip
    assert open_api(crm).post("/lead", json=known).status_code == 200
    header = [
        "Record Id", "First Name", "Last Name", "Company", "Email", "Phone", "Other Phone", "Website", "Flat No", "Street",
        "State", "City", "Deal Value", "Lead Source", "Source Type", "Lead Status", "Group", "Tag", "Remove Labels",
        "Product", "Assignee Phone", "Description", "Notes", "Latitude", "Longitude", "Created Time", "Lead Owner",
    ]  # fmt: skip
    rows = [
        {
            "Record Id": "zcrm_1", "First Name": "Meena", "Last Name": "Iyer", "Company": "Iyer & Sons",
            "Email": "meena@example.in, m.iyer@example.com", "Phone": "98450-33001", "Other Phone": "080 41122001, 98450 33011",
            "Website": "www.example.in", "Flat No": "B-12", "Street": "12, 4th Cross", "State": "Karnataka", "City": "Bengaluru",
            "Deal Value": "1.5 Lakh", "Lead Source": "Magazine", "Source Type": "csv_upload", "Lead Status": "hot LEAD",
            "Group": "Dealers, South", "Tag": "VIP, Parking, two cars", "Product": "Shop, ground floor; Villa plot",
            "Assignee Phone": "98450 00101", "Description": "Asked twice", "Notes": "Call on Monday", "Latitude": "12.97",
            "Longitude": "77.59", "Created Time": "2024-01-05", "Lead Owner": "Old Owner",
        },
        {"Record Id": "zcrm_2", "Phone": "9845033002", "Remove Labels": "hot", "City": "Mysuru"},
        {"Record Id": "zcrm_3", "Phone": "9845033003"},
    ]  # fmt: skip
    sheet = write_csv(
        importer.folder / "old crm.csv", [header, *([row.get(name, "") for name in header] for row in rows)]
    )
    ended = importer("run", sheet, "--yes", "--rate", "500")
    assert ended.code == 0, ended.failed
    assert leads(crm) == {
        "+919845033001": {
            "first_name": "Meena", "last_name": "Iyer", "business_name": "Iyer & Sons",
            "email": ["meena@example.in", "m.iyer@example.com"], "added_phones": ["+918041122001", "+919845033011"],
            "website": "www.example.in", "city": "Bengaluru", "deal_value": 150000, "source": "Magazine",
            "source_type": "CSV_UPLOAD", "lead_stage_name": "Hot lead", "lead_group_name": "Dealers, South",
            "labels": ["VIP", "Parking, two cars"], "products": ["Shop, ground floor", "Villa plot"],
            "assignee_user_phone": "+919845000101", "additional_info": "Description: Asked twice\nLead Owner: Old Owner", "notes": ["Call on Monday"],
            "address": {
                "initials": "B-12", "text": "12, 4th Cross", "additional": "Karnataka", "latitude": 12.97, "longitude": 77.59,
            },
        },
        "+919845033002": {
            "first_name": "Ravi", "lead_stage_name": "New", "labels": ["VIP"], "city": "Mysuru", "notes": ["there before"],
        },
        "+919845033003": {},
    }  # fmt: skip
    assert {field for field in ended.summary["columns"].values() if field} == set(
        FIELDS_BY_NAME
    ) - TASK_FIELDS - {
        "full_name",
        "dial_code",
    }
    assert ended.summary["columns"]["Record Id"] == ""
    assert any("Record Id" in line for line in ended.summary["ignored"])


def test_api_shows_an_imported_lead(importer, crm):
    """The API finds the lead by an added phone, with stage, group, labels and assignee as objects."""
    sheet = write_csv(
        importer.folder / "one.csv",
        [
            ["Name", "Phone", "Alt No", "Stage", "Group", "Labels", "Assignee Phone", "Deal Value"],
            ["Asha Rao", "98450 33001", "080-41122001", "warm lead", "walk-ins", "nri, vip", "+91 98450 00102", "2.5 L"],
        ],
    )  # fmt: skip
    assert importer("run", sheet, "--yes", "--rate", "500").code == 0
    lead = open_api(crm).get("/lead", params={"phone": "+918041122001"}).json()["data"]
    assert [entry["phone"] for entry in lead["phones"]] == ["+919845033001", "+918041122001"]
    assert (lead["first_name"], lead["last_name"], lead["deal_value"]) == ("Asha", "Rao", 250000)
    assert (lead["lead_stage"]["title"], lead["lead_group"]["title"]) == ("Warm lead", "Walk-ins")
    assert [label["title"] for label in lead["labels"]] == ["NRI", "VIP"]
    assert lead["assignee_user"]["first_name"] == "Rohit"


def open_api(crm):
    return httpx.Client(base_url=f"{crm.base_url}/enterprise/api", headers={"x-api-key": KEY})


@pytest.mark.timeout(300)
def test_all_of_six_thousand_rows_arrive(importer):
    """Counts add up, and every lead is there with its own values, in whatever order they were sent."""
    rows = 6_000  # six blocks of the reading process, and six of the sender
    sheet = write_csv(
        importer.folder / "many.csv",
        [["Phone", "Name", "Stage", "Amount"]]
        + [[f"98{n:08d}" if n % 50 else "12345", f"Person {n}", "New", str(n)] for n in range(rows)],
    )
    # Other tests measure the coverage; tracing so many rows would take minutes.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "importer"]
    with subprocess.Popen(
        [*command, "sandbox"], stdout=subprocess.PIPE, text=True, env=environment
    ) as sandbox:
        try:
            assert sandbox.stdout is not None
            base_url = sandbox.stdout.readline().removeprefix("LISTENING ").strip()
            credentials = {"SUPERFONE_BASE_URL": base_url, "SUPERFONE_API_KEY": KEY}
            arguments = [*command, "run", str(sheet), "--yes", "--rate", "100000", "--json"]
            ended = subprocess.run(
                arguments, env={**environment, **credentials}, stdout=subprocess.PIPE, check=False
            )
            there = httpx.get(base_url.replace("/superfone", "/_sandbox/leads"), timeout=60).json()
        finally:
            sandbox.terminate()
    counts = json.loads(ended.stdout)["counts"]
    good = [n for n in range(rows) if n % 50]
    assert ended.returncode == 1
    assert (counts["accepted"], counts["invalid"]) == (len(good), rows - len(good))
    names = ("phone", "first_name", "last_name", "lead_stage_name", "deal_value")
    assert {tuple(lead[name] for name in names) for lead in there} == {
        (f"+9198{n:08d}", "Person", str(n), "New", n) for n in good
    }
    assert len(there) == len(good)
