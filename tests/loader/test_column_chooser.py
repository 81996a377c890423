"""Which column becomes which field, and which dangerous columns stay out."""

import pytest

from importer.errors import MissingPhoneColumnError
from importer.fields import FIELDS
from importer.loader.mapping.column_chooser import needs_confirmation
from importer.loader.mapping.map_file import Clearing, ColumnMap
from tests.loader.column_sheets import (
    AADHAAR,
    AMOUNT,
    CITY,
    COUNT,
    DATE,
    EMAIL,
    ID,
    LANDLINE,
    LINK,
    NAME,
    PHONE,
    PRODUCTS,
    STAGE,
    TEN_DIGIT_ID,
    WORDS,
    YES,
    choose_for,
    list_fields,
    without_presets,
)

__all__ = ["without_presets"]  # a fixture for every test here


# --- one header at a time, beside a phone column that is beyond doubt

ALONE = [
    # names
    ("Name", NAME, "full_name"), ("Full Name", NAME, "full_name"), ("FULLNAME", NAME, "full_name"),
    ("Customer Name", NAME, "full_name"), ("customer's name", NAME, "full_name"), ("Name of Customer", NAME, "full_name"),
    ("Name of the Student", NAME, "full_name"), ("Your full name", NAME, "full_name"), ("What is your name?", NAME, "full_name"),
    ("Contact Person", NAME, "full_name"), ("Party Name", NAME, "full_name"), ("नाम", NAME, "full_name"),
    ("ग्राहक का नाम", NAME, "full_name"), ("आपका नाम", NAME, "full_name"), ("FirstName", NAME, "first_name"),
    ("first_name", NAME, "first_name"), ("Surname", NAME, "last_name"), ("पहला नाम", NAME, "first_name"),
    ("Company", NAME, "business_name"), ("Company / Account", NAME, "business_name"), ("Firm Name", NAME, "business_name"),
    ("Name of Company", NAME, "business_name"), ("Compnay Name", NAME, "business_name"), ("फर्म का नाम", NAME, "business_name"),
    # e-mail, website
    ("Email", EMAIL, "email"), ("E-Mail Id", EMAIL, "email"), ("emailid", EMAIL, "email"), ("EmailAddress", EMAIL, "email"),
    ("Emial", EMAIL, "email"), ("E-mail ID (official)", EMAIL, "email"), ("What is your email address?", EMAIL, "email"),
    ("Email 2", EMAIL, "email"), ("ईमेल", EMAIL, "email"), ("Website", LINK, "website"), ("URL", LINK, "website"),
    # places
    ("City", CITY, "city"), ("Place", CITY, "city"), ("City / Town", CITY, "city"), ("Which city are you from", CITY, ""),
    ("शहर", CITY, "city"), ("Address", WORDS, "address.text"), ("Adress", WORDS, "address.text"), ("Area", WORDS, "address.text"),
    ("Address Line 2", WORDS, "address.text"), ("Full Address", WORDS, "address.text"), ("पता", WORDS, "address.text"),
    ("State/Province", WORDS, "address.additional"), ("Pin", ("411001", "570001", "411002", "635109"), "address.additional"),
    ("PIN Code", ID, "address.additional"), ("Zip/Postal Code", ID, "address.additional"), ("Country", WORDS, "address.additional"),
    # phones besides the lead's own
    ("Alternate Mobile", PHONE, "add_phones"), ("Alt No.", PHONE, "add_phones"), ("Mobile 2", PHONE, "add_phones"),
    ("Phone 3", PHONE, "add_phones"), ("Contact No 2", PHONE, "add_phones"), ("Landline", LANDLINE, "add_phones"),
    ("Other Phone", LANDLINE, "add_phones"), ("WhatsApp No", PHONE, "add_phones"), ("Telephone No.", LANDLINE, "add_phones"),
    ("दूसरा नंबर", PHONE, "add_phones"), ("Dial Code", ("+91", "91", "+971", "91"), "dial_code"),
    ("Country Code", ("+91", "91", "+971", "91"), "dial_code"), ("Country Code", ("IN", "IN", "AE", "IN"), "dial_code"),
    # money
    ("Budget", AMOUNT, "deal_value"), ("Budget (Rs.)", AMOUNT, "deal_value"), ("Budget in INR", AMOUNT, "deal_value"),
    ("Budget (in lakhs)", AMOUNT, "deal_value"), ("Budget in Lacs", AMOUNT, "deal_value"), ("Deal value (Cr)", AMOUNT, "deal_value"),
    ("Budget (USD)", AMOUNT, ""), ("Deal value in $", AMOUNT, ""), ("Budget (€)", AMOUNT, ""),
    ("Amount", AMOUNT, "deal_value"), ("Deal Value", AMOUNT, "deal_value"), ("बजट", AMOUNT, "deal_value"),
    ("Amount paid", AMOUNT, ""), ("Total Paid", AMOUNT, ""), ("Balance Amount", AMOUNT, ""), ("Annual Revenue", AMOUNT, "additional_info"),
    ("Order value", AMOUNT, ""), ("Invoice amount", AMOUNT, ""), ("Discount", AMOUNT, ""), ("Booking Amount", AMOUNT, ""),
    ("Budget", ("50-60 lakh", "under 1 Cr", "1 Cr", "flexible"), "deal_value"), ("Budget", ("50-60 lakh", "open", "flexible", "ask"), ""),
    ("Value", WORDS, ""), ("Price", AMOUNT, ""),
    # stage, group, labels, products, source
    ("Stage", STAGE, "lead_stage_name"), ("Lead Status", STAGE, "lead_stage_name"), ("Status", STAGE, "lead_stage_name"),
    ("Status", ("Warm led", "zzz", "zzz", "zzz"), "lead_stage_name"), ("Lead Stage", WORDS, "lead_stage_name"),
    ("Status", YES, ""), ("Status", ("Active", "Inactive", "Active", "Active"), ""), ("Status", ("Paid", "Unpaid", "Paid", "Paid"), ""),
    ("Call Status", STAGE, "lead_stage_name"), ("Attendee Status", ("Attending", "Not attending", "Attending", ""), ""),
    ("Lifecycle Stage", ("Lead", "Subscriber", "Customer", "Lead"), ""), ("स्थिति", STAGE, "lead_stage_name"),
    ("Type", ("Individual", "Dealer", "Dealer", "Dealer"), ""), ("Group", ("Walk-ins", "Website leads"), "lead_group_name"),
    ("Blood Group", ("A+", "B+", "O-", "AB+"), ""), ("Tags", ("VIP", "Hot, Hindi"), "add_labels"), ("Tag", ("VIP",), "add_labels"),
    ("Category", ("SC", "ST", "OBC", "GEN"), ""), ("Priority", ("Hot", "VIP", "Hot", "VIP"), "add_labels"),
    ("Interested In", ("Villa plot", "Home loan"), "add_products"), ("Course", ("BBA", "MBA", "BCA", "MCA"), ""),
    ("How did you come to know about us?", WORDS, "source"), ("Where did you hear about us", WORDS, "source"),
    ("Product", WORDS, ""), ("Tags", WORDS, ""),  # nothing of it is in the account
    ("Product", PRODUCTS, "add_products"), ("Lead Source", WORDS, "source"), ("Source", WORDS, "source"),
    ("Source Type", ("CSV_UPLOAD", "OTHERS"), "source_type"), ("Remarks", WORDS, "customer_note"), ("Comments", WORDS, "customer_note"),
    ("Feedback", YES, ""), ("Requirement", WORDS, "additional_info"), ("Description", WORDS, "additional_info"),
    # somebody else's
    ("Parent's phone number", PHONE, ""), ("Father's mobile", PHONE, ""), ("Father Name", NAME, ""), ("Mother's Name", NAME, ""),
    ("Guardian Contact No", PHONE, ""), ("Emergency contact", PHONE, ""), ("Emergency Contact Number", PHONE, ""),
    ("Ref. mobile", PHONE, ""), ("Reference", NAME, ""), ("Referred By", NAME, ""), ("Reference Contact No", PHONE, ""),
    ("Mobile (father)", PHONE, ""), ("Spouse Phone", PHONE, ""), ("Nominee Name", NAME, ""), ("पिता का नाम", NAME, ""),
    ("पिता का मोबाइल नंबर", PHONE, ""), ("Lead Owner", NAME, "assignee_user_phone"), ("Contact owner", NAME, "assignee_user_phone"), ("Sales owner", NAME, "assignee_user_phone"),
    ("OwnerIdEmailAddress", EMAIL, ""), ("Owner Phone", PHONE, ""), ("Agent Name", NAME, ""), ("Broker Mobile", PHONE, ""),
    ("Sales Executive", NAME, "assignee_user_phone"), ("Assigned To", NAME, "assignee_user_phone"), ("Assigned To", PHONE, "assignee_user_phone"),
    ("Assignee Phone", PHONE, "assignee_user_phone"), ("Telecaller", NAME, "assignee_user_phone"), ("Created By", NAME, ""), ("Friend's number", PHONE, ""),
    # something else
    ("best_number?", PHONE, ""), ("dncmobile", PHONE, ""), ("dncphone", YES, ""), ("Email Opt Out", YES, ""),
    ("GST No", ("29ABCDE1234F1Z5", "27ABCDE1234F1Z6", "", ""), ""), ("Aadhaar", AADHAAR, ""), ("Aadhar No.", AADHAAR, ""),
    ("PAN", ("ABCDE1234F", "", "", ""), ""), ("Order No", TEN_DIGIT_ID, ""), ("Order No.", ID, ""), ("Registration ID", ID, ""),
    ("Booking ID", TEN_DIGIT_ID, ""), ("Customer ID", TEN_DIGIT_ID, ""), ("Record ID", ID, ""), ("Lead ID", TEN_DIGIT_ID, ""),
    ("Contract No", TEN_DIGIT_ID, ""), ("Policy Number", TEN_DIGIT_ID, ""), ("Account No", TEN_DIGIT_ID, ""), ("Fax", LANDLINE, ""),
    ("Sr No", COUNT, ""), ("S. No.", COUNT, ""), ("Sr No", TEN_DIGIT_ID, ""), ("UNIQUE_QUERY_ID", TEN_DIGIT_ID, ""),
    ("Customer Number", ID, ""), ("No", COUNT, ""), ("Number", COUNT, ""), ("Quantity", COUNT, ""), ("No of guests", COUNT, ""),
    ("Date of birth", DATE, ""), ("DOB", DATE, ""), ("Last contacted", DATE, ""), ("Create Date", DATE, ""), ("Timestamp", DATE, ""),
    ("Last Activity", DATE, ""), ("Next Follow up", DATE, "task_due"), ("Age", COUNT, ""), ("Gender", ("M", "F", "M", "M"), ""),
    ("Email verified", YES, ""), ("Phone verified", YES, ""), ("Phone Type", ("mobile", "home", "mobile", "home"), ""),
    ("campaign_name", WORDS, ""), ("form_name", WORDS, ""), ("ad_name", WORDS, ""), ("Event Name", WORDS, ""), ("GCLID", WORDS, ""),
    ("Project Name", WORDS, ""), ("Product Code", WORDS, ""), ("Ticket Type", WORDS, ""), ("Job Title", WORDS, "additional_info"), ("Username", WORDS, ""),
    ("Password", WORDS, ""), ("Old number", PHONE, ""), ("WhatsApp", YES, ""), ("Contacted?", YES, ""), ("Interested in", YES, ""),
    # a header that says two things, and cells that belie their header
    ("Name & Address", WORDS, ""), ("City/State", CITY, "address.text"), ("Phone / Fax", PHONE, ""), ("Name", PHONE, ""), ("Name", EMAIL, ""),
    ("City", EMAIL, ""), ("Email", YES, ""), ("Email", WORDS, ""), ("Latitude", WORDS, ""), ("Long", WORDS, ""), ("URL", WORDS, ""),
    ("Latitude", ("12.97", "13.01", "12.9", "12"), "address.latitude"), ("", WORDS, ""), ("???", WORDS, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    ALONE,
    ids=[f"{header} ({cells[0]}) -> {field or 'left out'}" for header, cells, field in ALONE],
)
def test_header_with_its_cells_goes_to_its_field(header, cells, field):
    """A wrong mapping ruins a CRM unnoticed: what is not the lead's own stays out, and has a reason."""
    mapping = choose_for([("Mobile Number", PHONE), (header, cells)])
    assert mapping.columns[0].field == "customer_phone"
    assert mapping.columns[1].field == field, mapping.columns[1].reason
    assert mapping.columns[1].reason


@pytest.mark.parametrize(
    "header",
    [
        "Phone", "Phone No.", "PHONE_NUMBER", "phonenumber", "Ph", "Ph. No", "Mob", "Mob.", "Mob No", "Mobile", "Mobile No.",
        "mobile number*", "MobileNumber", "Moble Number", "Mobile Numbr", "Contact No", "Contact No.", "Contact Number", "Contact",
        "Contact details", "Customer Mobile", "Customer's mobile no.", "Your phone number", "Enter your mobile number", "Cell Phone",
        "WhatsApp", "WhatsApp number (for your pass)", "Mobile Number (WhatsApp)", "Mobile / WhatsApp No", "Phone or Mobile",
        "Phone 1", "Mobile-1", "Registered Mobile Number", "Student mobile no", "Tel", "Telephone", "User Phone", "SENDER_MOBILE",
        "lead_phone", "Person - Phone - Work", "Number", "No.", "Customer Number", "फोन", "मोबाइल नंबर", "मोबाइल नं.", "फ़ोन नंबर",
        "संपर्क", "What is your phone number?", "Landline", "Alternate Number", "Column A", "xyz", "Handy", "Telefon",
    ],
)  # fmt: skip
def test_header_of_the_leads_phone_is_known(header):
    """The phone column is found by every header that people give it."""
    assert list_fields([("Name", NAME), (header, PHONE)], needs_phone=True)[1] == (header, "customer_phone")


# --- whole sheets

SHEETS = {
    "HubSpot": [
        ("Record ID", ID, ""), ("First Name", NAME, "first_name"), ("Last Name", NAME, "last_name"), ("Email", EMAIL, "email"),
        ("Phone Number", PHONE, "customer_phone"), ("Contact owner", NAME, "assignee_user_phone"), ("Lead Status", STAGE, "lead_stage_name"),
        ("Lifecycle Stage", ("Lead", "Customer"), ""), ("Create Date", DATE, ""), ("Job Title", WORDS, "additional_info"),
        ("Company Name", NAME, "business_name"), ("Associated Company", NAME, ""), ("Country/Region", WORDS, "address.additional"),
        ("Original Source", WORDS, "source"),
    ],
    "Salesforce report": [
        ("Lead Owner", NAME, "assignee_user_phone"), ("First Name", NAME, "first_name"), ("Last Name", NAME, "last_name"), ("Title", WORDS, ""),
        ("Company / Account", NAME, "business_name"), ("Lead Source", WORDS, "source"), ("Rating", ("Cold", "Warm"), ""),
        ("Street", WORDS, "address.text"), ("Email", EMAIL, "email"), ("Lead ID", ID, ""), ("Phone", PHONE, "add_phones"),
        ("Mobile Phone", PHONE, "customer_phone"), ("Other Phone", LANDLINE, "add_phones"), ("Description", WORDS, "additional_info"),
        ("Create Date", DATE, ""), ("City", CITY, "city"), ("State/Province", WORDS, "address.additional"),
        ("Zip/Postal Code", ID, "address.additional"), ("Country", WORDS, "address.additional"), ("Email Opt Out", YES, ""),
        ("Status", ("Open - Not Contacted", "Closed"), ""),
    ],
    "Zoho": [
        ("Record Id", ("zcrm_1", "zcrm_2"), ""), ("Lead Owner", NAME, "assignee_user_phone"), ("Lead Name", NAME, "full_name"),
        ("First Name", NAME, "first_name"), ("Last Name", NAME, "last_name"), ("Company", NAME, "business_name"),
        ("Email", EMAIL, "email"), ("Secondary Email", EMAIL, "email"), ("Phone", LANDLINE, "add_phones"),
        ("Mobile", PHONE, "customer_phone"), ("Website", LINK, "website"), ("Lead Source", WORDS, "source"),
        ("Lead Status", STAGE, "lead_stage_name"), ("Annual Revenue", AMOUNT, "additional_info"), ("Street", WORDS, "address.text"),
        ("Tag", ("VIP",), "add_labels"), ("Created Time", DATE, ""),
    ],
    "IndiaMART": [
        ("UNIQUE_QUERY_ID", TEN_DIGIT_ID, ""), ("QUERY_TYPE", ("W", "BIZ"), ""), ("QUERY_TIME", DATE, ""),
        ("SENDER_NAME", NAME, "full_name"), ("SENDER_MOBILE", PHONE, "customer_phone"), ("SENDER_EMAIL", EMAIL, "email"),
        ("SUBJECT", WORDS, ""), ("SENDER_COMPANY", NAME, "business_name"), ("SENDER_ADDRESS", WORDS, "address.text"),
        ("SENDER_CITY", CITY, "city"), ("SENDER_STATE", WORDS, "address.additional"), ("SENDER_MOBILE_ALT", PHONE, "add_phones"),
        ("SENDER_PHONE", LANDLINE, "add_phones"), ("SENDER_EMAIL_ALT", EMAIL, "email"),
        ("QUERY_PRODUCT_NAME", PRODUCTS, "add_products"), ("QUERY_MESSAGE", WORDS, "additional_info"),
    ],
    "Justdial": [
        ("leadid", TEN_DIGIT_ID, ""), ("leadtype", WORDS, ""), ("prefix", ("Mr", "Ms"), ""), ("name", NAME, "full_name"),
        ("mobile", PHONE, "customer_phone"), ("phone", LANDLINE, "add_phones"), ("email", EMAIL, "email"), ("date", DATE, ""),
        ("category", WORDS, ""), ("city", CITY, "city"), ("area", WORDS, "address.text"), ("dncmobile", PHONE, ""),
        ("dncphone", LANDLINE, ""), ("company", NAME, "business_name"), ("pincode", ID, "address.additional"),
    ],
    "Meta Lead Ads": [
        ("id", ID, ""), ("created_time", DATE, ""), ("ad_id", ID, ""), ("ad_name", WORDS, ""), ("campaign_name", WORDS, ""),
        ("form_name", WORDS, ""), ("is_organic", YES, ""), ("platform", ("fb", "ig"), ""), ("best_number?", PHONE, ""),
        ("full_name", NAME, "full_name"), ("phone_number", ("p:+919845012345", "p:+919845012346"), "customer_phone"),
        ("email", EMAIL, "email"), ("city", CITY, "city"), ("lead_status", ("CREATED", "CREATED"), "lead_stage_name"),
    ],
    "Google Forms": [
        ("Timestamp", DATE, ""), ("Email Address", EMAIL, "email"), ("Your full name", NAME, "full_name"),
        ("Mobile Number (WhatsApp)", PHONE, "customer_phone"), ("Parent's phone number", PHONE, ""), ("Email Address2", EMAIL, "email"),
    ],
    "Eventbrite": [
        ("Order No.", TEN_DIGIT_ID, ""), ("Order Date", DATE, ""), ("First Name", NAME, "first_name"), ("Last Name", NAME, "last_name"),
        ("Email", EMAIL, "email"), ("Quantity", COUNT, ""), ("Ticket Type", WORDS, ""), ("Order Type", WORDS, ""),
        ("Total Paid", AMOUNT, ""), ("Event Name", WORDS, ""), ("Attendee Status", ("Attending", "Checked In"), ""),
        ("Buyer First Name", NAME, ""), ("Buyer Email", EMAIL, ""), ("Cell Phone", PHONE, "customer_phone"),
        ("Home Address 1", WORDS, "address.text"), ("Home City", CITY, "city"),
    ],
    "a property portal": [
        ("lead_name", NAME, "full_name"), ("lead_phone", PHONE, "customer_phone"), ("lead_email", EMAIL, "email"),
        ("project_name", WORDS, ""), ("locality", WORDS, "address.text"), ("lead_date", DATE, ""),
    ],
    "an Indian hand-made sheet": [
        ("S. No.", COUNT, ""), ("Name", NAME, "full_name"), ("Mob.", PHONE, "customer_phone"), ("Alternate Mobile", PHONE, "add_phones"),
        ("WhatsApp No", PHONE, "add_phones"), ("Email Id", EMAIL, "email"), ("Firm Name", NAME, "business_name"),
        ("Place", CITY, "city"), ("Remarks", WORDS, "customer_note"), ("Assigned To", NAME, "assignee_user_phone"), ("Budget", AMOUNT, "deal_value"),
    ],
    "a Hindi sheet": [
        ("क्रमांक", COUNT, ""), ("ग्राहक का नाम", NAME, "full_name"), ("मोबाइल नंबर", PHONE, "customer_phone"), ("शहर", CITY, "city"),
        ("पता", WORDS, "address.text"), ("टिप्पणी", WORDS, "customer_note"), ("दिनांक", DATE, ""), ("पिता का नाम", NAME, ""),
    ],
    "Name twice": [("Name", NAME, "full_name"), ("Phone", PHONE, "customer_phone"), ("Name", WORDS, "")],
    "Stage before Status": [("Phone", PHONE, "customer_phone"), ("Status", STAGE, ""), ("Stage", STAGE, "lead_stage_name")],
    "no header row": [("Column A", NAME, "full_name"), ("Column B", PHONE, "customer_phone"), ("Column C", PHONE, ""), ("Column D", EMAIL, "email")],
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_whole_sheet_goes_to_the_right_fields(name):
    """The exports of known programs are read right even without a preset."""
    sheet = SHEETS[name]
    found = list_fields([(header, cells) for header, cells, _ in sheet], needs_phone=True)
    assert found == [(header, field) for header, _, field in sheet]


@pytest.mark.parametrize("name", SHEETS)
def test_field_with_one_value_gets_one_column(name):
    """Two columns never overwrite each other, even if every column is there twice."""
    sheet = [(header, cells) for header, cells, _ in SHEETS[name]]
    mapping = choose_for(sheet + sheet)
    for field in FIELDS:
        if not field.takes_many_columns:
            assert len(mapping.find_columns(field.name)) <= 1, field.name
    assert all(column.reason for column in mapping.columns)


# --- cells against headers


def test_ambiguous_header_is_asked_about_without_the_lists():
    """Without the lists of the account, cells cannot confirm an ambiguous header."""
    mapping = choose_for([("Phone", PHONE), ("Status", STAGE)], titles={})
    assert mapping.columns[1].field == "lead_stage_name"
    assert needs_confirmation(mapping.columns[1])


def test_phone_column_that_excel_has_ruined_is_still_the_phone():
    """Its rows are rejected with a reason. Another column in its place would be worse."""
    ruined = ("9.84501E+09", "9.84502E+09", "9.84503E+09", "9.84504E+09")
    assert list_fields([("Phone", ruined), ("Customer ID", TEN_DIGIT_ID)])[0] == ("Phone", "customer_phone")


def test_phone_column_may_begin_with_empty_words():
    """The first three cells alone would not show any phone."""
    cells = ("N/A", "-", "not given", "not given", *PHONE)
    assert list_fields([("Phone", cells), ("Name", NAME)])[0] == ("Phone", "customer_phone")


def test_orders_of_a_shop_are_read_by_their_billing_columns():
    """`Name` is the number of the order, and `Phone` is mostly empty."""
    orders = [
        ("Name", ("#1001", "#1002", "#1003", "#1004")),
        ("Billing Name", NAME),
        ("Billing Phone", PHONE),
        ("Phone", ()),
    ]
    assert list_fields(orders) == [
        ("Name", ""),
        ("Billing Name", "full_name"),
        ("Billing Phone", "customer_phone"),
        ("Phone", "add_phones"),
    ]


def test_one_bad_cell_does_not_contradict_a_sure_header():
    """The row is rejected with its reason instead of leaving out the whole column."""
    assert list_fields([("Phone", PHONE[:1]), ("Budget", ("call me",))])[1] == ("Budget", "deal_value")


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    [
        ("Assignee phone", ("-none-",) * 4, "assignee_user_phone"),
        ("Latitude", ("12.97", "-none-", "-none-", "-none-"), "address.latitude"),
        ("Status", ("New", "-none-", "-none-"), "lead_stage_name"),
        ("Assignee phone", ("Yes", "-none-", "-none-"), ""),
    ],
)
def test_clearing_cells_do_not_contradict_their_column(header, cells, field):
    """A sheet that unassigns leads was once imported without its column."""
    column_map = ColumnMap(clear=Clearing(token="-none-"))
    assert list_fields([("Phone", PHONE), (header, cells)], column_map=column_map)[1] == (header, field)


def test_misspelled_header_is_asked_about():
    """A header that nearly reads like a known one is only a guess."""
    column = choose_for([("Phone", PHONE), ("Adress", WORDS)]).columns[1]
    assert needs_confirmation(column)
    assert column.reason == 'is spelled almost like "address"'


@pytest.mark.parametrize("header", ["Alt", "Alternate", "Alternative"])
def test_alternate_is_another_phone_if_its_cells_are_phones(header):
    """The header `Alt` alone does not say what it is an alternative to."""
    assert list_fields([("Phone", PHONE), (header, PHONE)])[1] == (header, "add_phones")
    assert list_fields([("Phone", PHONE), (header, NAME)])[1] == (header, "")


def test_first_and_last_side_by_side_are_names():
    """They were once left out, and the leads had no name."""
    sheet = [("First", NAME), ("Last", NAME), ("Phone", PHONE)]
    assert list_fields(sheet)[:2] == [("First", "first_name"), ("Last", "last_name")]
    assert list_fields(sheet[1:])[0] == ("Last", "")
    days = ("12/11/2026", "12 Nov 2026", "3 days ago", "13-11-2026")
    assert list_fields([("First", days), ("Last", days), ("Phone", PHONE)])[:2] == [
        ("First", ""),
        ("Last", ""),
    ]
    numbered = tuple(f"Lead {number}" for number in range(4))
    assert list_fields([("Last name", numbered), ("Phone", PHONE)])[0] == ("Last name", "last_name")


@pytest.mark.parametrize("header", ["E-mails", "Home E-mail", "Work E-mail", "E-mail Id", "E mail address"])
def test_e_mail_is_one_word(header):
    """`E-mail`, `E mail` and `email` are the same."""
    assert list_fields([(header, ())]) == [(header, "email")]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        # whose address it is does not matter
        ("Mailing Street", "address.text"),
        ("Home postal code", "address.additional"),
        ("Billing City", "city"),
        ("Billing First Name", "first_name"),
        ("Billing Last Name", "last_name"),
        ("Billing Company", "business_name"),
        ("Billing Amount", ""),
        ("Billing Status", ""),
        ("Address - City", "city"),
        ("Default Address Address2", "address.text"),
        ("Street Address Line 2", "address.text"),
        ("Address - State / Region / Province", "address.additional"),
        ("Work place", ""),
        ("City / State", "address.text"),
        ("Area / Locality", "address.text"),
        # nor who wrote a note, and a note may hold more than its header says
        ("Last Note", "customer_note"),
        ("Internal Notes", "customer_note"),
        ("Telecaller Remarks", "customer_note"),
        ("Remarks/Follow up", "customer_note"),
        ("Remarks & next action", "customer_note"),
        ("Remarks/Status", "customer_note"),
        ("Remarks / Budget", ""),
        ("Last Call Remark", "customer_note"),
        ("Payment Notes", "customer_note"),
        ("Delivery Note", ""),
        ("Remarks Date", ""),
        ("No. of comments", ""),
        ("Resi Ph", "customer_phone"),
        ("Comments or questions", "customer_note"),
        ("Name & Remarks", ""),
        ("Enquiry Message", "additional_info"),
        ("Telecaller", "assignee_user_phone"),
        # two languages
        ("Name / पूरा नाव", "full_name"),
        ("Full Name of the Applicant / आवेदक का नाम", "full_name"),
        ("பெயர் (Name)", "full_name"),
        ("Mobile\nகைபேசி", "customer_phone"),
        ("Date / दिन", ""),
        ("தந்தை Mobile", ""),
        ("Father's mobile / पिता का मोबाइल", ""),
        # others than Hindi and English
        ("பெயர்", "full_name"),
        ("మొబైల్ నంబర్", "customer_phone"),
        ("ಊರು", "city"),
        ("નોંધ", "customer_note"),
        ("ঠিকানা", "address.text"),
        ("മൊബൈൽ നമ്പർ", "customer_phone"),
        ("ग्राहकाचे नाव", "full_name"),
        ("शेरा", "customer_note"),
        # a size is not a place
        ("Area (sq. ft.)", ""),
        ("Area in sqft", ""),
        ("Load (kW)", ""),
        ("Area", "address.text"),
        # names of firms and people
        ("Co. Name", "business_name"),
        ("Name of Ledger", "business_name"),
        ("Consumer Name", "full_name"),
        ("Policy Holder Name", "full_name"),
        ("Hi, what's your full name?", "full_name"),
        ("Policy No.", ""),
        # wishes not to be called
        ("NDNC", "additional_info"),
        ("DND Status", "additional_info"),
        ("Consent (Yes/No)", "additional_info"),
        # what is said of a firm, and other texts (FINDINGS, D7 and small ones)
        ("Designation", "additional_info"),
        ("Industry", "additional_info"),
        ("Company Size", "additional_info"),
        ("Website Link", "website"),
        ("content", "additional_info"),
        ("पत्ता / विभाग", "address.text"),
        ("Address / Ward", "address.text"),
        # the number of a firm is not a lead's (FINDINGS, D5)
        ("Company Phone", "additional_info"),
        ("Corporate Phone Number", "additional_info"),
        ("Head Office Number", "additional_info"),
    ],
)
def test_header_of_a_real_sheet_goes_to_its_field(header, field):
    """Seen in the sheets of estate agents, schools, clinics, Tally, Shopify, Zoho Forms and JotForm."""
    assert list_fields([(header, ())]) == [(header, field)]


def test_numbers_alone_are_not_an_address():
    """`Area` is a place in one sheet and a size in another."""
    assert list_fields([("Area", ("1200", "1,450", "980.5")), ("City", ("12", "14", "19"))]) == [
        ("Area", ""),
        ("City", ""),
    ]
    assert list_fields([("Area", ("Baner", "12 Lane", "HSR"))]) == [("Area", "address.text")]
    assert list_fields([("Visitor", COUNT)]) == [("Visitor", "")]


@pytest.mark.parametrize("header", ["Loan Amt (Lacs)", "Investment Capacity", "Max Budget"])
def test_ambiguous_amount_is_decided_by_its_cells(header):
    """`Max Budget` is the deal value only if its cells are amounts."""
    assert list_fields([(header, AMOUNT)]) == [(header, "deal_value")]
    assert list_fields([(header, WORDS)]) == [(header, "")]


def test_content_is_not_taken_for_consent():
    """One letter apart, `content` was once asked about as a misspelled `consent`."""
    column = choose_for([("Phone", PHONE), ("content", WORDS)]).columns[1]
    assert not needs_confirmation(column)


def test_number_of_a_firm_is_never_promoted():
    """Five colleagues with one switchboard once became one lead (FINDINGS, D5)."""
    board = ("080 41122001",) * 4
    mapping = choose_for([("Name", NAME), ("Mobile Phone", ()), ("Company Phone", board)])
    assert [column.field for column in mapping.columns] == ["full_name", "customer_phone", "additional_info"]
    with pytest.raises(MissingPhoneColumnError, match="it is the number of a firm"):
        choose_for([("Name", NAME), ("Company Phone", board)], needs_phone=True)


def test_link_with_an_at_sign_is_no_e_mail():
    """A map link was once the e-mail of every lead, and every row was rejected (FINDINGS, D4)."""
    links = tuple(f"https://www.google.com/maps/place/A/@28.7,77.{n},14z" for n in range(4))
    assert list_fields([("Phone", PHONE), ("location_link", links)])[1] == ("location_link", "")
