"""The API's rules for a lead's tasks (docs/api.md, "Tasks")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from importer.sandbox.api_error import ApiError, decode_body
from importer.sandbox.lead_store import LeadStore

PAGE_SIZE = 20  # the default, and the maximum


class TaskBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a new task. Times are ISO 8601, and UTC if they name no time zone."""

    type: Literal["FOLLOW_UP_CALL", "FIRST_CALL", "CALLBACK_REQUEST", "SITE_VISIT", "REMINDER", "BOOKING"]
    due_date: str
    notify_at: str | None = None
    customer_note: str | None = None


_decoder = msgspec.json.Decoder(TaskBody)


def add_task(store: LeadStore, lead_id: int, raw: bytes, now: datetime) -> None:
    """Store a new task. Raises the ApiError that the API answers. Any type but a reminder closes the open tasks."""
    task = decode_body(raw, _decoder)
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
