"""Sentences about plans and verifications: policies, what a plan found, and what reading back showed."""

from __future__ import annotations

from importer.messages import ErrorText, format_count, format_lead_count

UNKNOWN_POLICY_FIELD = ErrorText(
    'A policy names the field "{name}", which does not exist or cannot have a policy.',
    "Use a field such as city, email or lead_stage_name. docs/mapping.md lists all fields.",
)
UNKNOWN_MODE = ErrorText('The policy of {field} cannot be "{mode}".', "Use one of: {modes}.")
FORWARD_IS_FOR_STAGES = ErrorText(
    'The policy of {field} cannot be "forward", which is only for lead_stage_name.',
    "Use overwrite, fill, keep, append or unedited.",
)

# --- apply and resume

APPLY_INSTEAD = ErrorText("Run {run} is a finished plan.", "Send it with: importer apply {run}")
ALREADY_SENT = ErrorText(
    "Run {run} was already sent, or its sending was begun.",
    "See its report, or finish it with importer resume {run} if it was stopped.",
)
NOT_CHECKED = ErrorText(
    "Run {run} is not a finished check, so its leads cannot be looked up now.", "Its state: importer runs"
)
PLAN_NOT_FINISHED = ErrorText(
    "The plan of run {run} is not finished.", "Finish it with: importer resume {run}"
)
PLAN_IS_A_SAMPLE = ErrorText(
    "Run {run} has looked up only some of the leads, so it cannot be applied.",
    "Make a full plan: run importer plan again without --look-up.",
)
ALREADY_APPLIED = ErrorText(
    "The plan of run {run} was already applied ({at}).",
    "See its report, or finish it with importer resume {run} if it was stopped.",
)
APPLY_DECLINED = ErrorText("Nothing was sent.", "To send it later, run: importer apply {run}")

# --- the column `_changes`: `City: "Pune" -> "Mumbai" | Labels: + VIP | Stage: kept "Won"`
CHANGE_SEPARATOR = " | "
CHANGE_FILL = '{label}: set "{new}"'
CHANGE_SET = '{label}: "{old}" -> "{new}"'
CHANGE_CLEAR = '{label}: "{old}" -> empty'
CHANGE_ADD = "{label}: + {new}"
CHANGE_REMOVE = "{label}: - {new}"
CHANGE_SEND = "{label}: send {new} (the CRM does not show this field)"
CHANGE_KEPT = '{label}: kept "{old}"'
CHANGE_EDITED = '{label}: kept "{old}", changed in the CRM after the last import'
CHANGE_FOREIGN = '{label}: kept "{old}", which is not from importer'
CHANGE_CONFLICT = '{label}: kept "{old}", not set to "{new}"'

# --- counts of a plan

PLAN_TITLE = "The plan:"
PLANNED_FIELDS = "Fields of leads that exist in the CRM:"
ACTION_MEANINGS = {
    "create": "to create: no lead has this phone",
    "update": "to update",
    "unchanged": "unchanged",
    "conflict": "held back",
    "cannot_tell": "without a clear answer of the CRM",
}
"""What each action of a plan means, on the terminal and on the page."""

EFFECT_WORDS = {
    "set": "replaced",
    "fill": "filled",
    "add": "added to",
    "remove": "removed",
    "send": "sent (the CRM does not show what the lead has)",
    "kept": "kept",
    "edited": "kept, because a person changed it",
    "foreign": "kept, because it is not from importer",
    "conflict": "held back",
}
"""What a plan does to a field, in a list of counts."""

FIELD_LINE = "{label}: {effects}"
EFFECT_COUNT = "{count} {what}"
ESTIMATE = "  (of all rows: {rows} ± {error})"
SAMPLE_ONLY = (
    "Only {planned} rows were looked up, chosen at random. The figures for all rows are estimates (95%)."
)

PLAN_ON_PAGE = "What the plan does"
HEAD_EFFECT = "Leads that exist in the CRM"
HEAD_EXAMPLE = "Examples of replaced values"
SEE_CHANGES = "Every change, field by field:"
EXAMPLE = '{phone}: "{old}" -> "{new}"'

# --- verify

NOTHING_TO_VERIFY = ErrorText(
    "Run {run} has sent nothing, so there is nothing to read back.",
    "Send it first, then run: importer verify {run}",
)
NOT_ALL_READ_BACK = "Not all leads were read back. {reason} Read them with: {command}"
VERIFICATION_MEANINGS = {
    "same": "as sent",
    "normalised": "as sent, but for upper and lower case, spaces, or the end of a long text",
    "differs": "with other values than those sent",
    "changed_since": "as sent at first, and changed in the CRM later",
    "missing": "not in the CRM",
    "cannot_tell": "not read: nobody can tell",
}
"""What each outcome of reading a lead back means, on the terminal and on the page."""

VERIFICATION_TITLE = "Read back from the CRM:"
VERIFICATION_ON_PAGE = "Read back from the CRM"
SEE_VERIFICATION = "The column _verified has the outcome of each row, and _problems the values that differ:"
VERIFICATION_STEP = (
    "Check the leads that the CRM does not show as they were sent: search for them in the _verified column."
)


def format_verification_failure(not_as_sent: int, not_read: int) -> str:
    """Return how many leads the CRM does not show as they were sent, and how many were not read back."""
    parts = []
    if not_as_sent:
        parts.append(f"the CRM does not show {format_lead_count(not_as_sent)} as sent")
    if not_read:
        parts.append(f"{format_lead_count(not_read)} {'was' if not_read == 1 else 'were'} not read back")
    return ", and ".join(parts)


def format_verification_success(read: int, changed: int) -> str:
    """Return how many leads were read back and had what was sent, and how many of them were changed later."""
    sentence = (
        f"{format_lead_count(read)} {'was' if read == 1 else 'were'} read back: the CRM has what was sent."
    )
    if changed:
        sentence += f" {format_count(changed)} of them {'was' if changed == 1 else 'were'} changed later."
    return sentence
