"""The API's rules for leads and their tasks: valid bodies, what they change, and what is read back (docs/api.md)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import phonenumbers

from importer.sandbox.api_http import ApiError, decode_body
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import Account, Row

TASK_PAGE_SIZE = 20  # the default, and the maximum

# --- create or update a lead


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


_lead_decoder = msgspec.json.Decoder(LeadBody)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MAX_DEAL_VALUE = 2**53  # larger JSON numbers are not exact
_SIMPLE_FIELDS = (
    "first_name", "last_name", "business_name", "website", "city", "email", "deal_value", "source", "source_type",
    "lead_stage_name", "lead_group_name", "assignee_user_phone", "additional_info",
)  # fmt: skip
_LIST_FIELDS = {"add_labels": "labels", "add_products": "products"}


def upsert_lead(store: LeadStore, account: Account, raw: bytes) -> None:
    """Create or update the lead with this primary phone. Raises the ApiError that the API answers."""
    body = decode_body(raw, _lead_decoder)
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


# --- read a lead

_SHOWN_FIELDS = (
    "first_name", "last_name", "website", "business_name", "additional_info", "city", "deal_value", "source", "source_type",
)  # fmt: skip
_ADDRESS_KEYS = ("text", "additional", "initials", "latitude", "longitude")
_STAGE_KEYS = ("id", "title", "org_id", "status", "type", "position")
_GROUP_KEYS = ("id", "title", "org_id", "status", "type")
_LABEL_KEYS = ("id", "title", "colour", "text_colour", "status")
_MEMBER_KEYS = ("id", "first_name", "last_name")
_ORG_ID = 1


def to_api_lead(lead: dict[str, Any], store: LeadStore, account: Account) -> dict[str, Any]:
    """Return a lead as the API shows it, without products and timeline notes.

    Stage, group, labels and assignee are objects, beside their ids.
    """
    stage = _select_keys(account.find_by_title("lead-stage", lead.get("lead_stage_name")), _STAGE_KEYS)
    group = _select_keys(account.find_by_title("lead-group", lead.get("lead_group_name")), _GROUP_KEYS)
    member = _select_keys(account.find_member(lead.get("assignee_user_phone")), _MEMBER_KEYS)
    address = lead.get("address")
    return {
        "id": lead["id"],
        "org_id": _ORG_ID,
        **{name: lead.get(name) for name in _SHOWN_FIELDS},
        "email": lead.get("email", []),
        "status": "ACTIVE",
        "address": None if address is None else {name: address.get(name) for name in _ADDRESS_KEYS},
        "assignee_user_id": member and member["id"],
        "assignee_user": member,
        "lead_stage_id": stage and stage["id"],
        "lead_stage": stage,
        "lead_group_id": group and group["id"],
        "lead_group": group,
        "labels": [
            _select_keys(account.find_by_title("label", title), _LABEL_KEYS)
            for title in lead.get("labels", [])
        ],
        "phones": [{"phone": phone, "customer_id": lead["id"]} for phone in store.read_phones(lead["id"])],
        "created_at": lead["created_at"],
        "updated_at": lead["updated_at"],
    }


def _select_keys(row: Row | None, names: tuple[str, ...]) -> Row | None:
    return None if row is None else {name: {"org_id": _ORG_ID, **row}.get(name) for name in names}


# --- tasks


class TaskBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a new task. Times are ISO 8601, and UTC if they name no time zone."""

    type: Literal["FOLLOW_UP_CALL", "FIRST_CALL", "CALLBACK_REQUEST", "SITE_VISIT", "REMINDER", "BOOKING"]
    due_date: str
    notify_at: str | None = None
    customer_note: str | None = None


_task_decoder = msgspec.json.Decoder(TaskBody)


def add_task(store: LeadStore, lead_id: int, raw: bytes, now: datetime) -> None:
    """Store a new task. Raises the ApiError that the API answers. Any type but a reminder closes the open tasks."""
    task = decode_body(raw, _task_decoder)
    _require_lead(store, lead_id)
    due = _parse_time("due_date", task.due_date)
    if task.notify_at is not None and not now < _parse_time("notify_at", task.notify_at) <= due:
        raise ApiError(400, "notify_at must be after now and not after due_date")
    store.add_task(lead_id, {**msgspec.to_builtins(task), "status": "OPEN"})


def complete_tasks(store: LeadStore, lead_id: int) -> None:
    """Close the lead's open tasks."""
    _require_lead(store, lead_id)
    store.complete_tasks(lead_id)


def read_tasks(store: LeadStore, lead_id: int) -> list[dict[str, Any]]:
    """Return the lead's tasks, oldest first."""
    _require_lead(store, lead_id)
    return store.read_tasks(lead_id)


def _require_lead(store: LeadStore, lead_id: int) -> None:
    if store.find_by_id(lead_id) is None:
        raise ApiError(404, "Lead not found")


def _parse_time(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, f"{name} must be an ISO 8601 date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
