"""The API's rules for a lead's tasks (API page, "Tasks")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from importer.sandbox.api_error import ApiError, decoded
from importer.sandbox.lead_store import LeadStore

PAGE_SIZE = 20  # both what is given and the most that may be asked for


class TaskBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a new task; times are ISO 8601, read as UTC where they name no zone."""

    type: Literal["FOLLOW_UP_CALL", "FIRST_CALL", "CALLBACK_REQUEST", "SITE_VISIT", "REMINDER", "BOOKING"]
    due_date: str
    notify_at: str | None = None
    customer_note: str | None = None


_decoder = msgspec.json.Decoder(TaskBody)


def add_task(store: LeadStore, lead_id: int, raw: bytes, now: datetime) -> None:
    """Keep a new task, or raise the Refusal that the API answers. One that is no reminder closes the others."""
    task = decoded(raw, _decoder)
    _need_lead(store, lead_id)
    due = _moment("due_date", task.due_date)
    if task.notify_at is not None and not now < _moment("notify_at", task.notify_at) <= due:
        raise ApiError(400, "notify_at must be after now and not after due_date")
    store.add_task(lead_id, {**msgspec.to_builtins(task), "status": "OPEN"})


def complete_tasks(store: LeadStore, lead_id: int) -> None:
    """Close the lead's open tasks."""
    _need_lead(store, lead_id)
    store.complete_tasks(lead_id)


def tasks_of(store: LeadStore, lead_id: int) -> list[dict[str, Any]]:
    """The lead's tasks, oldest first."""
    _need_lead(store, lead_id)
    return store.tasks(lead_id)


def _need_lead(store: LeadStore, lead_id: int) -> None:
    if store.lead_by_id(lead_id) is None:
        raise ApiError(404, "Lead not found")


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, f"{name} must be an ISO 8601 date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
