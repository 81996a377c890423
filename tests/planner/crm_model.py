"""The sandbox's rules as functions: write a body, read a lead back, without a socket."""

from __future__ import annotations

import msgspec

from importer.fields import Dropdown
from importer.models.crm_lead import Lookup, parse_lookup
from importer.planner.decide import Stages
from importer.planner.plan_rules import PlanRules
from importer.planner.policies import Policies
from importer.sandbox.api_http import ApiError
from importer.sandbox.api_rules import upsert_lead
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.lead_view import LeadReader, to_api_lead
from importer.sandbox.sandbox_settings import SandboxOptions, load_default_account

AT = "2026-11-30T10:00:00+05:30"
CREATE = "create_customer_if_customer_phone_not_found"


class CrmModel:
    """One CRM with the given answers to what the API leaves open."""

    def __init__(self, **options: object) -> None:
        self.options = SandboxOptions(**options)
        self.account = load_default_account()
        self.store = LeadStore(None)
        self.reader = LeadReader(self.store, self.options, lambda: 0.0)

    def post(self, body: dict, *, create: bool) -> str:
        """Send a body. Return "" or the message of the refusal."""
        try:
            upsert_lead(self.store, self.account, msgspec.json.encode({**body, CREATE: create}), self.options)
        except ApiError as refusal:
            return refusal.message
        return ""

    def look_up(self, phone: str) -> Lookup:
        """Return what a look-up of the phone says."""
        lead = self.reader.find(phone)
        if lead is None:
            return parse_lookup(404, b'{"message": "Customer not found"}', at=AT)
        answer = {"data": to_api_lead(lead, self.account), "message": "success"}
        return parse_lookup(200, msgspec.json.encode(answer), at=AT)

    def look_up_all(self, payload: dict) -> dict[str, Lookup]:
        """Return the look-ups of all phones of a row."""
        return {
            phone: self.look_up(phone)
            for phone in (payload["customer_phone"], *payload.get("add_phones", ()))
        }

    def make_rules(self, policies: Policies | None = None, *, create: bool = True) -> PlanRules:
        """Build the rules of a plan for this account."""
        rows = self.account.lists["lead-stage"]
        stages = Stages(
            {row["title"]: row["position"] for row in rows},
            frozenset(row["title"] for row in rows if row["type"].startswith("FINAL_")),
        )
        titles = {
            (dropdown, str(row["id"])): row["title"]
            for dropdown in Dropdown
            for row in self.account.lists[dropdown.value]
            if "id" in row
        }
        return PlanRules(policies=policies or Policies(), stages=stages, titles=titles, create=create)
