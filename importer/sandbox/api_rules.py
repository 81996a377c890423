"""The API's rules for leads and their tasks: valid bodies, what they change, and what is read back (docs/api.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import phonenumbers

from importer.sandbox.api_http import ApiError, decode_body
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import Account, SandboxOptions

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
SIMPLE_FIELDS = (
    "first_name", "last_name", "business_name", "website", "city", "email", "deal_value", "source", "source_type",
    "lead_stage_name", "lead_group_name", "assignee_user_phone", "additional_info",
)  # fmt: skip
_LIST_FIELDS = {"add_labels": "labels", "add_products": "products"}
_TITLE_FIELDS = frozenset({"source_type", "lead_stage_name", "lead_group_name", "assignee_user_phone"})
_TEXT_CHANGES: dict[str, Callable[[str], str]] = {
    "keep": lambda text: text,
    "trim": lambda text: " ".join(text.split()),
    "lower": str.lower,
    "cut": lambda text: text[:40],
}


def upsert_lead(store: LeadStore, account: Account, raw: bytes, options: SandboxOptions) -> None:
    """Create or update the lead with this primary phone. Raises the ApiError that the API answers.

    `options` decide what docs/api.md leaves open.
    """
    body = decode_body(raw, _lead_decoder)
    phone = _read_phone(body.customer_phone)
    _check_values(body)
    _check_titles(body, account)
    added = [_check_phone(number) for number in _get_value(body.add_phones, [])]
    found = store.find_by_primary_phone(phone)
    if found is None and not body.create_customer_if_customer_phone_not_found:
        raise ApiError(400, "Customer not found")
    lead_id, before = found or (None, {})
    fields = apply_values(before, body, added, options)
    note = _get_value(body.customer_note, None)
    is_unchanged = fields == before and note is None
    store.save(lead_id, phone, fields, note, touch=not (is_unchanged and options.no_change == "keeps"))


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


def apply_values(
    before: dict[str, Any], body: LeadBody, added: list[str], options: SandboxOptions
) -> dict[str, Any]:
    """Return the fields of a lead after an upsert. `added` are the checked phones of `add_phones`."""
    fields = dict(before)
    for name in SIMPLE_FIELDS:
        value = getattr(body, name)
        if value is not msgspec.UNSET:
            _set_value(fields, name, value, options)
    if body.email is not msgspec.UNSET and options.email == "merge":
        fields["email"] = _merge(before.get("email", []), body.email)
    if body.address is not msgspec.UNSET:
        fields["address"] = dict(before.get("address", {})) if options.address == "merge" else {}
        for part, value in msgspec.to_builtins(body.address).items():
            _set_value(fields["address"], part, value, options)
    for name, kept in _LIST_FIELDS.items():
        fields[kept] = _merge(fields.get(kept, []), _get_value(getattr(body, name), []))
    gone = set(_get_value(body.remove_labels, []))
    fields["labels"] = [title for title in fields["labels"] if title not in gone]
    fields["added_phones"] = _merge(fields.get("added_phones", []), added)
    return fields


def _set_value(fields: dict[str, Any], name: str, value: Any, options: SandboxOptions) -> None:
    """Store a value as the options say: an empty text may be none, and texts may be changed."""
    if value == "" and options.empty_text != "value":
        if options.empty_text == "clear":
            fields[name] = None
        return
    is_free_text = isinstance(value, str) and name not in _TITLE_FIELDS
    fields[name] = _TEXT_CHANGES[options.texts](value) if is_free_text else value


def _merge(left: list[str], right: list[str]) -> list[str]:
    return list(dict.fromkeys([*left, *right]))


def _get_value(value: Any, otherwise: Any) -> Any:
    return otherwise if value is msgspec.UNSET else value


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
