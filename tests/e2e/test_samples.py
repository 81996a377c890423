"""Every export in samples/ is imported without an option; the CRM then has what a careful person would type."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from importer.journal.run_journal import Journal
from tests.support import leads

SAMPLES = Path(__file__).parents[2] / "samples"


class Sample(msgspec.Struct, frozen=True):
    """An export: its preset ("" for a hand-made sheet), its data rows, and the other rows.

    `others` has the status and the codes of each row that is not simply accepted.
    """

    preset: str
    rows: int
    others: dict[int, str]
    owner: str = ""
    """The column that names team members. Their phones in the CRM are not known, so each of its rows says so."""


NAMED_OWNER = "assignee_user_phone.unknown_owner"
EXPECTED: dict[str, Sample] = {
    "apollo-people.csv": Sample(
        "apollo",
        12,
        {
            4: "invalid customer_phone.missing",
            7: "accepted customer_phone.promoted",
        },
        owner="Contact Owner",
    ),
    "outscraper-places.csv": Sample(
        "outscraper",
        12,
        {
            11: "invalid customer_phone.missing",
        },
    ),
    "99acres-responses.csv": Sample(
        "property-portals",
        12,
        {
            2: "accepted deal_value.range_kept_as_info;row.merged",
            5: "accepted deal_value.range_kept_as_info",
            7: "accepted customer_phone.words_left_out",
            8: "accepted deal_value.range_kept_as_info",
            11: "accepted deal_value.range_kept_as_info",
            13: "duplicate row.folded",
        },
    ),
    "bitrix24-leads.csv": Sample(
        "bitrix24",
        12,
        {
            8: "accepted customer_phone.promoted",
            10: "accepted customer_phone.promoted",
        },
        owner="Responsible",
    ),
    "dealer-visits.xls": Sample(
        "",
        12,
        {
            11: "invalid customer_phone.too_short",
            12: "invalid lead_stage_name.unknown",
            15: "accepted customer_phone.promoted",
        },
    ),
    "event-site-registrations.csv": Sample(
        "event-sites",
        13,
        {
            13: "invalid customer_phone.too_short",
        },
    ),
    "eventbrite-attendees.csv": Sample(
        "eventbrite",
        14,
        {
            6: "accepted row.merged",
            7: "duplicate row.folded",
            13: "invalid customer_phone.missing",
        },
    ),
    "freshsales-contacts.csv": Sample(
        "freshsales",
        12,
        {
            7: "invalid lead_stage_name.unknown",
            8: "invalid add_labels.unknown",
            10: "accepted customer_phone.promoted",
        },
        owner="Sales owner",
    ),
    "google-ads-lead-form.csv": Sample(
        "google-ads",
        12,
        {
            2: "invalid row.test_row",
            5: "invalid add_products.unknown",
        },
    ),
    "google-contacts-older.csv": Sample(
        "google-contacts",
        12,
        {},
    ),
    "google-contacts.csv": Sample(
        "google-contacts",
        14,
        {
            7: "invalid add_labels.unknown",
            9: "invalid customer_phone.missing",
        },
    ),
    "google-forms-responses.csv": Sample(
        "google-forms",
        14,
        {
            2: "accepted deal_value.range_kept_as_info",
            4: "accepted deal_value.range_kept_as_info",
            5: "accepted deal_value.range_kept_as_info",
            7: "accepted deal_value.range_kept_as_info",
            8: "invalid deal_value.range_kept_as_info;add_products.unknown",
            10: "accepted deal_value.range_kept_as_info",
            11: "invalid customer_phone.not_a_phone;deal_value.range_kept_as_info",
            13: "accepted deal_value.range_kept_as_info",
            14: "accepted deal_value.range_kept_as_info",
        },
    ),
    "housing-leads.csv": Sample(
        "property-portals",
        12,
        {
            6: "invalid add_products.unknown",
        },
    ),
    "hubspot-contacts.csv": Sample(
        "hubspot",
        14,
        {
            5: "invalid lead_stage_name.unknown",
            6: "accepted customer_phone.promoted",
            11: "invalid lead_stage_name.unknown",
            13: "invalid customer_phone.missing",
        },
        owner="Contact owner",
    ),
    "indiamart-enquiries.csv": Sample(
        "indiamart",
        14,
        {
            2: "accepted row.merged",
            4: "invalid row.not_a_lead",
            10: "invalid add_products.unknown",
            11: "accepted customer_phone.promoted",
            14: "invalid row.not_a_lead",
            15: "duplicate row.folded",
        },
    ),
    "justdial-leads.csv": Sample(
        "justdial",
        13,
        {
            7: "accepted customer_phone.promoted",
            12: "invalid customer_phone.missing",
        },
    ),
    "leadsquared-leads.csv": Sample(
        "leadsquared",
        13,
        {
            6: "invalid lead_stage_name.unknown",
            11: "invalid customer_phone.too_short",
            13: "accepted customer_phone.promoted",
        },
        owner="OwnerIdName",
    ),
    "meta-lead-ads.csv": Sample(
        "meta-lead-ads",
        14,
        {
            2: "invalid row.test_row",
            9: "invalid customer_phone.too_short",
            11: "invalid email.not_an_email",
            15: "invalid customer_phone.missing",
        },
    ),
    "outlook-contacts.csv": Sample(
        "outlook",
        12,
        {
            6: "accepted customer_phone.promoted",
        },
    ),
    "pipedrive-deals.csv": Sample(
        "pipedrive-deals",
        12,
        {
            2: "accepted row.merged",
            4: "invalid row.deleted",
            8: "invalid lead_stage_name.unknown",
            13: "duplicate row.folded",
        },
        owner="Deal - Owner",
    ),
    "pipedrive-leads.csv": Sample(
        "pipedrive-deals",
        12,
        {
            6: "invalid add_labels.unknown",
            9: "invalid customer_phone.missing",
        },
        owner="Lead - Owner",
    ),
    "pipedrive-people.csv": Sample(
        "pipedrive-people",
        13,
        {
            3: "invalid add_labels.unknown",
            6: "accepted customer_phone.promoted",
            12: "invalid customer_phone.missing",
            13: "invalid customer_phone.digits_lost",
        },
        owner="Person - Owner",
    ),
    "pipedrive-personnes.csv": Sample(
        "pipedrive-people",
        12,
        {
            2: "accepted customer_phone.promoted",
            4: "accepted customer_phone.promoted",
            6: "accepted customer_phone.promoted",
            8: "accepted customer_phone.promoted",
            10: "accepted customer_phone.promoted",
            12: "accepted customer_phone.promoted",
        },
        owner="Personne - Propriétaire",
    ),
    "salesforce-data-export.csv": Sample(
        "salesforce-data",
        13,
        {
            4: "invalid row.deleted",
            10: "invalid row.deleted",
            11: "accepted customer_phone.promoted",
            12: "invalid lead_stage_name.unknown",
        },
    ),
    "salesforce-leads-report.csv": Sample(
        "salesforce-report",
        13,
        {
            5: "invalid lead_stage_name.unknown",
            9: "accepted customer_phone.promoted",
            11: "invalid lead_stage_name.unknown",
            13: "invalid customer_phone.missing",
            14: "invalid customer_phone.digits_lost",
        },
        owner="Lead Owner",
    ),
    "shopify-customers.csv": Sample(
        "shopify",
        12,
        {
            4: "accepted customer_phone.promoted",
            9: "invalid customer_phone.missing",
        },
    ),
    "walk-ins.ods": Sample(
        "",
        12,
        {
            2: "accepted row.merged",
            7: "invalid customer_phone.too_short",
            13: "duplicate row.folded",
        },
    ),
    "zoho-leads.csv": Sample(
        "zoho",
        14,
        {
            7: "invalid lead_stage_name.unknown",
            10: "invalid add_labels.unknown",
            12: "accepted customer_phone.promoted",
        },
        owner="Lead Owner",
    ),
}


def test_every_sample_has_its_entry():
    """A new sheet in samples/ needs its entry here. event_signups.xlsx has its own test, and batch.toml lists sheets."""
    files = {path.name for path in SAMPLES.iterdir() if path.suffix not in (".py", ".md", ".toml")}
    assert files == {*EXPECTED, "event_signups.xlsx"}


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_is_imported_correctly(name, importer, crm, expected):
    """Every field is right, also notes and products. The rows that did not go in are the right ones and say why."""
    sample = EXPECTED[name]
    (importer.folder / "importer.toml").write_text("rate = 500\n")  # only the rate, so that nobody waits
    ended = importer("run", SAMPLES / name, "--yes")
    found = leads(crm)
    assert found == expected(Path(name).stem, found)
    with Journal.open(ended.folder) as journal:
        assert journal.metadata.mapping.preset == sample.preset
    codes = {int(row["_row"]): [code for code in row["_codes"].split(";") if code] for row in ended.results}
    named = {
        int(row["_row"])
        for row in ended.results
        if sample.owner and row[sample.owner] and "row.deleted" not in row["_codes"]
    }
    assert {number for number, found in codes.items() if NAMED_OWNER in found} == named
    others = {}
    for row in ended.results:
        left = ";".join(code for code in codes[int(row["_row"])] if code != NAMED_OWNER)
        if row["_status"] != "accepted" or left:
            others[int(row["_row"])] = f"{row['_status']} {left}".strip()
    assert others == sample.others
    counts = Counter(row["_status"] for row in ended.results)
    assert {status: n for status, n in ended.summary["counts"].items() if n} == counts
    assert sum(counts.values()) == ended.summary["rows"] == sample.rows
    assert len(found) == counts["accepted"]
    assert ended.code == (0 if counts.keys() <= {"accepted", "duplicate"} else 1)
