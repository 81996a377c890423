"""Count what any choice of policies would do with the rows of a plan, from one pass over the answers of the CRM.

What happens to one field does not depend on the other fields. So rows whose fields would be treated alike by every policy are
counted together, and another policy is answered from a few sums, without a look at the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from importer.models.crm_lead import CrmLead, Lookup
from importer.models.row import Payload, flatten_payload
from importer.models.row_plan import Effect, FieldChange, PlanAction
from importer.planner.decide import Base, Mode
from importer.planner.plan_row import plan_field, plan_row
from importer.planner.plan_rules import PlanRules
from importer.planner.policies import Policies

MAX_SAMPLES = 3
_MODES = tuple(Mode)
_SAME_BY_EVERY_MODE = frozenset({Effect.SAME, Effect.ADD, Effect.REMOVE})
"""Effects of `overwrite` that every other mode has too, but for `keep`."""
_NOTE = "customer_note"  # it is added in any case

_Effects: TypeAlias = tuple[Effect, ...]
"""What each mode does with a field of a row, in the order of the modes."""
_Kind: TypeAlias = "PlanAction | tuple[tuple[str, _Effects], ...]"
"""What is decided about a row whatever the policies are, or what each mode does with each of its fields."""


class Sample(NamedTuple):
    """One value of the CRM that a row would replace."""

    number: int
    old: Any
    new: Any


class PolicyCounts(msgspec.Struct, frozen=True):
    """Rows by what sending them would do, and the rows of each field by effect. New leads are not counted by field."""

    actions: dict[PlanAction, int]
    fields: dict[str, dict[Effect, int]]


class PolicyTally:
    """The rows of a plan, counted so that the counts of any policies follow at once. `rules` are those of the plan."""

    def __init__(self, rules: PlanRules) -> None:
        self._rules = {mode: msgspec.structs.replace(rules, policies=Policies(mode)) for mode in Mode}
        self._kinds: Counter[_Kind] = Counter()
        self._samples: dict[tuple[str, _Effects], list[Sample]] = {}

    def add(
        self, number: int, payload: Payload, lookups: Mapping[str, Lookup], bases: Mapping[str, Base] | None
    ) -> None:
        """Count a row by the look-ups of its phones. `bases` has what this tool wrote last, by field."""
        plan = plan_row(payload, lookups, self._rules[Mode.OVERWRITE], bases)
        if not plan.changes or plan.action is PlanAction.CREATE:
            self._kinds[plan.action] += 1
            return
        lead = lookups[payload["customer_phone"]].lead
        assert lead is not None, "only a lead that exists has changes"
        values, known = dict(flatten_payload(payload)), bases or {}
        kind = tuple(
            (change.field, self._list_effects(change, values[change.field], lead, known.get(change.field)))
            for change in plan.changes
        )
        self._kinds[kind] += 1
        for change, field in zip(plan.changes, kind, strict=True):
            if change.effect is Effect.SET:
                samples = self._samples.setdefault(field, [])
                if len(samples) < MAX_SAMPLES:
                    samples.append(Sample(number, change.old, change.new))

    def _list_effects(self, change: FieldChange, ours: Any, lead: CrmLead, base: Base | None) -> _Effects:
        """Return what each mode does with a field, from what `overwrite` does with it."""
        kept = change.effect if change.field == _NOTE else Effect.KEPT
        if change.effect in _SAME_BY_EVERY_MODE:
            return tuple(kept if mode is Mode.KEEP else change.effect for mode in _MODES)
        return tuple(plan_field(change.field, ours, lead, self._rules[mode], base).effect for mode in _MODES)

    def add_conflict(self) -> None:
        """Count a row that is held back whatever the policies are."""
        self._kinds[PlanAction.CONFLICT] += 1

    def count(self, policies: Policies) -> PolicyCounts:
        """Return the counts by some policies."""
        actions: Counter[PlanAction] = Counter()
        fields: dict[str, Counter[Effect]] = {}
        for kind, rows in self._kinds.items():
            if isinstance(kind, PlanAction):
                actions[kind] += rows
                continue
            effects = [(field, by_mode[_MODES.index(policies.get_mode(field))]) for field, by_mode in kind]
            actions[_choose_action(effect for _, effect in effects)] += rows
            for field, effect in effects:
                fields.setdefault(field, Counter())[effect] += rows
        return PolicyCounts(
            {action: actions[action] for action in PlanAction},
            {field: dict(found) for field, found in sorted(fields.items())},
        )

    def list_samples(self, field: str, mode: Mode) -> list[Sample]:
        """Return some values of the CRM that a mode would replace, of the first rows."""
        at = _MODES.index(mode)
        found = [
            sample
            for (name, effects), samples in self._samples.items()
            if name == field and effects[at] is Effect.SET
            for sample in samples
        ]
        return sorted(found)[:MAX_SAMPLES]


def _choose_action(effects: Iterable[Effect]) -> PlanAction:
    found = set(effects)
    if Effect.CONFLICT in found:
        return PlanAction.CONFLICT
    return PlanAction.UPDATE if any(effect.is_sent for effect in found) else PlanAction.UNCHANGED
