"""Which mode applies to which field: `--existing` for all of them, and `--policy` or a map's [policy] for single ones."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from importer.errors import UsageError
from importer.fields import ALIASES, FIELDS_BY_NAME, TASK_FIELDS
from importer.messages import planning_messages
from importer.planner.decide import APPENDABLE, Mode

CAREFUL = "careful"
"""The value of `--existing` that gives each field a mode of its own."""

_CAREFUL_MODES = {
    **dict.fromkeys(
        (
            "first_name", "last_name", "business_name", "city", "website", "source", "source_type", "deal_value",
            "address.text", "address.additional", "address.initials", "address.latitude", "address.longitude",
        ),
        Mode.FILL,
    ),
    "email": Mode.APPEND,
    "additional_info": Mode.APPEND,
    "lead_stage_name": Mode.FORWARD,
    "lead_group_name": Mode.KEEP,
    "assignee_user_phone": Mode.KEEP,
}  # fmt: skip

_WITHOUT_POLICY = frozenset({"customer_phone", "dial_code", "full_name", "customer_note"}) | TASK_FIELDS
"""Fields that are not a value of the lead: a note is always added, and a task is not part of it."""

_GROUPS = {
    "full_name": ("first_name", "last_name"),
    "address": tuple(name for name in FIELDS_BY_NAME if name.startswith("address.")),
}
"""Names that mean several fields."""


_LISTED = frozenset({"add_labels", "remove_labels", "add_products", "add_phones"})
"""Fields whose values are only added or removed: every mode but `keep` does the same."""


def list_modes(field: str) -> tuple[Mode, ...]:
    """Return the modes between which a person can choose for a field; none for a note, which is always added."""
    if field in _WITHOUT_POLICY:
        return ()
    if field in _LISTED:
        return Mode.OVERWRITE, Mode.KEEP
    modes = [Mode.OVERWRITE, Mode.FILL, Mode.KEEP, Mode.UNEDITED]
    if field in APPENDABLE:
        modes.insert(2, Mode.APPEND)
    if field == "lead_stage_name":
        modes.insert(1, Mode.FORWARD)
    return tuple(modes)


class Policies(msgspec.Struct, frozen=True):
    """The mode of each field."""

    default: Mode = Mode.OVERWRITE
    by_field: dict[str, Mode] = {}

    def get_mode(self, field: str) -> Mode:
        """Return the mode of a field."""
        return self.by_field.get(field, self.default)

    @property
    def is_overwrite(self) -> bool:
        """Whether every field is simply set: then nothing needs to be read before a write."""
        return self.default is Mode.OVERWRITE and all(
            mode is Mode.OVERWRITE for mode in self.by_field.values()
        )

    def describe(self) -> str:
        """Return the policies as text: the same text for the same policies, such as `overwrite city=fill`."""
        others = sorted((field, mode) for field, mode in self.by_field.items() if mode is not self.default)
        return " ".join([self.default, *(f"{field}={mode}" for field, mode in others)])


def build_policies(existing: str, policy: Mapping[str, str]) -> Policies:
    """Return the policies of a run. Raises UsageError for a field or a mode that does not exist."""
    is_careful = existing == CAREFUL
    by_field = dict(_CAREFUL_MODES) if is_careful else {}
    for name, mode in policy.items():
        if not (fields := find_fields(name)):
            raise UsageError(*planning_messages.UNKNOWN_POLICY_FIELD.format(name=name))
        by_field.update(dict.fromkeys(fields, _parse_mode(name, mode)))
    return Policies(Mode.OVERWRITE if is_careful else Mode(existing), by_field)


def find_fields(name: str) -> tuple[str, ...]:
    """Return the fields of a lead that a name means: several for `full_name` and `address`, none if it means no value."""
    name = name.strip()
    if name in _GROUPS:
        return _GROUPS[name]
    field = ALIASES.get(name, name)
    return () if field not in FIELDS_BY_NAME or field in _WITHOUT_POLICY else (field,)


def _parse_mode(field: str, text: str) -> Mode:
    try:
        mode = Mode(text.strip())
    except ValueError:
        modes = ", ".join(mode for mode in Mode if mode is not Mode.FORWARD or field == "lead_stage_name")
        raise UsageError(
            *planning_messages.UNKNOWN_MODE.format(field=field, mode=text, modes=modes)
        ) from None
    if mode is Mode.FORWARD and field != "lead_stage_name":
        raise UsageError(*planning_messages.FORWARD_IS_FOR_STAGES.format(field=field))
    return mode
