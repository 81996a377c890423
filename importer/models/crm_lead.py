"""Read the answer to a look-up: the lead that the CRM has for a phone, by the fields that an upsert can set."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

Id: TypeAlias = int | str


class LookupState(StrEnum):
    """What a look-up says about a phone."""

    FOUND = "found"
    ABSENT = "absent"  # the API's own 404: no lead has the phone
    UNCLEAR = "unclear"  # no answer, or none of the API's: the phone may have a lead


class CrmTitle(msgspec.Struct, frozen=True):
    """A stage, a group, a label of a lead."""

    title: str
    id: Id | None = None


class CrmPhone(msgspec.Struct, frozen=True):
    """One of the phones of a lead."""

    phone: str


class CrmLead(msgspec.Struct, frozen=True):
    """A lead as the API shows it (docs/api.md, "Read a lead"), cut to what a plan compares."""

    id: Id
    updated_at: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    business_name: str | None = None
    website: str | None = None
    city: str | None = None
    deal_value: float | str | None = None
    source: str | None = None
    source_type: str | None = None
    additional_info: str | None = None
    email: tuple[str, ...] | None = None
    address: dict[str, Any] | None = None
    phones: tuple[CrmPhone, ...] | None = None
    labels: tuple[CrmTitle, ...] | None = None
    lead_stage: CrmTitle | None = None
    lead_group: CrmTitle | None = None
    assignee_user_id: Id | None = None

    @property
    def numbers(self) -> frozenset[str]:
        """All phones of the lead. The API does not say which one is the primary."""
        return frozenset(one.phone for one in self.phones or ())


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """What the CRM said about a phone, and when. `lead` is None unless one was found; `http_status` without an answer."""

    state: LookupState
    at: str
    http_status: int | None = None
    lead: CrmLead | None = None
    reason: str = ""


class _Answer(msgspec.Struct):
    data: CrmLead
    message: str


class _Refusal(msgspec.Struct):
    message: str


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_refusal = msgspec.json.Decoder(_Refusal).decode


def parse_lookup(status: int | None, body: bytes, *, at: str, reason: str = "") -> Lookup:
    """Return what an answer says. Only the API's own JSON counts: a proxy's 404 must not create a lead."""
    if status == 200:
        try:
            return Lookup(state=LookupState.FOUND, at=at, http_status=status, lead=_decode_answer(body).data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Lookup(state=LookupState.UNCLEAR, at=at, http_status=status, reason=reason)
    if status == 404 and _is_refusal(body):
        return Lookup(state=LookupState.ABSENT, at=at, http_status=status)
    return Lookup(state=LookupState.UNCLEAR, at=at, http_status=status, reason=reason)


def _is_refusal(body: bytes) -> bool:
    try:
        _decode_refusal(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
