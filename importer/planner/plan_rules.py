"""What all rows of a plan have in common: policies, the account's stages and titles, and whether leads may be created."""

from __future__ import annotations

import msgspec

from importer.fields import Dropdown
from importer.models.mapping import AccountTitles
from importer.planner.decide import NO_STAGES, Edited, Stages
from importer.planner.lead_values import TitleNames
from importer.planner.policies import Policies


class PlanRules(msgspec.Struct, frozen=True, kw_only=True):
    """What all rows of a plan have in common.

    `create` says whether a lead may be created. `edited` is what an undo does with fields that were changed after the
    run, None for an import.
    """

    policies: Policies = Policies()
    stages: Stages = NO_STAGES
    titles: TitleNames = {}
    create: bool = True
    edited: Edited | None = None


def build_plan_rules(policies: Policies, titles: AccountTitles, *, create: bool) -> PlanRules:
    """Return the rules of a plan by the account's lists as they are now."""
    stages = titles.get(Dropdown.STAGE, ())
    return PlanRules(
        policies=policies,
        stages=Stages(
            {stage.title: stage.position for stage in stages if stage.position is not None},
            frozenset(stage.title for stage in stages if stage.is_final),
        ),
        titles=map_title_ids(titles),
        create=create,
    )


def build_undo_rules(edited: Edited, titles: AccountTitles) -> PlanRules:
    """Return the rules of an undo: it creates no lead."""
    return PlanRules(titles=map_title_ids(titles), create=False, edited=edited)


def map_title_ids(titles: AccountTitles) -> TitleNames:
    """Return the account's titles by list and id."""
    return {
        (dropdown, title.id): title.title for dropdown, found in titles.items() for title in found if title.id
    }
