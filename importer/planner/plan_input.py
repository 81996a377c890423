"""What a planned row brings to its sending, and what is written down before its first write leaves."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from importer.models.crm_lead import Lookup
from importer.models.delivery import PendingRow
from importer.models.row import Payload
from importer.models.row_plan import RowPlan
from importer.planner.decide import Base


class PlanInput(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a row before it is looked up again.

    `plan` and `lookups` are those that `importer apply` has promised; a run that plans as it sends has none. `bases` has what this tool
    wrote last, by field.
    """

    payload: Payload
    plan: RowPlan | None = None
    lookups: Mapping[str, Lookup] = {}
    bases: Mapping[str, Base] = {}


class PlannedWrite(msgspec.Struct, frozen=True):
    """A row whose first write is about to leave, its plan, and the look-ups behind it: what an undo needs later."""

    row: PendingRow
    plan: RowPlan
    lookups: dict[str, Lookup]
