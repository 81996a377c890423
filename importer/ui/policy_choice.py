"""What a person chooses for each field that has a value in the CRM, and what that would do: for screen 5."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from importer.errors import UsageError
from importer.fields import get_field_label
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.messages import planning_messages
from importer.models.row import name_row
from importer.models.row_plan import FieldCount, PlanAction
from importer.pipeline.context import RunContext
from importer.planner.decide import Mode
from importer.planner.plan_row import format_value
from importer.planner.policies import Policies, build_policies, list_modes
from importer.planner.policy_tally import PolicyCounts, PolicyTally
from importer.report.change_texts import list_field_counts
from importer.settings import Settings, merge_run_settings
from importer.ui.texts import Texts

CHOICE_PREFIX = "mode:"
"""Of the fields of the form, before the name of a lead's field."""
PRESETS = ("careful", "fill", "overwrite")
"""Choices for all fields at once; the first one is suggested."""
_MAX_SAMPLE = 60  # characters of a value


class FieldChoice(msgspec.Struct, frozen=True):
    """One field: the modes to choose from and the chosen one, what it would do in words, and values that it would replace."""

    field: str
    label: str
    modes: tuple[Mode, ...]
    mode: Mode
    effects: str
    samples: list[tuple[str, str, str]]


class PolicyChoice(msgspec.Struct, frozen=True):
    """A choice for all fields. `is_planned` says whether the plan was made with it."""

    actions: dict[PlanAction, int]
    fields: list[FieldChoice]
    is_planned: bool


def get_planned_policies(metadata: RunMetadata) -> Policies:
    """Return the policies that a plan was made with."""
    settings = merge_run_settings(Settings(), metadata.options)
    return RunContext(settings=settings).choose_policies(metadata.mapping)


def read_policies(given: Mapping[str, str], preset: str, planned: Policies) -> Policies:
    """Return the policies of a form or an address; those of the plan where it says nothing. What makes no sense is left out."""
    chosen = build_policies(preset, {}) if preset in PRESETS else planned
    modes = {field: Mode(mode) for field, mode in given.items() if mode in _list_possible_modes(field)}
    return Policies(chosen.default, {**chosen.by_field, **modes})


def _list_possible_modes(field: str) -> tuple[Mode, ...]:
    """Return the modes of a field that an address names; none if there is no such field."""
    try:
        build_policies("overwrite", {field: Mode.KEEP})
    except UsageError:
        return ()
    return list_modes(field)


def to_options(policies: Policies, tally: PolicyTally) -> dict[str, object]:
    """Return the options of a command with which the fields of the plan are treated like this."""
    fields = tally.count(policies).fields
    return {
        "existing": policies.default.value,
        "policy": {field: policies.get_mode(field).value for field in fields if list_modes(field)}
        | {field: mode.value for field, mode in policies.by_field.items()},
    }


def describe_choice(t: Texts, journal: Journal, tally: PolicyTally, policies: Policies) -> PolicyChoice:
    """Return what a choice would do with the rows of a plan."""
    counts = tally.count(policies)
    planned = get_planned_policies(journal.metadata)
    sheets = journal.metadata.sheets
    return PolicyChoice(
        actions={action: counts.actions[action] for action in PlanAction},
        fields=[
            FieldChoice(
                field=field,
                label=t.translate(get_field_label(field)),
                modes=list_modes(field),
                mode=policies.get_mode(field),
                effects=_describe_effects(field, counts, t),
                samples=[
                    (name_row(one.number, sheets), _shorten(one.old), _shorten(one.new))
                    for one in tally.list_samples(field, policies.get_mode(field))
                ],
            )
            for field in counts.fields
        ],
        is_planned=all(planned.get_mode(field) is policies.get_mode(field) for field in counts.fields),
    )


def translate_effects(t: Texts) -> dict[str, str]:
    """Return the words for what a plan does to a field."""
    return {effect: t.translate(text) for effect, text in planning_messages.EFFECT_WORDS.items()}


def _describe_effects(field: str, counts: PolicyCounts, t: Texts) -> str:
    found = [FieldCount(field, effect.value, rows) for effect, rows in counts.fields[field].items()]
    return list_field_counts(found, translate_effects(t)).get(field, "")


def _shorten(value: object) -> str:
    text = format_value(value)
    return text if len(text) <= _MAX_SAMPLE else f"{text[:_MAX_SAMPLE]}…"
