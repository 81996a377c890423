"""The one table of a lead's fields: API name, kind, list of titles, and the headers that people give them.

Source: the table under "Create or update a lead" in the API page. Everything that lists fields reads this.
"""

from __future__ import annotations

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
    loosely (case, spaces, punctuation and `_` do not count).
    """

    name: str
    label: str
    kind: Kind
    nullable: bool = False
    dropdown: Dropdown | None = None
    joins: bool = False
    synonyms: tuple[str, ...] = ()


FIELDS: tuple[Field, ...] = (
    Field(
        name="customer_phone",
        label="Phone",
        kind=Kind.PHONE,
        synonyms=(
            "phone", "phone number", "phone no", "ph no", "ph", "mobile", "mobile number", "mobile no",
            "mob", "mob no", "mobile phone", "cell", "cell phone", "cell number", "contact number", "contact no",
            "contact phone", "primary phone", "customer phone", "customer mobile", "customer number",
            "lead phone", "user phone", "sender mobile", "telephone", "tel", "tel no", "phone work", "work number",
            "whatsapp number", "whatsapp no", "whatsapp", "mobile number whatsapp", "calling number",
            "फोन", "फ़ोन", "फोन नंबर", "फ़ोन नंबर", "मोबाइल", "मोबाइल नंबर", "मोबाईल नंबर", "संपर्क नंबर",
            "दूरभाष", "व्हाट्सएप नंबर",
        ),
    ),
    Field(
        name="add_phones",
        label="Other phones",
        kind=Kind.PHONES,
        joins=True,
        synonyms=(
            "alternate phone", "alternate mobile", "alternate number", "alternate no", "alternate contact",
            "alt no", "alt phone", "alt mobile", "alt number", "other phone", "other phones", "other number",
            "second phone", "secondary phone", "phone 2", "phone2", "mobile 2", "mobile2", "home phone",
            "landline", "landline no", "office phone", "business phone", "work phone", "additional phone",
            "sender mobile alt", "sender phone", "वैकल्पिक नंबर", "दूसरा नंबर",
        ),
    ),
    Field(
        name="dial_code",
        label="Dial code",
        kind=Kind.DIAL_CODE,
        synonyms=("dial code", "dialing code", "country code", "isd code", "isd", "phone code", "phone country code"),
    ),
    Field(
        name="full_name",
        label="Full name",
        kind=Kind.FULL_NAME,
        synonyms=(
            "name", "full name", "fullname", "your full name", "your name", "customer name", "lead name",
            "contact name", "contact person", "client name", "person name", "attendee name", "guest name",
            "user name", "sender name", "buyer name", "participant name", "name of customer", "name of the client",
            "party name", "नाम", "पूरा नाम", "ग्राहक का नाम",
        ),
    ),
    Field(
        name="first_name",
        label="First name",
        kind=Kind.TEXT,
        synonyms=("first name", "firstname", "given name", "fname", "पहला नाम"),
    ),
    Field(
        name="last_name",
        label="Last name",
        kind=Kind.TEXT,
        synonyms=("last name", "lastname", "surname", "family name", "lname", "उपनाम", "अंतिम नाम"),
    ),
    Field(
        name="business_name",
        label="Business",
        kind=Kind.TEXT,
        synonyms=(
            "business name", "business", "company", "company name", "firm", "firm name", "organisation",
            "organization", "organisation name", "organization name", "company account", "account name",
            "shop name", "sender company", "associated company", "employer", "कंपनी", "फर्म", "फर्म का नाम",
            "दुकान का नाम",
        ),
    ),
    Field(
        name="email",
        label="E-mail",
        kind=Kind.EMAILS,
        joins=True,
        synonyms=(
            "email", "e mail", "email id", "e mail id", "mail id", "email address", "e mail address", "mail", "emailaddress",
            "user email", "lead email", "sender email", "secondary email", "sender email alt", "work email",
            "ईमेल", "ई मेल", "ईमेल आईडी",
        ),
    ),
    Field(
        name="website",
        label="Website",
        kind=Kind.WEBSITE,
        synonyms=("website", "web site", "site url", "company website", "website url", "homepage", "वेबसाइट"),
    ),
    Field(
        name="city",
        label="City",
        kind=Kind.TEXT,
        synonyms=(
            "city", "town", "place", "city name", "sender city", "mx city", "home city", "district", "city town",
            "शहर", "नगर", "स्थान",
        ),
    ),
    Field(
        name="address.text",
        label="Address",
        kind=Kind.TEXT,
        joins=True,
        synonyms=(
            "address", "street", "street address", "full address", "postal address", "home address",
            "mailing address", "address 1", "address line 1", "address line 2", "sender address", "area",
            "locality", "mx street1", "पता",
        ),
    ),
    Field(
        name="address.additional",
        label="Address, further",
        kind=Kind.TEXT,
        joins=True,
        synonyms=(
            "address additional", "landmark", "state", "state province", "province", "sender state", "mx state",
            "pincode", "pin code", "pin", "postal code", "zip", "zip code", "zip postal code", "postcode",
            "country", "country region", "राज्य", "पिन कोड",
        ),
    ),
    Field(
        name="address.initials",
        label="Address, initials",
        kind=Kind.TEXT,
        synonyms=("address initials", "flat no", "house no", "door no", "plot no", "मकान नंबर"),
    ),
    Field(
        name="address.latitude",
        label="Latitude",
        kind=Kind.COORDINATE,
        synonyms=("latitude", "lat", "address latitude"),
    ),
    Field(
        name="address.longitude",
        label="Longitude",
        kind=Kind.COORDINATE,
        synonyms=("longitude", "long", "lng", "lon", "address longitude"),
    ),
    Field(
        name="deal_value",
        label="Deal value",
        kind=Kind.MONEY,
        synonyms=(
            "deal value", "value", "deal amount", "amount", "budget", "expected value", "expected revenue",
            "deal size", "order value", "potential", "quote amount", "annual revenue", "राशि", "बजट",
        ),
    ),
    Field(
        name="source",
        label="Source",
        kind=Kind.TEXT,
        synonyms=(
            "source", "lead source", "original source", "enquiry source", "inquiry source", "lead origin",
            "channel", "source channel", "came from", "reference", "referred by", "स्रोत",
        ),
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
            "stage", "lead stage", "lead stage name", "lead status", "status", "lifecycle stage", "pipeline stage",
            "deal stage", "prospect stage", "current status", "call status", "disposition", "स्थिति",
        ),
    ),
    Field(
        name="lead_group_name",
        label="Group",
        kind=Kind.TITLE,
        dropdown=Dropdown.GROUP,
        nullable=True,
        synonyms=("group", "lead group", "lead group name", "group name", "list name", "समूह"),
    ),
    Field(
        name="add_labels",
        label="Labels",
        kind=Kind.TITLES,
        dropdown=Dropdown.LABEL,
        joins=True,
        synonyms=("label", "labels", "add labels", "tag", "tags", "lead labels", "lead tags", "टैग", "लेबल"),
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
        joins=True,
        synonyms=(
            "product", "products", "add products", "product name", "interested product", "product interested",
            "product interest", "interested in", "item interested", "query product name", "उत्पाद",
        ),
    ),
    Field(
        name="assignee_user_phone",
        label="Assignee phone",
        kind=Kind.PHONE,
        nullable=True,
        synonyms=(
            "assignee user phone", "assignee phone", "assignee", "assigned to", "assigned to phone", "owner phone",
            "agent phone", "sales person phone", "salesperson phone", "rm phone",
        ),
    ),
    Field(
        name="additional_info",
        label="Additional info",
        kind=Kind.TEXT,
        joins=True,
        synonyms=(
            "additional info", "additional information", "description", "details", "requirement", "requirements",
            "enquiry", "inquiry", "message", "query", "query message", "other details", "about", "विवरण",
        ),
    ),
    Field(
        name="customer_note",
        label="Note",
        kind=Kind.TEXT,
        joins=True,
        synonyms=(
            "customer note", "note", "notes", "remark", "remarks", "comment", "comments", "follow up notes",
            "call notes", "feedback", "person notes", "टिप्पणी", "नोट",
        ),
    ),
)  # fmt: skip

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

ALIASES: dict[str, str] = {"address": "address.text"}
"""Names that people may also use for a field in `--column`, `--set` and a map."""


def field_named(name: str) -> Field | None:
    """The field that `name` means, or None."""
    name = name.strip()
    return BY_NAME.get(ALIASES.get(name, name))
