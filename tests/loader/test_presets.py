"""Presets: each export is recognised as itself only, and its preset does what it says."""

from pathlib import Path

import pytest

from importer.errors import MappingError, UsageError
from importer.fields import FIELDS_BY_NAME
from importer.loader.mapping.column_chooser import choose_columns
from importer.loader.mapping.map_file import to_column_map
from importer.loader.mapping.presets import find_preset, load_presets, read_preset
from importer.loader.rows.drafts import Drafter
from importer.loader.table.table_reader import OpenOptions, open_table
from importer.models.mapping import MatchSource
from importer.models.row import SourceRow
from tests.e2e.test_samples import EXPECTED, SAMPLES

HEADERS = {
    "hubspot": "Record ID, First Name, Last Name, Email, Phone Number, Contact owner, Lead Status, Lifecycle Stage, "
    "Create Date, Job Title, Company Name, Associated Company, Country/Region, Original Source",
    "salesforce-report": "Lead Owner, First Name, Last Name, Title, Company / Account, Lead Source, Rating, Street, Email, "
    "Lead ID, Phone, Mobile Phone, Other Phone, Description, Create Date, City, State/Province, Zip/Postal Code, "
    "Country, Email Opt Out, Status",
    "salesforce-data": "Id, FirstName, LastName, Company, Email, Phone, MobilePhone, LeadSource, Status, OwnerId, City, "
    "State, PostalCode, Country, Description, AnnualRevenue, CreatedDate, IsDeleted, IsConverted",
    "zoho": "Record Id, Lead Owner, Lead Name, First Name, Last Name, Company, Email, Secondary Email, Phone, Mobile, "
    "Website, Lead Source, Lead Status, Annual Revenue, Rating, Street, City, State, Zip Code, Country, Description, "
    "Tag, Created Time",
    "pipedrive-people": "Person - ID, Person - Name, Person - First name, Person - Last name, Person - Organization, "
    "Person - Email - Work, Person - Phone - Work, Person - Phone - Mobile, Person - Label, Person - Owner, "
    "Person - Job title, Person - Notes",
    "pipedrive-deals": "Lead - Title, Lead - Label(s), Lead - Owner, Lead - Source channel, Lead - Lead created on, "
    "Contact person, Organization, Deal - Value, Deal - Currency of value, Person - Phone",
    "freshsales": "First name, Last name, Email, Work number, Mobile, Sales owner, Lifecycle stage, Status, Source, Tags, "
    "Record ID",
    "leadsquared": "ProspectID, FirstName, LastName, EmailAddress, Phone, Mobile, Company, ProspectStage, Source, "
    "SourceMedium, SourceCampaign, OwnerIdName, OwnerIdEmailAddress, mx_City, mx_State, mx_Street1, CreatedOn",
    "bitrix24": "ID, Stage, Lead Name, Salutation, First name, Second name, Last name, Created on, Company Name, Position, "
    "Source, Source information, Work Phone, Mobile, Fax, Home Phone, Pager Number, Other Phone Number, Corporate Website, "
    "Work E-mail, Home E-mail, Other E-mail, Address, Street, City, Zip, Country, Total, Currency, Responsible, Comment",
    "meta-lead-ads": "id, created_time, ad_id, ad_name, adset_id, adset_name, campaign_id, campaign_name, form_id, "
    "form_name, is_organic, platform, full_name, phone_number, email, city, lead_status",
    "google-ads": "Lead ID, GCLID, Campaign Name, Ad Group Name, Lead Form Name, Date Submitted, User Phone, User Email, "
    "User Name",
    "google-contacts": "First Name, Middle Name, Last Name, Name Prefix, Name Suffix, Nickname, Organization Name, "
    "Organization Title, Notes, Labels, E-mail 1 - Label, E-mail 1 - Value, Phone 1 - Label, Phone 1 - Value, "
    "Address 1 - Street",
    "google-forms": "Timestamp, Email Address, Your full name, Mobile Number (WhatsApp), Parent's phone number, "
    "Email Address2",
    "apollo": "First Name, Last Name, Title, Company, Company Name for Emails, Email, Seniority, Departments, Work Direct Phone, "
    "Home Phone, Mobile Phone, Corporate Phone, Other Phone, First Phone, Stage, Lists, # Employees, Industry, Keywords, "
    "Person Linkedin Url, Website, City, State, Country, Company Address, Company Phone",
    "outscraper": "name, site, subtypes, type, phone, full_address, street, city, postal_code, state, latitude, longitude, "
    "rating, reviews, location_link",
    "outlook": "First Name, Last Name, E-mail Address, Company, Mobile Phone, Business Phone, Home Phone",
    "eventbrite": "Order No., Order Date, First Name, Last Name, Email, Quantity, Ticket Type, Order Type, Total Paid, "
    "Event Name, Attendee Status, Buyer First Name, Buyer Last Name, Buyer Email, Cell Phone, Home Address 1, Home City",
    "event-sites": "Registration ID, Booking ID, Name, Email, Dial Code, Phone Number, Contact Number, Ticket Name, "
    "Registered On, Amount, Organisation, Designation",
    "indiamart": "UNIQUE_QUERY_ID, QUERY_TYPE, QUERY_TIME, SENDER_NAME, SENDER_MOBILE, SENDER_EMAIL, SUBJECT, "
    "SENDER_COMPANY, SENDER_ADDRESS, SENDER_CITY, SENDER_STATE, SENDER_MOBILE_ALT, SENDER_PHONE, SENDER_EMAIL_ALT, "
    "QUERY_PRODUCT_NAME, QUERY_MESSAGE",
    "justdial": "leadid, leadtype, prefix, name, mobile, phone, email, date, category, city, area, dncmobile, dncphone, "
    "company, pincode",
    "property-portals": "Name, Mobile, Email, Project, Locality, City, Enquiry Date, Budget",
    "shopify": "Customer ID, First Name, Last Name, Email, Accepts Email Marketing, Default Address Company, Default Address "
    "Address1, Default Address Address2, Default Address City, Default Address Province Code, Default Address Country Code, "
    "Default Address Zip, Default Address Phone, Phone, Accepts SMS Marketing, Total Spent, Total Orders, Note, Tax Exempt, Tags",
}  # fmt: skip
MORE = {
    "property-portals": "lead_name, lead_phone, lead_email, project_name, locality, lead_date",
    "google-contacts": "Name, Given Name, Family Name, Group Membership, E-mail 1 - Type, E-mail 1 - Value, "
    "Phone 1 - Type, Phone 1 - Value",
    "pipedrive-people": "Personne - Nom, Organisation - Nom, Personne - E-mail - Travail, Personne - Téléphone - Travail",
    "meta-lead-ads": "lead_id, created_time, form_id, form_name, platform, first_name, last_name, phone, email",
    "hubspot": "Record ID, First Name, Last Name, Email, Phone Number, Contact owner, Lead Status",
    "apollo": "First Name, Last Name, Title, Company, Email, # Employees, Industry, Person Linkedin Url, Corporate Phone",
    "bitrix24": "First Name, Last Name, Company, Status, Responsible, Work Phone, Mobile, Fax, Home Phone, Other Phone Number, "
    "Work E-mail, Home E-mail, Other E-mail, ID",
    "shopify": "First Name, Last Name, Email, Accepts Email Marketing, Default Address Company, Phone, Tags, Total Spent, Total Orders",
    "outlook": "First Name, Middle Name, Last Name, Company, Business Phone, Home Phone, Mobile Phone, E-mail Address, "
    "Notes, Lead time",
}  # fmt: skip
NEAR_MISSES = (
    "First Name, Last Name, Email, Phone Number, Company Name, City",
    "S. No., Name, Phone Number, Contact No, Email Id, Firm Name, Place, Remarks, Assigned To, Budget",
    "Name, Mobile, Email, City, Budget, Project",
    "Name, Mobile, Project, Locality, Property Type, Budget, Status, Remarks",
    "timestamp, phone, event",
    "Name, Phone, Timestamp",
    "Person Name, Person Phone, Person Email, Person City",
    "Lead Name, Lead Phone, Lead Stage, Lead Source, Lead Owner",
    "Name, Email, Phone Number, Ticket Name, Amount",
    "campaign_name, name, phone, email",
    "Campaign Name, User Name, Phone",
    "First Name, Last Name, Mobile Phone, Home Phone, Email",
    "Order No., Customer, Mobile, Total Paid",
    "नाम, मोबाइल, शहर",
    "Name, Phone 1, Phone 2, E-mail 1",
    "Lead Name, Responsible, Work Phone, Mobile, Home Phone, City",
    "Customer ID, First Name, Last Name, Phone, Email, Total Spent, Tags",
    "",
)


def _split_headers(text):
    return [header.strip() for header in text.split(",")]


def _list_matching_presets(headers):
    return [preset.name for preset in load_presets() if preset.count_matches(headers)]


@pytest.mark.parametrize(
    ("name", "text"), [*HEADERS.items(), *MORE.items()], ids=[*HEADERS, *(f"{name} shorter" for name in MORE)]
)
def test_export_is_recognised_as_itself_only(name, text):
    """By its full headers, by shorter exports of the same program, and in capitals."""
    assert _list_matching_presets(_split_headers(text)) == [name]
    if name not in ("google-forms", "salesforce-data"):  # as written; capitals part its words
        assert _list_matching_presets(_split_headers(text.upper())) == [name]


def test_every_preset_is_in_the_table_of_headers():
    """A new preset is tested like the others."""
    assert sorted(HEADERS) == sorted(preset.name for preset in load_presets())


@pytest.mark.parametrize("text", NEAR_MISSES, ids=lambda text: text or "no headers")
def test_sheet_with_a_few_headers_of_an_export_has_no_preset(text):
    """A hand-made sheet that shares a few headers with an export is not read by its rules."""
    assert _list_matching_presets(_split_headers(text)) == []


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_is_recognised_by_its_own_preset_only(name):
    """The files of samples/ are what their names say."""
    table = open_table(SAMPLES / name, OpenOptions())
    assert _list_matching_presets(table.headers) == [EXPECTED[name].preset] * bool(EXPECTED[name].preset)


def test_every_preset_has_a_sample():
    """A preset without a sample is never tried as a whole."""
    assert {sample.preset for sample in EXPECTED.values()} - {""} == {
        preset.name for preset in load_presets()
    }


@pytest.mark.parametrize("preset", load_presets(), ids=lambda preset: preset.name)
def test_preset_decides_on_every_header_of_its_export(preset):
    """Every column has a field, or a reason that says more than "unknown"."""
    headers = _split_headers(HEADERS[preset.name])
    mapping = choose_columns(headers, [], titles={}, needs_phone=False)
    silent = [
        choice.header
        for choice in mapping.columns
        if choice.source in (MatchSource.UNKNOWN_HEADER, MatchSource.UNDECIDED)
    ]
    assert silent == []
    for _, entry in preset.list_entries():
        assert entry.field or len(entry.reason.split()) > 2


# --- what a preset says is done


def _choose(headers, rows, **more):
    sample = [SourceRow(number, tuple(cells)) for number, cells in enumerate(rows, start=2)]
    return choose_columns(headers, sample, **more), sample


def _draft_rows(headers, rows, **more):
    mapping, sample = _choose(headers, rows, **more)
    draft = Drafter(mapping, region="IN").draft
    return [draft(row) for row in sample]


def test_full_header_goes_before_a_pattern():
    """A pattern is the rule for the rest."""
    preset = read_preset(
        'name = "a"\ntitle = "A"\nneeds = 1\nsignature = ["mx_*"]\n[columns]\n"mx_*" = "additional_info"\n'
        '"mx_City" = "city"',
        "a.toml",
    )
    assert preset.find_entry("mx_city").field == "city"
    assert preset.find_entry("mx_Budget").field == "additional_info"
    assert preset.find_entry("mx City").field == "city", "loosely, where the header is named in full"
    assert preset.find_entry("mx Budget") is None, "as written, where it is a pattern"
    assert preset.count_matches(["mx_Budget"])
    assert not preset.count_matches(["mx Budget"])


def test_best_fit_wins():
    """A header in `never` keeps a preset out."""
    deals = find_preset(
        ["Deal - Title", "Lead - Title", "Person - Name", "Person - Phone", "Person - Email"], None
    )
    assert deals.name == "pipedrive-deals"
    people = find_preset(["Person - Name", "Person - Phone", "Person - Email"], None)
    assert people.name == "pipedrive-people"


def test_outlook_contact_keeps_its_second_city():
    """The business city is the city, the other one is kept with the address."""
    headers = [*_split_headers(HEADERS["outlook"]), "Business City", "Home Street", "Home City", "Spouse"]
    rows = [
        ["Asha", "Rao", "", "", "9845012301", "", "", "Pune", "", "", ""],
        ["Ravi", "Rao", "", "", "9845012302", "", "", "", "4 Park Lane", "Nashik", "Meena"],
    ]
    asha, ravi = (draft.payload for draft in _draft_rows(headers, rows))
    assert asha["city"] == "Pune"
    assert ravi["address"] == {"text": "4 Park Lane", "additional": "Nashik"}
    assert ravi["additional_info"] == "Spouse: Meena"  # and no name of the lead
    assert (ravi["first_name"], ravi["last_name"]) == ("Ravi", "Rao")


def test_pipedrive_deals_in_french():
    """Headers follow the language of the user. Own fields are kept, counts and dates are not."""
    headers = [
        "Affaire - Titre", "Affaire - Valeur", "Affaire - Devise de valeur", "Affaire - Étape", "Affaire - Affaire créée",
        "Personne - Nom", "Organisation - Nom", "Personne - Téléphone - Mobile", "Affaire - Propriétaire",
        "Affaire - Personne à contacter",
    ]  # fmt: skip
    row = ["Deux lots", "5000", "EUR", "New", "2026-01-02", "Asha Rao", "Rao", "9845012301", "Kavya", ""]
    assert _draft_rows(headers, [row])[0].payload == {
        "customer_phone": "+919845012301", "first_name": "Asha", "last_name": "Rao", "business_name": "Rao",
        "deal_value": 5000, "lead_stage_name": "New",
        "additional_info": "Affaire - Titre: Deux lots\nAffaire - Devise de valeur: EUR\nAffaire - Propriétaire: Kavya",
    }  # fmt: skip


def test_group_names_of_google_are_not_labels():
    """Every contact has `* myContacts`. What is beside it is a label."""
    headers = ["Name", "Phone 1 - Value", "E-mail 1 - Value", "Group Membership", "Phone 1 - Type"]
    rows = [
        ["Asha", "9845012301", "", "Work ::: * myContacts", ""],
        ["Ravi", "9845012302 ::: 9845012303", "", "* myContacts", ""],
    ]
    asha, ravi = _draft_rows(headers, rows)
    assert asha.payload["add_labels"] == ["Work"]
    assert "add_labels" not in ravi.payload
    assert ravi.payload["add_phones"] == ["+919845012303"]


def test_text_of_several_values_stays_on_one_line():
    """A business name is never two lines."""
    headers = _split_headers(HEADERS["google-contacts"])
    row = ["Asha", *[""] * 5, "Rao & Co ::: Rao Exports", *[""] * 6, "9845012301", ""]
    assert _draft_rows(headers, [row])[0].payload["business_name"] == "Rao & Co, Rao Exports"


@pytest.mark.parametrize(
    ("cells", "first", "last", "information"),
    [
        (("Asha Rao", "", ""), "Asha", "Rao", None),
        (("Asha Rao", "Asha", ""), "Asha", "Rao", None),
        (("Asha Rao", "", "Rao"), "Asha", "Rao", None),
        (("ASHA RAO", "Asha", "Rao"), "Asha", "Rao", None),
        (("Rao", "", "Rao"), None, "Rao", None),
        (("Rao Asha", "", "Rao"), None, "Rao", "Lead Name: Rao Asha"),
        (("Dr. Asha K Rao", "Asha", "Rao"), "Asha", "Rao", None),
        (("Sunita Pai", "Asha", "Rao"), "Asha", "Rao", "Lead Name: Sunita Pai"),
        (("Asha", "", ""), "Asha", None, None),
    ],
)  # fmt: skip
def test_full_name_beside_first_and_last_name(cells, first, last, information):
    """First and last name win, the full name fills the empty one, and another name is kept."""
    for order in ((0, 1, 2), (2, 1, 0)):
        headers = ["Lead Name", "First Name", "Last Name"]
        found = _draft_rows(
            [*(headers[i] for i in order), "Phone"], [[*(cells[i] for i in order), "9845012301"]]
        )[0].payload
        assert (found.get("first_name"), found.get("last_name")) == (first, last)
        assert found.get("additional_info") == information


def test_products_that_the_account_does_not_have_become_information():
    """The names of a catalogue reject no lead, and names of the account are products."""
    headers = _split_headers(HEADERS["indiamart"])
    at = headers.index("QUERY_PRODUCT_NAME")

    def rows(*products):
        return [
            [f"98450123{n:02d}" if h == "SENDER_MOBILE" else product if i == at else "" for i, h in enumerate(headers)]
            for n, product in enumerate(products)
        ]  # fmt: skip

    titles = {"add_products": ("2 BHK flat", "Villa plot")}
    known = _choose(headers, rows("2 BHK flat", "Villa plot", "Barn"), titles=titles)[0].columns[at]
    foreign = _choose(headers, rows("Ball valve", "Gate valve", "Pump"), titles=titles)[0].columns[at]
    none_there = _choose(headers, rows("Ball valve", "Gate valve"), titles={"add_products": ()})[0].columns[
        at
    ]
    unasked = _choose(headers, rows("Ball valve", "Gate valve"))[0].columns[at]
    assert (known.field, foreign.field, none_there.field, unasked.field) == (
        "add_products", "additional_info", "additional_info", "add_products",
    )  # fmt: skip
    draft = _draft_rows(headers, rows("Ball valve", "Pump"), titles=titles)[0]
    assert draft.payload["additional_info"] == "QUERY_PRODUCT_NAME: Ball valve"


@pytest.mark.parametrize(
    ("budgets", "value", "info"),
    [
        (("80 Lakh", "1.2 Cr"), 8000000, None),
        (("80 Lakh", "45-60 Lac"), 8000000, None),
        (("45-60 Lac", "80 Lakh"), None, "Budget: 45-60 Lac"),
        (("80 Lakh", "negotiable"), None, "Budget: 80 Lakh"),
    ],
)
def test_budget_that_is_no_amount_becomes_information(budgets, value, info):
    """A range costs only its own amount. Words would reject their row, so then the column is no column of amounts."""
    headers = _split_headers(HEADERS["property-portals"])
    rows = [["Asha", "9845012301", "", "", "", "", "", budget] for budget in budgets]
    payload = _draft_rows(headers, rows)[0].payload
    assert (payload.get("deal_value"), payload.get("additional_info")) == (value, info)


def test_questions_of_a_form_are_kept_without_phones_of_others():
    """The own questions of a form have no field, but they are not lost."""
    headers = [
        "Timestamp",
        "Your name",
        "Mobile Number (WhatsApp)",
        "Parent's phone number",
        "Why us?",
        "Age",
    ]
    row = ["2026-11-01", "Asha", "9845012301", "9845012999", "A friend told me", "34"]
    payload = _draft_rows(headers, [row])[0].payload
    assert payload == {
        "customer_phone": "+919845012301", "first_name": "Asha",
        "additional_info": "Why us?: A friend told me\nAge: 34",
    }  # fmt: skip


def test_default_of_the_user_goes_before_the_preset():
    """The user knows where the leads came from."""
    headers = _split_headers(HEADERS["justdial"])
    mapping, _ = _choose(headers, [])
    assert mapping.defaults == {"source": "Justdial"}
    mapping, _ = _choose(headers, [], defaults={"source": "JD Delhi"})
    assert mapping.defaults == {"source": "JD Delhi"}


@pytest.mark.parametrize(
    ("name", "column", "cell", "code"),
    [
        ("salesforce-data", "IsDeleted", "TRUE", "deleted"),
        ("salesforce-data", "IsDeleted", "false", None),
        ("indiamart", "QUERY_TYPE", " BIZ ", "not_a_lead"),
        ("indiamart", "QUERY_TYPE", "B", None),
        ("meta-lead-ads", "city", "<test lead: dummy data for city>", "test_row"),
        ("meta-lead-ads", "city", "Test lead", None),
        ("google-ads", "Lead ID", "TeSter-123-ABC", "test_row"),
        ("pipedrive-deals", "Deal - Status", "Deleted", "deleted"),
    ],
)
def test_rows_that_are_not_leads(name, column, cell, code):
    """They get a code that failed_rows leaves out, because there is nothing to fix."""
    headers = [*_split_headers(HEADERS[name]), *(["Deal - Status"] if column == "Deal - Status" else [])]
    phone = next(i for i, h in enumerate(headers) if h in _PHONES)
    row = ["9845012301" if i == phone else cell if h == column else "" for i, h in enumerate(headers)]
    codes = [issue.code for issue in _draft_rows(headers, [row])[0].issues if issue.field == "row"]
    assert codes == ([code] if code else [])


_PHONES = {"MobilePhone", "SENDER_MOBILE", "phone_number", "User Phone", "Person - Phone"}


@pytest.mark.parametrize("name", EXPECTED)
def test_saved_map_of_an_export_reads_it_the_same(name):
    """`--save` and `--map` keep prefixes, joiners, empty values, replaced values and defaults."""
    table = open_table(SAMPLES / name, OpenOptions())
    sample = list(table.rows)
    mapping = choose_columns(table.headers, sample, titles={})
    again = choose_columns(table.headers, sample, titles={}, column_map=to_column_map(mapping))
    assert [(c.field, c.rules) for c in again.columns] == [(c.field, c.rules) for c in mapping.columns]
    assert (again.values, again.defaults) == (mapping.values, mapping.defaults)
    first, second = (Drafter(each, region="IN").draft for each in (mapping, again))
    assert [first(row).payload for row in sample] == [second(row).payload for row in sample]


# --- a preset that is not right


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('"Phone" = "customer_fone"', 'goes to "customer_fone", but there is no such field'),
        ('"Id" = ""', '"Id" is left out without a reason'),
        ('"P" = { field = "add_products", otherwise = "infos" }', 'goes to "infos"'),
        ('"P" = { feild = "city" }', "feild"),
        ("[defaults]\nsauce = 'x'", 'no field "sauce"'),
        ("[[rows]]\ncolumn = 'A'\ncode = 'deleted'", "neither equals nor begins"),
        ("[[rows]]\ncolumn = 'A'\ncode = 'spam'\nequals = ['1']", "spam"),
        ("[[rows]]\ncolumn = 'A'\ncode = 'unknown'\nequals = ['1']", 'has the code "unknown"'),
        ("[[", "end of document"),
    ],
    ids=[
        "unknown field", "no reason", "unknown second field", "unknown key", "unknown default", "rule without text",
        "unknown code", "code of a cell", "not TOML",
    ],
)  # fmt: skip
def test_wrong_preset_is_refused_with_its_place(line, says):
    """The error names the file, what is wrong in it, and the page that shows a right one."""
    text = f'name = "mine"\ntitle = "Mine"\nneeds = 1\nsignature = ["Phone"]\n[columns]\n{line}'
    with pytest.raises(MappingError, match=r"The preset mine\.toml is not right") as refused:
        read_preset(text, "mine.toml")
    assert says in refused.value.message
    assert "docs/presets.md" in refused.value.advice


@pytest.mark.parametrize(
    "top",
    ["", "needs = 0", 'needs = 3\nsignature = ["Phone", "Name"]'],
    ids=["needs missing", "needs zero", "needs too many"],
)
def test_preset_that_recognises_nothing_is_refused(top):
    """Without headers to look for, a preset would match every sheet or none."""
    with pytest.raises(MappingError, match="needs"):
        read_preset(f'name = "a"\ntitle = "A"\n{top}\n[columns]\n', "a.toml")


def test_missing_preset_is_refused(tmp_path):
    """An unknown name, a missing file and a file that is not a text are three errors."""
    with pytest.raises(UsageError, match="no preset 'hubspott'"):
        find_preset([], "hubspott")
    with pytest.raises(MappingError, match="Cannot read the preset"):
        find_preset([], str(tmp_path / "none.toml"))
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MappingError, match="not a text file"):
        find_preset([], str(tmp_path / "odd.toml"))


def test_presets_never_fill_phones():
    """`read_preset` has checked the fields. A phone for all rows would make them one lead."""
    for preset in load_presets():
        assert not {"customer_phone", "add_phones"} & preset.defaults.keys()
        assert preset.others in ("", "additional_info")
        assert preset.others == "" or preset.others in FIELDS_BY_NAME
        assert Path(preset.name).name == preset.name


def test_second_phone_of_leadsquared_is_a_phone():
    """As information it would be a number that nobody could call."""
    headers = [
        "ProspectID",
        "ProspectStage",
        "OwnerIdEmailAddress",
        "Phone",
        "mx_Alternate_Phone",
        "mx_Class",
    ]
    [draft] = _draft_rows(
        headers, [["a-1", "New", "kavya@example.in", "+91-9845012345", "+91-9886012345", "9"]]
    )
    assert (draft.payload["add_phones"], draft.payload["additional_info"]) == (
        ["+919886012345"],
        "mx_Class: 9",
    )
