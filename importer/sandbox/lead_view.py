"""A lead as the API shows it (docs/api.md, "Read a lead"), without products and timeline notes."""

from __future__ import annotations

from typing import Any

from importer.sandbox.account import Account, Row
from importer.sandbox.lead_store import LeadStore

_SIMPLE_FIELDS = (
    "first_name", "last_name", "website", "business_name", "additional_info", "city", "deal_value", "source", "source_type",
)  # fmt: skip
_ADDRESS_KEYS = ("text", "additional", "initials", "latitude", "longitude")
_STAGE_KEYS = ("id", "title", "org_id", "status", "type", "position")
_GROUP_KEYS = ("id", "title", "org_id", "status", "type")
_LABEL_KEYS = ("id", "title", "colour", "text_colour", "status")
_MEMBER_KEYS = ("id", "first_name", "last_name")
_ORG_ID = 1


def to_api_lead(lead: dict[str, Any], store: LeadStore, account: Account) -> dict[str, Any]:
    """Return the lead with its stage, group, labels and assignee as objects, and their ids."""
    stage = _select_keys(account.find_by_title("lead-stage", lead.get("lead_stage_name")), _STAGE_KEYS)
    group = _select_keys(account.find_by_title("lead-group", lead.get("lead_group_name")), _GROUP_KEYS)
    member = _select_keys(account.find_member(lead.get("assignee_user_phone")), _MEMBER_KEYS)
    address = lead.get("address")
    return {
        "id": lead["id"],
        "org_id": _ORG_ID,
        **{name: lead.get(name) for name in _SIMPLE_FIELDS},
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
