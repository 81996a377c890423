"""The API's rules for a lead: what a body may say, and what an upsert does (API page, "Create or update a lead")."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import phonenumbers

from importer.sandbox.account import Account
from importer.sandbox.api_error import ApiError, decoded
from importer.sandbox.lead_store import LeadStore


class Address(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The object `address`; each part may be null."""

    text: str | msgspec.UnsetType | None = msgspec.UNSET
    additional: str | msgspec.UnsetType | None = msgspec.UNSET
    initials: str | msgspec.UnsetType | None = msgspec.UNSET
    latitude: float | msgspec.UnsetType | None = msgspec.UNSET
    longitude: float | msgspec.UnsetType | None = msgspec.UNSET


class LeadBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an upsert. An absent field is left alone, null clears where the page says so."""

    customer_phone: str | msgspec.UnsetType | None = msgspec.UNSET
    create_customer_if_customer_phone_not_found: bool = False
    first_name: str | msgspec.UnsetType = msgspec.UNSET
    last_name: str | msgspec.UnsetType = msgspec.UNSET
    business_name: str | msgspec.UnsetType = msgspec.UNSET
    website: str | msgspec.UnsetType = msgspec.UNSET
    city: str | msgspec.UnsetType = msgspec.UNSET
    email: list[str] | msgspec.UnsetType = msgspec.UNSET
    address: Address | msgspec.UnsetType = msgspec.UNSET
    deal_value: int | float | msgspec.UnsetType = msgspec.UNSET
    source: str | msgspec.UnsetType = msgspec.UNSET
    source_type: str | msgspec.UnsetType = msgspec.UNSET
    lead_stage_name: str | msgspec.UnsetType | None = msgspec.UNSET
    lead_group_name: str | msgspec.UnsetType | None = msgspec.UNSET
    add_labels: list[str] | msgspec.UnsetType = msgspec.UNSET
    remove_labels: list[str] | msgspec.UnsetType = msgspec.UNSET
    add_products: list[str] | msgspec.UnsetType = msgspec.UNSET
    add_phones: list[str] | msgspec.UnsetType = msgspec.UNSET
    assignee_user_phone: str | msgspec.UnsetType | None = msgspec.UNSET
    additional_info: str | msgspec.UnsetType = msgspec.UNSET
    customer_note: str | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(LeadBody)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOST_MONEY = 2**53  # beyond it a number of JSON is no longer exact
_PLAIN = (
    "first_name", "last_name", "business_name", "website", "city", "email", "deal_value", "source", "source_type",
    "lead_stage_name", "lead_group_name", "assignee_user_phone", "additional_info",
)  # fmt: skip
_LISTS = {"add_labels": "labels", "add_products": "products"}


def upsert(store: LeadStore, account: Account, raw: bytes) -> None:
    """Do what the body says, or raise the Refusal that the API answers. Matched by the lead's primary phone."""
    body = decoded(raw, _decoder)
    phone = _phone(body.customer_phone)
    _check_values(body)
    _check_titles(body, account)
    added = [_valid(number) for number in _given(body.add_phones, [])]
    found = store.lead_of(phone)
    if found is None and not body.create_customer_if_customer_phone_not_found:
        raise ApiError(400, "Customer not found")
    lead_id, fields = found or (None, {})
    _apply(fields, body, added)
    store.save(lead_id, phone, fields, _given(body.customer_note, None))


def _phone(given: str | msgspec.UnsetType | None) -> str:
    if given is msgspec.UNSET or not given:
        raise ApiError(400, "Customer phone is required to identify the record to update")
    return _valid(given)


def _valid(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise ApiError(400, "Invalid phone number") from None
    if not phonenumbers.is_valid_number(parsed) or phonenumbers.format_number(parsed, 0) != number:
        raise ApiError(400, "Invalid phone number")
    return number


def _check_values(body: LeadBody) -> None:
    if body.email == []:
        raise ApiError(400, "Validation failed: email needs one address or more")
    for address in _given(body.email, []):
        if not _EMAIL.fullmatch(address):
            raise ApiError(400, f"Validation failed: {address!r} is not an email")
    if abs(_given(body.deal_value, 0)) > _MOST_MONEY:
        raise ApiError(400, "Validation failed: deal_value is out of range")


def _check_titles(body: LeadBody, account: Account) -> None:
    if msgspec.UNSET not in (body.add_labels, body.remove_labels):
        raise ApiError(400, "add_labels and remove_labels can not be combined")
    _check_one(account, "lead-stage", "stage", _given(body.lead_stage_name, None))
    _check_one(account, "lead-group", "group", _given(body.lead_group_name, None))
    for name, list_name in (("add_labels", "label"), ("remove_labels", "label"), ("add_products", "product")):
        for title in _given(getattr(body, name), []):
            if not account.named(list_name, title):
                raise ApiError(400, f"Invalid {list_name}: {title}")
    source_type = _given(body.source_type, None)
    if source_type is not None and not account.named("source-type", source_type):
        raise ApiError(400, "Invalid source type")
    assignee = _given(body.assignee_user_phone, None)
    if assignee is not None and account.member(_valid(assignee)) is None:
        raise ApiError(404, "Assignee not found")


def _check_one(account: Account, list_name: str, what: str, title: str | None) -> None:
    if title is None:
        return
    rows = account.named(list_name, title)
    if not rows:
        raise ApiError(404, f"Lead {what} not found")
    if len(rows) > 1:
        raise ApiError(400, f"Multiple lead {what}s found with this name. Provide unique")


def _apply(fields: dict[str, Any], body: LeadBody, added: list[str]) -> None:
    for name in _PLAIN:
        value = getattr(body, name)
        if value is not msgspec.UNSET:
            fields[name] = value
    if body.address is not msgspec.UNSET:
        fields["address"] = {**fields.get("address", {}), **msgspec.to_builtins(body.address)}
    for name, kept in _LISTS.items():
        fields[kept] = list(dict.fromkeys([*fields.get(kept, []), *_given(getattr(body, name), [])]))
    gone = set(_given(body.remove_labels, []))
    fields["labels"] = [title for title in fields["labels"] if title not in gone]
    fields["added_phones"] = list(dict.fromkeys([*fields.get("added_phones", []), *added]))


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is msgspec.UNSET else value
