"""Screen 5: what sending would change, and the form that sends exactly that."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from importer.errors import UsageError
from importer.fields import get_field_label
from importer.journal.run_journal import Journal
from importer.messages import planning_messages, ui_messages
from importer.models.row_plan import FieldCount, PlanAction
from importer.models.status import RowStatus, RunKind, RunState
from importer.planner.policies import Policies
from importer.report.change_texts import list_field_counts
from importer.ui.policy_choice import (
    CHOICE_PREFIX,
    PRESETS,
    PolicyChoice,
    describe_choice,
    get_planned_policies,
    read_policies,
    to_options,
    translate_effects,
)
from importer.ui.run_steps import start_look_up, start_send
from importer.ui.visit import PageNotFoundError, Visit, show, write

MAX_UNTYPED_UPDATES = 1_000
"""More leads are updated only after a person has typed their number."""


def show_plan(visit: Visit) -> Response:
    """Show the counts of the plan, what it does to each field, and the form that sends it."""
    place = visit.workspace.find_place(visit.run_id)
    if place.running is not None or place.state is not RunState.PLANNED:
        return visit.go_to_run()
    with Journal.open_unverified(visit.folder) as journal:
        actions = journal.plans.count_actions()
        is_undo = journal.metadata.kind is RunKind.UNDO
        choice = None if is_undo else _describe_choice(visit, journal, dict(visit.query))
        statuses = journal.reports.count_by_status()
        summary = visit.workspace.read_summary(visit.run_id)
        effects = [FieldCount(*found) for found in journal.plans.count_effects()]
        fields = list_field_counts(effects, translate_effects(visit.t))
        return visit.render(
            "plan.html",
            step="plan",
            file=journal.metadata.file,
            is_undo=is_undo,
            crm=visit.name_crm(journal.metadata.base_url),
            actions=actions if choice is None else choice.actions,
            meanings={
                action: visit.t.translate(text) for action, text in planning_messages.ACTION_MEANINGS.items()
            },
            fields=[(visit.t.translate(get_field_label(field)), found) for field, found in fields.items()],
            choice=choice,
            presets=PRESETS,
            to_fix=0 if is_undo else statuses.get(RowStatus.INVALID, 0),
            merged=0 if is_undo else statuses.get(RowStatus.DUPLICATE, 0),
            tasks=summary.open_tasks if summary else 0,
            leads=count_leads(actions),
            updates=actions[PlanAction.UPDATE],
            must_type=actions[PlanAction.UPDATE] > MAX_UNTYPED_UPDATES,
            nonce=visit.make_nonce(*_identify_plan(journal, actions)),
        )


def _read_policies(given: Mapping[str, str], journal: Journal) -> Policies:
    chosen = {
        name.removeprefix(CHOICE_PREFIX): mode
        for name, mode in given.items()
        if name.startswith(CHOICE_PREFIX)
    }
    return read_policies(chosen, given.get("existing", ""), get_planned_policies(journal.metadata))


def _describe_choice(visit: Visit, journal: Journal, given: Mapping[str, str]) -> PolicyChoice:
    """Return what the choice in an address would do: the plan's own where it has none."""
    tally = visit.workspace.tallies.get(journal)
    return describe_choice(visit.t, journal, tally, _read_policies(given, journal))


def count_choice(visit: Visit) -> Response:
    """Answer the script that asks what another choice would do. No request is made to the CRM."""
    place = visit.workspace.find_place(visit.run_id)
    if place.running is not None or place.state is not RunState.PLANNED or not place.can_edit:
        raise PageNotFoundError
    with Journal.open_unverified(visit.folder) as journal:
        return visit.to_json(_describe_choice(visit, journal, dict(visit.query)))


def choose_policies(visit: Visit) -> Response:
    """Plan the rows again with another choice. The leads are not looked up again."""
    place = visit.workspace.find_place(visit.run_id)
    if place.running is None and place.state is RunState.PLANNED and place.can_edit:
        with Journal.open_unverified(visit.folder) as journal:
            policies = _read_policies(visit.form.get_prefixed(""), journal)
            options = to_options(policies, visit.workspace.tallies.get(journal))
        start_look_up(visit.workspace, visit.run_id, options)
    return visit.redirect(f"/runs/{visit.run_id}")


def count_leads(actions: dict[PlanAction, int]) -> int:
    """Return the number of leads that sending the plan changes."""
    return actions[PlanAction.CREATE] + actions[PlanAction.UPDATE]


def _identify_plan(journal: Journal, actions: dict[PlanAction, int]) -> tuple[str, ...]:
    """Return what makes a plan this one: another look-up, policy or edit makes another plan."""
    counts = ",".join(f"{action}={count}" for action, count in actions.items())
    return journal.run_id, journal.run.end.state, journal.run.end.finished_at or "", counts


def look_up(visit: Visit) -> Response:
    """Look up the leads of a checked run."""
    start_look_up(visit.workspace, visit.run_id)
    return visit.redirect(f"/runs/{visit.run_id}")


def send_plan(visit: Visit) -> Response:
    """Send the plan that the form was shown with. A second click finds the run under way."""
    place = visit.workspace.find_place(visit.run_id)
    if place.running is not None:
        return visit.redirect(f"/runs/{visit.run_id}")
    with Journal.open_unverified(visit.folder) as journal:
        actions = journal.plans.count_actions()
        is_current = visit.has_nonce(visit.form.get("nonce"), *_identify_plan(journal, actions))
        planned_at = journal.run.end.finished_at or ""
    if not is_current:
        raise UsageError(*ui_messages.PLAN_CHANGED)
    updates = actions[PlanAction.UPDATE]
    typed = "".join(filter(str.isdigit, visit.form.get("updates")))
    if updates > MAX_UNTYPED_UPDATES and typed != str(updates):
        raise UsageError(*ui_messages.TYPE_THE_NUMBER.format(count=updates))
    start_send(visit.workspace, visit.run_id, planned_at)
    return visit.redirect(f"/runs/{visit.run_id}")


ROUTES = [
    show("/runs/{run_id}/plan", show_plan),
    show("/runs/{run_id}/plan/choice", count_choice),
    write("/runs/{run_id}/policies", choose_policies),
    write("/runs/{run_id}/look-up", look_up),
    write("/runs/{run_id}/send", send_plan),
]
