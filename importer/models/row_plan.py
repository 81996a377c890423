"""The plan of a row: what sending it would do to the lead, field by field, and the requests that remain."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from importer.issues import Issue
from importer.models.row import Payload


class Effect(StrEnum):
    """What a plan does with one field of a lead. `changes.csv` has the words."""

    SAME = "same"  # the CRM has this value
    FILL = "fill"  # blank in the CRM: set
    SET = "set"  # another value in the CRM: replaced
    ADD = "add"  # added to what the CRM has
    REMOVE = "remove"  # taken from what the CRM has
    SEND = "send"  # the CRM does not show this field, so it is sent without a comparison
    KEPT = "kept"  # the policy keeps the CRM's value
    EDITED = "edited"  # a person changed the field after the last import, or emptied it: kept
    FOREIGN = "foreign"  # the value is not from this tool: kept
    CONFLICT = "conflict"  # changed by a person, and the sheet has a third value

    @property
    def is_sent(self) -> bool:
        """Whether the field is part of the request."""
        return self in _SENT


_SENT = frozenset({Effect.FILL, Effect.SET, Effect.ADD, Effect.REMOVE, Effect.SEND})


class PlanAction(StrEnum):
    """What sending a row would do. The column `_plan` has the words."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    CANNOT_TELL = "cannot_tell"

    @property
    def is_sent(self) -> bool:
        """Whether the row is sent."""
        return self is PlanAction.CREATE or self is PlanAction.UPDATE


class FieldChange(msgspec.Struct, frozen=True, array_like=True):
    """One field of a plan. `old` is the CRM's value, `new` the value that is sent, or the sheet's where none is sent.

    For labels, products and phones, `new` are the values that are added or removed.
    """

    field: str
    effect: Effect
    old: Any = None
    new: Any = None


class RowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a row. `steps` are the bodies of its requests, in order; the note is in the last one."""

    action: PlanAction
    changes: tuple[FieldChange, ...] = ()
    steps: tuple[Payload, ...] = ()
    issues: tuple[Issue, ...] = ()


class FieldCount(msgspec.Struct, frozen=True):
    """How many rows of a plan have one effect on one field."""

    field: str
    what: str
    count: int
