"""The one table of a lead's fields: API name, kind, list of titles, and the headers that people give them.

Source: the table under "Create or update a lead" in the API page. Everything that lists fields reads this.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """How a cell of the field is read, and what shape its payload value has."""

    TEXT = "text"  # str
    FULL_NAME = "full name"  # becomes first_name and last_name
    WEBSITE = "website"  # str
    PHONE = "phone"  # str, E.164
    PHONES = "phones"  # list of str, E.164
    DIAL_CODE = "dial code"  # joined in front of the phones of its row
    EMAILS = "emails"  # list of str
    MONEY = "money"  # int or float, rupees as they stand
    COORDINATE = "coordinate"  # float, degrees
    TITLE = "title"  # str, one title of a dropdown
    TITLES = "titles"  # list of str, titles of a dropdown


class Dropdown(StrEnum):
    """The account's five lists; the value is the last part of the list's address."""

    SOURCE_TYPE = "source-type"
    STAGE = "lead-stage"
    GROUP = "lead-group"
    LABEL = "label"
    PRODUCT = "product"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a lead.

    `name` is the API's (`address.text` is the part `text` of the object `address`); `label` is what people
    read. `joins` says that several columns may feed it. `synonyms` are headers seen in the world, compared
    loosely (case, spaces, punctuation and `_` do not count); `maybe` are headers that often mean the field
    and often something else: the cells must bear them out, or a person is asked.
    """

    name: str
    label: str
    kind: Kind
    nullable: bool = False
    dropdown: Dropdown | None = None
    takes_many_columns: bool = False
    synonyms: tuple[str, ...] = ()
    ambiguous_synonyms: tuple[str, ...] = ()


TITLE_SEPARATORS = re.compile(r"\s*[,;|\n]\s*")
"""What parts the titles of one cell. A title may hold such a mark itself: the pieces are then put together again."""

NEEDS_HEADER = (
    "middle name", "middle initial", "do not call", "do not contact", "do not disturb", "dnd", "dnc", "opted out",
    "opt out", "phone opt out", "ndnc", "ndnc status", "dnd status", "dnc status", "trai dnd", "dnd registered",
    "unsubscribed", "consent", "consent to call", "call consent", "consent to contact",
)  # fmt: skip
"""Headers whose cells mean nothing without them: they go to the additional info as `Do Not Call: Yes`."""

_ANOTHER_PHONE = tuple(
    f"{which} {what}"
    for which in ("alternate", "alternative", "alt", "other", "second", "2nd", "secondary", "additional")
    for what in (
        "phone", "phones", "phone number", "phone numbers", "phone no", "ph", "ph no", "mobile", "mobile number",
        "mobile no", "mob", "mob no", "cell", "cell no", "number", "numbers", "no", "contact", "contact number",
        "contact no", "whatsapp", "whatsapp number", "whatsapp no",
    )
)  # fmt: skip

FIELDS: tuple[Field, ...] = (
    Field(
        name="customer_phone",
        label="Phone",
        kind=Kind.PHONE,
        synonyms=(
            "phone", "phone number", "phone no", "ph no", "ph number", "ph", "mobile", "mobile number", "mobile no",
            "mob", "mob no", "mob number", "mobile phone", "mobile phone number", "cell", "cell phone", "cell number",
            "cell no", "contact number", "contact no", "contact num", "phone num", "mobile num", "contact phone",
            "contact mobile", "primary phone", "primary mobile", "primary number", "customer phone", "lead phone", "billing phone",
            "user phone", "sender mobile", "telephone", "telephone number", "telephone no", "tel", "tel no",
            "tel number", "phone work", "work number", "whatsapp number", "whatsapp no", "whatsapp", "whatsapp mobile",
            "whatsapp phone", "mobile number whatsapp", "calling number", "mobile with country code",
            "phone with country code", "फोन", "फोन नंबर", "मोबाइल", "मोबाइल नंबर", "मो", "मो नंबर", "संपर्क नंबर",
            "संपर्क", "सम्पर्क नंबर", "दूरभाष", "दूरभाष नंबर", "दूरध्वनी", "दूरध्वनी नंबर", "भ्रमणध्वनी",
            "भ्रमणध्वनी नंबर",
            "व्हाट्सएप", "व्हाट्सएप नंबर", "व्हाट्सऐप नंबर",
            "கைபேசி", "கைபேசி எண்", "மொபைல்", "மொபைல் எண்", "தொலைபேசி", "தொலைபேசி எண்", "செல் எண்",
            "தொடர்பு எண்", "మొబైల్", "మొబైల్ నంబర్", "ఫోన్", "ఫోన్ నంబర్", "సెల్ నంబర్", "ಮೊಬೈಲ್", "ಮೊಬೈಲ್ ಸಂಖ್ಯೆ",
            "ಮೊಬೈಲ್ ನಂಬರ್", "ಫೋನ್", "ಫೋನ್ ನಂಬರ್", "ದೂರವಾಣಿ", "ದೂರವಾಣಿ ಸಂಖ್ಯೆ", "മൊബൈൽ", "മൊബൈൽ നമ്പർ", "ഫോൺ",
            "ഫോൺ നമ്പർ",
            "મોબાઈલ", "મોબાઇલ", "મોબાઈલ નંબર", "મોબાઇલ નંબર", "ફોન", "ફોન નંબર", "સંપર્ક નંબર", "মোবাইল",
            "মোবাইল নম্বর",
            "মোবাইল নং", "ফোন", "ফোন নম্বর", "ਮੋਬਾਈਲ", "ਮੋਬਾਈਲ ਨੰਬਰ", "ਫੋਨ", "ਫੋਨ ਨੰਬਰ", "ମୋବାଇଲ", "ମୋବାଇଲ ନମ୍ବର",
        ),
        ambiguous_synonyms=("number", "no", "contact", "contacts", "contact details", "contact info", "customer number", "नंबर"),
    ),
    Field(
        name="add_phones",
        label="Other phones",
        kind=Kind.PHONES,
        takes_many_columns=True,
        synonyms=(
            *_ANOTHER_PHONE, "home phone", "landline", "landline no", "landline number", "office phone", "office number",
            "office no", "business phone", "company phone", "corporate phone", "work phone", "work direct phone",
            "office ph",
            "office landline", "home landline", "residence phone", "residence no", "resi phone", "resi ph", "resi no",
            "default address phone", "sender mobile alt", "sender phone", "वैकल्पिक नंबर",
            "वैकल्पिक मोबाइल", "वैकल्पिक मोबाइल नंबर", "दूसरा नंबर", "दूसरा मोबाइल", "दूसरा मोबाइल नंबर", "अन्य नंबर",
            "पर्यायी नंबर", "पर्यायी मोबाइल", "पर्यायी मोबाइल नंबर", "दुसरा नंबर", "लैंडलाइन", "மாற்று எண்",
            "ఇతర నంబర్", "ಪರ್ಯಾಯ ಸಂಖ್ಯೆ", "മറ്റ് നമ്പർ",
            "બીજો નંબર", "বিকল্প নম্বর",
        ),
        ambiguous_synonyms=("alt", "alternate", "alternative"),
    ),
    Field(
        name="dial_code",
        label="Dial code",
        kind=Kind.DIAL_CODE,
        synonyms=(
            "dial code", "dialing code", "dialling code", "isd code", "isd", "phone code", "phone country code",
            "country dial code",
        ),
        ambiguous_synonyms=("country code",),
    ),
    Field(
        name="full_name",
        label="Full name",
        kind=Kind.FULL_NAME,
        synonyms=(
            "name", "full name", "fullname", "customer name", "lead name", "contact name", "contact person",
            "contact person name", "client name", "person name", "attendee name", "guest name", "sender name",
            "buyer name", "billing name", "participant name", "student name", "patient name", "candidate name", "applicant name",
            "visitor name", "member name", "prospect name", "party name", "name in full", "complete name",
            "saved name", "display name", "pax name", "policy holder name", "policyholder name", "holder name",
            "नाम", "पूरा नाम", "ग्राहक का नाम", "ग्राहक नाम", "आपका नाम", "व्यक्ति का नाम", "नाव", "पूर्ण नाव",
            "ग्राहकाचे नाव",
            "naam", "பெயர்", "முழு பெயர்", "పేరు", "ಹೆಸರು", "പേര്", "નામ", "নাম", "ਨਾਮ", "ନାମ",
        ),
        ambiguous_synonyms=("user name", "person", "customer", "client", "lead", "party", "guest", "attendee", "participant", "ग्राहक", "student",
            "patient", "visitor", "candidate", "applicant", "prospect", "member", "buyer", "enquirer"),
    ),
    Field(
        name="first_name",
        label="First name",
        kind=Kind.TEXT,
        synonyms=("first name", "firstname", "name first", "name first name", "given name", "billing first name", "fname", "f name",
            "forename", "पहला नाम", "प्रथम नाम"),
    ),
    Field(
        name="last_name",
        label="Last name",
        kind=Kind.TEXT,
        synonyms=("last name", "lastname", "name last", "name last name", "surname", "family name", "billing last name", "lname", "l name",
            "उपनाम", "अंतिम नाम"),
    ),
    Field(
        name="business_name",
        label="Business",
        kind=Kind.TEXT,
        synonyms=(
            "business name", "business", "company", "company name", "billing company", "firm", "firm name", "organisation",
            "organization", "organisation name", "organization name", "company account", "account name",
            "shop name", "store name", "outlet name", "firm company name", "name of firm", "name of company",
            "organisation company", "sender company", "co name", "org name", "ledger name", "name of ledger",
            "trade name",
            "institute name", "institution name", "agency name", "कंपनी", "कम्पनी", "कंपनी का नाम", "फर्म",
            "फर्म का नाम",
            "दुकान", "दुकान का नाम", "संस्था", "व्यवसाय का नाम",
        ),
        ambiguous_synonyms=("associated company", "employer", "shop", "store", "institute", "institution"),
    ),
    Field(
        name="email",
        label="E-mail",
        kind=Kind.EMAILS,
        takes_many_columns=True,
        synonyms=(
            "email", "emails", "email id", "mail id", "email address", "mail", "emailaddress", "user email",
            "lead email",
            "sender email", "secondary email", "sender email alt", "work email", "personal email", "home email",
            "business email", "office email", "primary email", "other email", "alternate email", "contact email",
            "mail address", "gmail", "gmail id", "ईमेल", "ई मेल", "ईमेल आईडी", "ई मेल आईडी", "ईमेल पता", "मेल आईडी",
            "மின்னஞ்சல்", "ఈమెయిల్", "ಇಮೇಲ್", "ഇമെയിൽ", "ઈમેલ", "ইমেল",
        ),
    ),
    Field(
        name="website",
        label="Website",
        kind=Kind.WEBSITE,
        synonyms=(
            "website", "web site", "site url", "company website", "website url", "homepage", "company url", "वेबसाइट",
        ),
        ambiguous_synonyms=("url", "site", "domain", "web"),
    ),
    Field(
        name="city",
        label="City",
        kind=Kind.TEXT,
        synonyms=(
            "city", "town", "place", "city name", "sender city", "mx city", "home city", "district", "city town",
            "town city", "village", "current city", "residing city", "शहर", "शहर का नाम", "नगर", "स्थान", "जिला",
            "ज़िला", "गांव", "गाँव", "गाव", "जिल्हा", "gaon", "shahar", "dist", "district name", "ஊர்", "நகரம்", "ఊరు",
            "నగరం", "ಊರು", "ನಗರ", "സ്ഥലം", "നഗരം", "શહેર", "ગામ", "শহর", "স্থান", "ਸ਼ਹਿਰ", "ਪਿੰਡ", "ସହର",
        ),
    ),
    Field(
        name="address.text",
        label="Address",
        kind=Kind.TEXT,
        nullable=True,
        takes_many_columns=True,
        synonyms=(
            "address", "street", "street address", "full address", "postal address", "home address",
            "mailing address", "address 1", "address line 1", "address line 2", "sender address", "area",
            "locality", "location", "residential address", "permanent address", "current address", "address line",
            "office address", "company address", "billing address", "mx street1", "पता", "पूरा पता", "घर का पता",
            "पत्ता", "pata",
            "इलाका", "street address line", "முகவரி", "చిరునామా", "ವಿಳಾಸ", "വിലാസം", "മേൽവിലാസം", "સરનામું", "ঠিকানা",
            "ਪਤਾ", "ଠିକଣା",
        ),
    ),
    Field(
        name="address.additional",
        label="Address, further",
        kind=Kind.TEXT,
        nullable=True,
        takes_many_columns=True,
        synonyms=(
            "address additional", "landmark", "state", "state province", "province", "sender state", "mx state",
            "pincode", "pin code", "pin", "postal code", "zip", "zip code", "zip postal code", "postcode",
            "pin no", "pin number", "area pin code", "country", "country region", "state name", "state region",
            "state region province", "country name", "postal zip code",
            "taluka", "taluk", "tehsil", "tahsil", "mandal", "तालुका", "तहसील", "राज्य", "प्रदेश", "पिन", "पिन कोड",
            "पिनकोड", "देश",
        ),
    ),
    Field(
        name="address.initials",
        label="Address, initials",
        kind=Kind.TEXT,
        nullable=True,
        synonyms=("address initials", "flat no", "house no", "door no", "plot no", "मकान नंबर"),
    ),
    Field(
        name="address.latitude",
        label="Latitude",
        kind=Kind.COORDINATE,
        nullable=True,
        synonyms=("latitude", "lat", "address latitude"),
    ),
    Field(
        name="address.longitude",
        label="Longitude",
        kind=Kind.COORDINATE,
        nullable=True,
        synonyms=("longitude", "long", "lng", "lon", "address longitude"),
    ),
    Field(
        name="deal_value",
        label="Deal value",
        kind=Kind.MONEY,
        synonyms=(
            "deal value", "deal amount", "budget", "expected value", "expected revenue", "expected amount",
            "deal size", "opportunity value", "opportunity amount", "quote amount", "quote value", "quotation amount",
            "budget in rs", "budget inr", "budget range", "बजट",
        ),
        ambiguous_synonyms=("value", "amount", "potential", "estimated value", "worth", "loan amount", "loan amt",
            "investment", "investment capacity", "investment amount", "ticket size", "max budget", "budget amount",
            "total budget", "approx budget", "approximate budget", "requirement budget", "राशि", "रकम"),
    ),
    Field(
        name="source",
        label="Source",
        kind=Kind.TEXT,
        synonyms=(
            "source", "lead source", "original source", "enquiry source", "inquiry source", "lead origin",
            "source channel", "source of lead", "source of enquiry", "lead generated from", "स्रोत", "सोर्स",
        ),
        ambiguous_synonyms=("channel", "came from", "origin", "how did you hear about us"),
    ),
    Field(
        name="source_type",
        label="Source type",
        kind=Kind.TITLE,
        dropdown=Dropdown.SOURCE_TYPE,
        synonyms=("source type", "lead source type"),
    ),
    Field(
        name="lead_stage_name",
        label="Stage",
        kind=Kind.TITLE,
        dropdown=Dropdown.STAGE,
        nullable=True,
        synonyms=(
            "stage", "lead stage", "lead status", "pipeline stage", "deal stage", "prospect stage", "sales stage",
            "लीड स्टेज", "चरण",
        ),
        ambiguous_synonyms=(
            "status", "lifecycle stage", "current status", "current stage", "call status", "call disposition",
            "disposition", "follow up status", "followup status", "enquiry status", "outcome", "final status",
            "status reason", "स्थिति", "स्टेटस",
        ),
    ),
    Field(
        name="lead_group_name",
        label="Group",
        kind=Kind.TITLE,
        dropdown=Dropdown.GROUP,
        nullable=True,
        synonyms=("group", "lead group", "समूह", "ग्रुप"),
        ambiguous_synonyms=("group name", "list", "list name", "segment"),
    ),
    Field(
        name="add_labels",
        label="Labels",
        kind=Kind.TITLES,
        dropdown=Dropdown.LABEL,
        takes_many_columns=True,
        synonyms=("label", "labels", "tag", "tags", "lead label", "lead labels", "lead tag", "lead tags", "टैग",
            "लेबल"),
        ambiguous_synonyms=("category", "categories", "interest level", "priority", "rating"),
    ),
    Field(
        name="remove_labels",
        label="Labels to remove",
        kind=Kind.TITLES,
        dropdown=Dropdown.LABEL,
        synonyms=("remove labels", "remove label", "labels to remove", "remove tags"),
    ),
    Field(
        name="add_products",
        label="Products",
        kind=Kind.TITLES,
        dropdown=Dropdown.PRODUCT,
        takes_many_columns=True,
        synonyms=(
            "product", "products", "product name", "interested product", "interested products",
            "product interested", "product interested in", "product interest", "query product name", "उत्पाद",
            "प्रोडक्ट",
        ),
        ambiguous_synonyms=(
            "interested in", "interest", "item interested", "item", "service", "services", "course", "project",
            "property", "model", "plan", "package", "looking for", "requirement for", "project name",
            "interested project",
            "interested projects",
        ),
    ),
    Field(
        name="assignee_user_phone",
        label="Assignee phone",
        kind=Kind.PHONE,
        nullable=True,
        synonyms=(
            "assignee user phone", "assignee phone", "assigned to phone", "assigned user phone", "assignee mobile",
            "assigned to mobile",
        ),
        ambiguous_synonyms=("assignee", "assigned to", "assigned", "allotted to"),
    ),
    Field(
        name="additional_info",
        label="Additional info",
        kind=Kind.TEXT,
        takes_many_columns=True,
        synonyms=(
            "additional info", "additional information", "description", "details", "requirement", "requirements",
            "enquiry", "inquiry", "message", "query", "query message", "other details", "about", "enquiry details",
            "requirement details", *NEEDS_HEADER, "enquiry message", "inquiry message", "lead message",
            "buyer message", "question",
            "questions", "queries", "req", "need", "needs", "need details", "property details", "product details",
            "deal name", "deal title", "opportunity name", "topic", "purpose of visit", "विवरण", "आवश्यकता", "ज़रूरत",
            "संदेश",
        ),
    ),
    Field(
        name="customer_note",
        label="Note",
        kind=Kind.TEXT,
        takes_many_columns=True,
        synonyms=(
            "customer note", "note", "notes", "remark", "remarks", "comment", "comments", "follow up notes",
            "call notes",
            "call remarks", "feedback", "person notes", "follow up remarks", "last note", "last remark", "last comment",
            "latest note", "latest remark", "latest comment", "recent note", "internal note", "discussion",
            "last discussion", "discussion details", "call summary", "टिप्पणी", "नोट", "नोट्स",
            "रिमार्क", "शेरा", "tippani", "குறிப்பு", "குறிப்புகள்", "గమనిక", "ಟಿಪ್ಪಣಿ", "ಷರಾ", "കുറിപ്പ്", "નોંધ",
            "মন্তব্য",
        ),
    ),
)  # fmt: skip

FIELDS_BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

ALIASES: dict[str, str] = {"address": "address.text"}
"""Names that people may also use for a field in `--column`, `--default` and a map."""


def get_field_label(name: str) -> str:
    """A field's name for people."""
    field = FIELDS_BY_NAME.get(name)
    return field.label if field else name


def find_field(name: str) -> Field | None:
    """The field that `name` means, or None."""
    name = name.strip()
    return FIELDS_BY_NAME.get(ALIASES.get(name, name))
