"""Screen 5: what sending would change, and the form that sends exactly that."""

from __future__ import annotations

from starlette.responses import Response

from importer.errors import UsageError
from importer.fields import get_field_label
from importer.journal.run_journal import Journal
from importer.messages import planning_messages, ui_messages
from importer.models.row_plan import FieldCount, PlanAction
from importer.models.status import RunKind, RunState
from importer.report.change_texts import list_field_counts
from importer.ui.run_steps import start_look_up, start_send
from importer.ui.visit import Visit, show, write

MAX_UNTYPED_UPDATES = 1_000
"""More leads are updated only after a person has typed their number."""


def show_plan(visit: Visit) -> Response:
    """Show the counts of the plan, what it does to each field, and the form that sends it."""
    place = visit.workspace.find_place(visit.run_id)
    if place.running is not None or place.state is not RunState.PLANNED:
        return visit.go_to_run()
    with Journal.open_unverified(visit.folder) as journal:
        actions = journal.plans.count_actions()
        fields = list_field_counts([FieldCount(*found) for found in journal.plans.count_effects()])
        return visit.render(
            "plan.html",
            step="plan",
            file=journal.metadata.file,
            is_undo=journal.metadata.kind is RunKind.UNDO,
            crm=visit.name_crm(journal.metadata.base_url),
            actions=actions,
            meanings=planning_messages.ACTION_MEANINGS,
            fields=[(get_field_label(field), effects) for field, effects in fields.items()],
            leads=count_leads(actions),
            updates=actions[PlanAction.UPDATE],
            must_type=actions[PlanAction.UPDATE] > MAX_UNTYPED_UPDATES,
            nonce=visit.make_nonce(*_identify_plan(journal, actions)),
        )


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
    if not is_current:
        raise UsageError(*ui_messages.PLAN_CHANGED)
    updates = actions[PlanAction.UPDATE]
    typed = "".join(filter(str.isdigit, visit.form.get("updates")))
    if updates > MAX_UNTYPED_UPDATES and typed != str(updates):
        raise UsageError(*ui_messages.TYPE_THE_NUMBER.format(count=updates))
    start_send(visit.workspace, visit.run_id)
    return visit.redirect(f"/runs/{visit.run_id}")


ROUTES = [
    show("/runs/{run_id}/plan", show_plan),
    write("/runs/{run_id}/look-up", look_up),
    write("/runs/{run_id}/send", send_plan),
]
