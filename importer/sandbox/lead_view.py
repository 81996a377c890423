"""What the API shows of a lead: which lead a phone finds, how fresh it is, and its fields (docs/api.md, "Read a lead")."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import Account, Row, SandboxOptions

_SHOWN_FIELDS = (
    "first_name", "last_name", "website", "business_name", "additional_info", "city", "deal_value", "source", "source_type",
)  # fmt: skip
_ADDRESS_KEYS = ("text", "additional", "initials", "latitude", "longitude")
_STAGE_KEYS = ("id", "title", "org_id", "status", "type", "position")
_GROUP_KEYS = ("id", "title", "org_id", "status", "type")
_LABEL_KEYS = ("id", "title", "colour", "text_colour", "status")
_MEMBER_KEYS = ("id", "first_name", "last_name")
_ORG_ID = 1


def to_api_lead(lead: Row, account: Account) -> Row:
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
        "phones": [
            {"phone": phone, "customer_id": lead["id"]}
            for phone in (lead["phone"], *lead.get("added_phones", ()))
        ],
        "created_at": lead["created_at"],
        "updated_at": lead["updated_at"],
    }


def _select_keys(row: Row | None, names: tuple[str, ...]) -> Row | None:
    return None if row is None else {name: {"org_id": _ORG_ID, **row}.get(name) for name in names}


class LeadReader:
    """Finds the lead that a read shows. A read may lag behind the writes by `options.read_lag` seconds."""

    def __init__(self, store: LeadStore, options: SandboxOptions, clock: Callable[[], float]) -> None:
        self._store = store
        self._options = options
        self._clock = clock
        self._recent: deque[tuple[float, int, Row | None]] = deque()  # (time, lead, what it was before)
        if options.read_lag:
            store.on_change = self._record_change

    def find(self, phone: str) -> Row | None:
        """Return the lead that a read of this phone shows, or None."""
        found = [lead for lead in map(self._rewind, self._store.find_by_any_phone(phone)) if lead]
        leads = [lead for lead in found if phone in (lead["phone"], *lead.get("added_phones", ()))]
        match self._options.shared_phone:
            case "primary":
                return leads[0] if leads else None
            case "oldest":
                return min(leads, key=lambda lead: lead["id"], default=None)
            case "newest":
                return max(leads, key=lambda lead: lead["id"], default=None)

    def _record_change(self, lead_id: int, before: Row | None) -> None:
        now = self._clock()
        while self._recent and self._recent[0][0] <= now - self._options.read_lag:
            self._recent.popleft()
        self._recent.append((now, lead_id, before))

    def _rewind(self, lead: Row) -> Row | None:
        """Return the lead as it was before the changes that a read does not show yet."""
        shown_until = self._clock() - self._options.read_lag
        return next(
            (before for at, lead_id, before in self._recent if lead_id == lead["id"] and at > shown_until),
            lead,
        )
