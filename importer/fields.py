"""The fields of a lead: API name, name for people, kind of value and dropdown list.

docs/api.md says what the CRM takes. Everything that lists fields reads this table. The headers that people give
to a field are in `importer/loader/vocabulary/`.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """How a cell of the field is read, and what its value in the payload is."""

    TEXT = "text"  # str
    FULL_NAME = "full name"  # becomes first_name and last_name
    WEBSITE = "website"  # str
    PHONE = "phone"  # str, E.164
    PHONES = "phones"  # list of str, E.164
    DIAL_CODE = "dial code"  # put in front of the phones of its row
    EMAILS = "emails"  # list of str
    MONEY = "money"  # int or float, in rupees
    COORDINATE = "coordinate"  # float, degrees
    TITLE = "title"  # str, one title of a dropdown
    TITLES = "titles"  # list of str, titles of a dropdown
    DUE_DATE = "due date"  # str, ISO 8601 with its offset
    TASK_TYPE = "task type"  # str, a type of task


class Dropdown(StrEnum):
    """The five dropdown lists of an account. The value is the last part of the list's address."""

    SOURCE_TYPE = "source-type"
    STAGE = "lead-stage"
    GROUP = "lead-group"
    LABEL = "label"
    PRODUCT = "product"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a lead.

    `name` is the name in the API (`address.text` is the part `text` of the object `address`); `label` is the name
    for people. A field that is `nullable` can be cleared with null. Several columns can go to a field with
    `takes_many_columns`.
    """

    name: str
    label: str
    kind: Kind
    nullable: bool = False
    dropdown: Dropdown | None = None
    takes_many_columns: bool = False


TITLE_SEPARATORS = re.compile(r"(?:(?<!\s)\s*|(?<=\s))[,;|\n]\s*")
"""What separates the titles in one cell, as in `VIP, Hot`. A title with a comma in it is joined again later.

A run of spaces is tried from its first space only: from each of 20,000 spaces it took 30 seconds for a column.
"""

FIELDS: tuple[Field, ...] = (
    Field(name="customer_phone", label="Phone", kind=Kind.PHONE),
    Field(name="add_phones", label="Other phones", kind=Kind.PHONES, takes_many_columns=True),
    Field(name="dial_code", label="Dial code", kind=Kind.DIAL_CODE),
    Field(name="full_name", label="Full name", kind=Kind.FULL_NAME),
    Field(name="first_name", label="First name", kind=Kind.TEXT),
    Field(name="last_name", label="Last name", kind=Kind.TEXT),
    Field(name="business_name", label="Business", kind=Kind.TEXT),
    Field(name="email", label="E-mail", kind=Kind.EMAILS, takes_many_columns=True),
    Field(name="website", label="Website", kind=Kind.WEBSITE),
    Field(name="city", label="City", kind=Kind.TEXT),
    Field(name="address.text", label="Address", kind=Kind.TEXT, nullable=True, takes_many_columns=True),
    Field(
        name="address.additional",
        label="Address, further",
        kind=Kind.TEXT,
        nullable=True,
        takes_many_columns=True,
    ),
    Field(name="address.initials", label="Address, initials", kind=Kind.TEXT, nullable=True),
    Field(name="address.latitude", label="Latitude", kind=Kind.COORDINATE, nullable=True),
    Field(name="address.longitude", label="Longitude", kind=Kind.COORDINATE, nullable=True),
    Field(name="deal_value", label="Deal value", kind=Kind.MONEY),
    Field(name="source", label="Source", kind=Kind.TEXT),
    Field(name="source_type", label="Source type", kind=Kind.TITLE, dropdown=Dropdown.SOURCE_TYPE),
    Field(name="lead_stage_name", label="Stage", kind=Kind.TITLE, dropdown=Dropdown.STAGE, nullable=True),
    Field(name="lead_group_name", label="Group", kind=Kind.TITLE, dropdown=Dropdown.GROUP, nullable=True),
    Field(
        name="add_labels", label="Labels", kind=Kind.TITLES, dropdown=Dropdown.LABEL, takes_many_columns=True
    ),
    Field(name="remove_labels", label="Labels to remove", kind=Kind.TITLES, dropdown=Dropdown.LABEL),
    Field(
        name="add_products",
        label="Products",
        kind=Kind.TITLES,
        dropdown=Dropdown.PRODUCT,
        takes_many_columns=True,
    ),
    Field(name="assignee_user_phone", label="Assignee phone", kind=Kind.PHONE, nullable=True),
    Field(name="additional_info", label="Additional info", kind=Kind.TEXT, takes_many_columns=True),
    Field(name="customer_note", label="Note", kind=Kind.TEXT, takes_many_columns=True),
    Field(name="task_due", label="Task due", kind=Kind.DUE_DATE),
    Field(name="task_type", label="Task type", kind=Kind.TASK_TYPE),
    Field(name="task_note", label="Task note", kind=Kind.TEXT, takes_many_columns=True),
)

TASK_FIELDS = frozenset({"task_due", "task_type", "task_note"})
"""Fields of the lead's follow-up task: they are sent as a task, not with the lead (docs/tasks.md)."""

FIELDS_BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

ALIASES: dict[str, str] = {"address": "address.text"}
"""Other names of a field that people may use in `--column`, `--default` and a map."""


def get_field_label(name: str) -> str:
    """Return the name of a field for people."""
    field = FIELDS_BY_NAME.get(name)
    return field.label if field else name


def find_field(name: str) -> Field | None:
    """Return the field that `name` means, or None."""
    name = name.strip()
    return FIELDS_BY_NAME.get(ALIASES.get(name, name))
