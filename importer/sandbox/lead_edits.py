"""Edits by a sales person in the CRM's own screens, which the API does not see coming."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

import msgspec

from importer.sandbox.api_http import ApiError
from importer.sandbox.api_rules import SIMPLE_FIELDS
from importer.sandbox.lead_store import LeadStore

_EDITABLE = frozenset({*SIMPLE_FIELDS, "address", "labels", "products", "added_phones"})


class LeadEdit(msgspec.Struct, forbid_unknown_fields=True):
    """What a sales person changes in the CRM's own screens: any field of a lead, or the lead is deleted.

    `fields` has the store's names: `labels`, `products` and `added_phones` are whole lists, null clears any field.
    """

    phone: str
    fields: dict[str, Any] = {}
    delete: bool = False


def add_demo_leads(store: LeadStore) -> None:
    """Add the leads that the demo's CRM knows before the import (demo_leads.toml)."""
    text = resources.files(__package__).joinpath("demo_leads.toml").read_text("utf-8")
    for lead in tomllib.loads(text)["leads"]:
        store.save(None, lead.pop("phone"), lead, None)


def edit_lead(store: LeadStore, edit: LeadEdit) -> None:
    """Change or delete a lead as a sales person would. Raises ApiError for a lead or a field that does not exist."""
    found = store.find_by_primary_phone(edit.phone)
    if found is None:
        raise ApiError(404, "Customer not found")
    if unknown := edit.fields.keys() - _EDITABLE:
        raise ApiError(400, f"Unknown fields: {', '.join(sorted(unknown))}")
    lead_id, fields = found
    if edit.delete:
        store.delete(lead_id)
    else:
        store.save(lead_id, edit.phone, {**fields, **edit.fields}, None)
