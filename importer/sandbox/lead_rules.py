"""The API's rules for upserts: valid bodies, and what they change (docs/api.md, "Create or update a lead")."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import phonenumbers

from importer.sandbox.account import Account
from importer.sandbox.api_error import ApiError, decode_body
from importer.sandbox.lead_store import LeadStore


class Address(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The object `address`. Each part may be null."""

    text: str | msgspec.UnsetType | None = msgspec.UNSET
    additional: str | msgspec.UnsetType | None = msgspec.UNSET
    initials: str | msgspec.UnsetType | None = msgspec.UNSET
    latitude: float | msgspec.UnsetType | None = msgspec.UNSET
    longitude: float | msgspec.UnsetType | None = msgspec.UNSET


class LeadBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an upsert. An absent field stays as it is; null clears the fields that docs/api.md lists."""

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
_MAX_DEAL_VALUE = 2**53  # larger JSON numbers are not exact
_SIMPLE_FIELDS = (
    "first_name", "last_name", "business_name", "website", "city", "email", "deal_value", "source", "source_type",
    "lead_stage_name", "lead_group_name", "assignee_user_phone", "additional_info",
)  # fmt: skip
_LIST_FIELDS = {"add_labels": "labels", "add_products": "products"}


def upsert_lead(store: LeadStore, account: Account, raw: bytes) -> None:
    """Create or update the lead with this primary phone. Raises the ApiError that the API answers."""
    body = decode_body(raw, _decoder)
    phone = _read_phone(body.customer_phone)
    _check_values(body)
    _check_titles(body, account)
    added = [_check_phone(number) for number in _get_value(body.add_phones, [])]
    found = store.find_by_primary_phone(phone)
    if found is None and not body.create_customer_if_customer_phone_not_found:
        raise ApiError(400, "Customer not found")
    lead_id, fields = found or (None, {})
    _apply_body(fields, body, added)
    store.save(lead_id, phone, fields, _get_value(body.customer_note, None))


def _read_phone(given: str | msgspec.UnsetType | None) -> str:
    if given is msgspec.UNSET or not given:
        raise ApiError(400, "Customer phone is required to identify the record to update")
    return _check_phone(given)


def _check_phone(number: str) -> str:
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
    for address in _get_value(body.email, []):
        if not _EMAIL.fullmatch(address):
            raise ApiError(400, f"Validation failed: {address!r} is not an email")
    if abs(_get_value(body.deal_value, 0)) > _MAX_DEAL_VALUE:
        raise ApiError(400, "Validation failed: deal_value is out of range")


def _check_titles(body: LeadBody, account: Account) -> None:
    if msgspec.UNSET not in (body.add_labels, body.remove_labels):
        raise ApiError(400, "add_labels and remove_labels can not be combined")
    _check_title(account, "lead-stage", "stage", _get_value(body.lead_stage_name, None))
    _check_title(account, "lead-group", "group", _get_value(body.lead_group_name, None))
    for name, list_name in (("add_labels", "label"), ("remove_labels", "label"), ("add_products", "product")):
        for title in _get_value(getattr(body, name), []):
            if not account.find_active(list_name, title):
                raise ApiError(400, f"Invalid {list_name}: {title}")
    source_type = _get_value(body.source_type, None)
    if source_type is not None and not account.find_active("source-type", source_type):
        raise ApiError(400, "Invalid source type")
    assignee = _get_value(body.assignee_user_phone, None)
    if assignee is not None and account.find_member(_check_phone(assignee)) is None:
        raise ApiError(404, "Assignee not found")


def _check_title(account: Account, list_name: str, what: str, title: str | None) -> None:
    if title is None:
        return
    rows = account.find_active(list_name, title)
    if not rows:
        raise ApiError(404, f"Lead {what} not found")
    if len(rows) > 1:
        raise ApiError(400, f"Multiple lead {what}s found with this name. Provide unique")


def _apply_body(fields: dict[str, Any], body: LeadBody, added: list[str]) -> None:
    for name in _SIMPLE_FIELDS:
        value = getattr(body, name)
        if value is not msgspec.UNSET:
            fields[name] = value
    if body.address is not msgspec.UNSET:
        fields["address"] = {**fields.get("address", {}), **msgspec.to_builtins(body.address)}
    for name, kept in _LIST_FIELDS.items():
        fields[kept] = list(dict.fromkeys([*fields.get(kept, []), *_get_value(getattr(body, name), [])]))
    gone = set(_get_value(body.remove_labels, []))
    fields["labels"] = [title for title in fields["labels"] if title not in gone]
    fields["added_phones"] = list(dict.fromkeys([*fields.get("added_phones", []), *added]))


def _get_value(value: Any, otherwise: Any) -> Any:
    return otherwise if value is msgspec.UNSET else value
