"""Decide what happens to one field of a lead: pure and total over the sheet's value, the CRM's, and the last one sent."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, assert_never

import msgspec

from importer.fields import FIELDS_BY_NAME, Kind
from importer.models.row_plan import Effect
from importer.planner.values import Canonical, canonicalize, fingerprint


class Mode(StrEnum):
    """What to do with a field that has a value in the CRM (docs/planning.md)."""

    OVERWRITE = "overwrite"
    FILL = "fill"
    KEEP = "keep"
    APPEND = "append"
    UNEDITED = "unedited"
    FORWARD = "forward"  # stage alone


class Base(msgspec.Struct, frozen=True):
    """What this tool wrote last to a field of a lead, as fingerprints.

    `sheet` is the value of the row, `written` the value of the request (with `append`, the CRM's value and the row's),
    and `shown` what the CRM showed after it. The CRM may change what it is sent (trim it, cut it): what it showed right
    after counts as what was written. `key` and `field` are those of the fingerprints.
    """

    sheet: bytes
    written: bytes
    shown: bytes
    key: bytes
    field: str

    def is_ours(self, value: Canonical) -> bool:
        """Return whether the sheet's value is the one of the last import."""
        return fingerprint(self.key, self.field, value) == self.sheet

    def is_theirs(self, value: Canonical) -> bool:
        """Return whether the CRM's value is what stood there after the last import."""
        return fingerprint(self.key, self.field, value) in (self.written, self.shown)


class Stages(msgspec.Struct, frozen=True):
    """The positions of the account's stages by title, and the titles of the final ones."""

    positions: dict[str, float] = {}
    final: frozenset[str] = frozenset()

    def is_later(self, ours: str, theirs: str) -> bool:
        """Return whether a lead may move forward from `theirs` to `ours`. A final stage is never left."""
        if theirs in self.final or ours not in self.positions or theirs not in self.positions:
            return False
        return self.positions[ours] > self.positions[theirs]


NO_STAGES = Stages()
APPENDABLE = frozenset({"email", "additional_info", "address.text", "address.additional"})
"""Fields that can hold several values. A city or a name of two lines would be wrong: `append` keeps them."""


def decide(
    field: str, ours: Any, theirs: Any, base: Base | None, mode: Mode, stages: Stages = NO_STAGES
) -> Effect:
    """Decide about a field that the row would send: `ours` is the sheet's value (None clears it), `theirs` the CRM's.

    `base` is what this tool wrote last, None if it wrote nothing or does not know.
    """
    if mode is Mode.KEEP:
        return Effect.KEPT
    sheet, crm = canonicalize(field, ours), canonicalize(field, theirs)
    if _is_same(sheet, crm, base):
        return Effect.SAME
    if crm is None:
        is_emptied = mode is Mode.UNEDITED and base is not None and not base.is_theirs(None)
        return Effect.EDITED if is_emptied else Effect.FILL
    return _decide_by_mode(field, sheet, crm, base, mode, stages)


def _decide_by_mode(
    field: str, sheet: Canonical, crm: Canonical, base: Base | None, mode: Mode, stages: Stages
) -> Effect:
    """Decide about a value that differs from the CRM's, which is not blank."""
    match mode:
        case Mode.OVERWRITE:
            return Effect.SET
        case Mode.FILL | Mode.KEEP:
            return Effect.KEPT
        case Mode.APPEND:
            return _decide_append(field, sheet, crm)
        case Mode.FORWARD:
            return Effect.SET if stages.is_later(str(sheet), str(crm)) else Effect.KEPT
        case Mode.UNEDITED:
            return _decide_unedited(sheet, crm, base)
        case _:
            assert_never(mode)


def _is_same(sheet: Canonical, crm: Canonical, base: Base | None) -> bool:
    if sheet == crm:
        return True
    return base is not None and base.is_ours(sheet) and base.is_theirs(crm)


def _decide_unedited(sheet: Canonical, crm: Canonical, base: Base | None) -> Effect:
    if base is None:
        return Effect.FOREIGN
    if base.is_theirs(crm):
        return Effect.SET
    return Effect.EDITED if base.is_ours(sheet) else Effect.CONFLICT


def _decide_append(field: str, sheet: Canonical, crm: Canonical) -> Effect:
    if field not in APPENDABLE or sheet is None:
        return Effect.KEPT
    return Effect.SAME if _contains(crm, sheet) else Effect.ADD


def _contains(crm: Canonical, sheet: Canonical) -> bool:
    """Return whether the CRM has every address, or every line, of the sheet's value."""
    if isinstance(crm, frozenset) and isinstance(sheet, frozenset):
        return sheet <= crm
    return set(str(sheet).split("\n")) <= set(str(crm).split("\n"))


def build_value(field: str, effect: Effect, ours: Any, theirs: Any) -> Any:
    """Return the value to send for an effect that is sent."""
    if effect is not Effect.ADD or not theirs:
        return ours
    if FIELDS_BY_NAME[field].kind is Kind.EMAILS:
        known = {address.casefold() for address in theirs}
        return [*theirs, *(address for address in ours if address.casefold() not in known)]
    known = set(str(canonicalize(field, theirs)).split("\n"))
    new = [line for line in str(ours).splitlines() if str(canonicalize(field, line)) not in known]
    return "\n".join([theirs, *new])


class Edited(StrEnum):
    """What an undo does with a field that was changed after the run (`--edited`)."""

    LEAD = "lead"  # the whole lead stays as it is: a conflict
    FIELD = "field"  # the field stays, and the others are put back
    FORCE = "force"  # it is put back anyway


def decide_undo(field: str, before: Any, theirs: Any, base: Base | None, edited: Edited) -> Effect:
    """Decide about a field that an undo would put back: `before` is the value before the run, `base` what the run sent."""
    mode = Mode.OVERWRITE if edited is Edited.FORCE else Mode.UNEDITED
    effect = decide(field, before, theirs, base, mode)
    if effect not in _CHANGED_BY_OTHERS:
        return effect
    return Effect.CONFLICT if edited is Edited.LEAD else Effect.EDITED


_CHANGED_BY_OTHERS = frozenset({Effect.EDITED, Effect.FOREIGN, Effect.CONFLICT})
