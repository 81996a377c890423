"""A lead as the API shows it (API page, "Read a lead"): products and timeline notes are not in it."""

from __future__ import annotations

from typing import Any

from importer.sandbox.account import Account, Row
from importer.sandbox.lead_store import LeadStore

_PLAIN = (
    "first_name", "last_name", "website", "business_name", "additional_info", "city", "deal_value", "source", "source_type",
)  # fmt: skip
_ADDRESS = ("text", "additional", "initials", "latitude", "longitude")
_STAGE = ("id", "title", "org_id", "status", "type", "position")
_GROUP = ("id", "title", "org_id", "status", "type")
_LABEL = ("id", "title", "colour", "text_colour", "status")
_MEMBER = ("id", "first_name", "last_name")
_ORG = 1


def shown(lead: dict[str, Any], store: LeadStore, account: Account) -> dict[str, Any]:
    """The lead with its stage, group, labels and assignee as objects beside their ids."""
    stage = _only(account.titled("lead-stage", lead.get("lead_stage_name")), _STAGE)
    group = _only(account.titled("lead-group", lead.get("lead_group_name")), _GROUP)
    member = _only(account.member(lead.get("assignee_user_phone")), _MEMBER)
    address = lead.get("address")
    return {
        "id": lead["id"],
        "org_id": _ORG,
        **{name: lead.get(name) for name in _PLAIN},
        "email": lead.get("email", []),
        "status": "ACTIVE",
        "address": None if address is None else {name: address.get(name) for name in _ADDRESS},
        "assignee_user_id": member and member["id"],
        "assignee_user": member,
        "lead_stage_id": stage and stage["id"],
        "lead_stage": stage,
        "lead_group_id": group and group["id"],
        "lead_group": group,
        "labels": [_only(account.titled("label", title), _LABEL) for title in lead.get("labels", [])],
        "phones": [{"phone": phone, "customer_id": lead["id"]} for phone in store.phones(lead["id"])],
        "created_at": lead["created_at"],
        "updated_at": lead["updated_at"],
    }


def _only(row: Row | None, names: tuple[str, ...]) -> Row | None:
    return None if row is None else {name: {"org_id": _ORG, **row}.get(name) for name in names}
