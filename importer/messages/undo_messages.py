"""Sentences about undoing a run: what cannot be undone, what it puts back, and how it ended."""

from __future__ import annotations

from importer.issue_codes import IssueCode as Code
from importer.messages import ErrorText, IssueText, format_count, format_lead_count

# --- runs that cannot be undone

NOTHING_TO_UNDO = ErrorText("Run {run} has sent nothing, so there is nothing to undo.")
NO_WAY_BACK = ErrorText(
    "Run {run} cannot be undone, because it did not read the leads before it wrote to them.",
    "Next time, import with importer plan and importer apply, or add --snapshot to importer run. Both keep the way back.",
)
NO_ROWS_TO_UNDO = ErrorText(
    "Run {run} changed none of the leads that you asked for.", "See its report, and check --only and --rows."
)
ALREADY_UNDONE = ErrorText(
    "Run {run} was already undone on {at}, by run {undo}.", "To take that back, run: importer undo {undo}"
)
UNDO_NOT_FINISHED = ErrorText(
    "Run {run} is being undone by run {undo}, which is not finished.", "Finish it with: {command}"
)
UNDONE_RUN_IS_GONE = ErrorText(
    "Run {run} was deleted, and the earlier values of its leads with it, so it cannot be undone.",
    "Its leads stay as they are.",
)
ROWS_OF_SEVERAL_SHEETS = ErrorText(
    "--rows cannot be used, because run {run} read several sheets and a row number is not unique in it.",
    "Undo the whole run, or choose fields with --only.",
)
UNKNOWN_FIELD = ErrorText(
    '--only names the field "{name}", which does not exist or cannot be put back.',
    "Use a field such as city, email or lead_stage_name. docs/mapping.md lists all fields.",
)
UNKNOWN_LABEL = ErrorText(
    '--mark-created names the label "{label}", which cannot be used.{hint}',
    "Create the label in your account first, or choose another one.",
)

# --- what follows for an undone run, and for the reports of an undo

RESUME_UNDONE = ErrorText(
    "Run {run} was undone by run {undo}, so it is not continued.",
    "Import the sheet again if you want its values.",
)
EDIT_OF_UNDO = ErrorText(
    "Run {run} is an undo. Its rows cannot be edited.",
    "Edit the lead in the CRM, or import a sheet with its values.",
)
RETRY_UNDO = ErrorText(
    "Run {run} is an undo. Its rows cannot be imported.",
    "To put back what is left, run: importer undo {parent}",
)
REPORT_OF_UNDO = ErrorText(
    "{file} is a report of an undo (run {run}). Its rows cannot be imported.",
    "To put back what is left, run: importer undo {parent}",
)

# --- what an undo leaves as it is

ISSUE_TEXTS: dict[Code, IssueText] = {
    # {value} is what the CRM has, or what the run sent
    Code.CHANGED_AFTER_RUN: IssueText(
        "changed after the run",
        'somebody changed {label} to "{value}" after the run. Before the run it was "{hint}". The lead was left as it is. '
        "To put back its other fields, add --edited field. To put back this one too, add --edited force.",
    ),
    Code.LATER_RUN: IssueText(
        "written by a later run",
        "run {value} wrote to this lead later, so the lead was left as it is. Run importer undo {value} first, then this undo again.",
    ),
    Code.LEAD_DELETED: IssueText(
        "lead not in the CRM any more",
        "the CRM has no lead with this phone any more, so nothing can be put back. If you need the lead, import its row again.",
    ),
    Code.CREATED_BY_RUN: IssueText(
        "created by the run",
        "the run created this lead, and the API cannot delete a lead. Delete it in the CRM. To find such leads there, add "
        "--mark-created LABEL.",
    ),
    Code.CREATED_AND_MARKED: IssueText(
        "created by the run",
        'the run created this lead, and the API cannot delete a lead. It has the label "{value}" now: delete it in the CRM.',
    ),
    Code.NOTHING_TO_PUT_BACK: IssueText(
        "nothing can be put back", "nothing that the run changed in this lead can be put back."
    ),
    Code.WAS_EMPTY: IssueText(
        "was empty before the run",
        'the run set {label} to "{value}". It was empty before, and the API cannot empty it. Empty it in the CRM.',
    ),
    Code.ONLY_ADDED: IssueText(
        "cannot be taken away",
        'the run added "{value}" ({label}), and the API cannot take it away. Remove it in the CRM.',
    ),
    Code.ASSIGNEE_NOT_SHOWN: IssueText(
        "assignee not put back",
        "the run assigned {value}. The API does not show the phone of the earlier assignee, so check the assignee in the CRM.",
    ),
    Code.TITLE_GONE: IssueText(
        "not in the account any more",
        '{label} was "{value}" before the run, but that does not exist in your account any more. Choose another one in the CRM.',
    ),
}
"""The words of the issues of an undo, a part of `issue_messages.ISSUE_TEXTS`."""

# --- the list of runs

UNDO_OF = "undo of {run}"
RUN_LINE_UNDONE = "  (undone {at} by {run})"
RUN_LINE_UNDO = "  -> {command}"

# --- what an undo would do, and what it did

STATUS_MEANINGS: dict[str, str] = {
    "accepted": "put back",
    "unchanged": "already as before the run",
    "invalid": "cannot be put back",
    "conflict": "left as they are: changed after the run",
    "refused": "refused by the CRM, or by a firewall in front of it",
    "failed": "not put back: the network or the CRM failed",
    "unknown": "may have been put back; the answer was lost",
    "duplicate": "merged into another row with the same phone",
    "pending": "not tried yet",
}
"""What each status of a row means in an undo, on the terminal and on the page."""

PLAN_MEANINGS: dict[str, str] = {**STATUS_MEANINGS, "accepted": "can be put back"}
"""The same while it is only planned."""

EFFECT_WORDS = {
    "set": "put back",
    "fill": "filled again",
    "add": "added",
    "remove": "taken away",
    "edited": "left, because changed after the run",
    "conflict": "left with its lead, because changed after the run",
}
"""What an undo does to a field, in a list of counts."""

SUMMARY_TITLE = "{leads} that run {run} wrote to"
FIELDS = "Fields:"
WHAT_STAYS = "What stays, and why: see _problems in {file}"
PUT_BACK_WITH = " Put them back with: {command}"
TRY_AGAIN_WITH = " Try again with: {command}"


def format_plan_result(leads: int, of_all: int) -> str:
    """Return how many leads a planned undo can put back."""
    return f"{format_count(leads)} of {format_lead_count(of_all)} can be put back. Nothing was sent."


def format_result(run: str, *, put_back: int, same: int, marked: int, left: int, file: str) -> str:
    """Return what an undo did: `same` leads were already as before, `marked` were created by the run, `left` not put back."""
    sentences = [f"{format_lead_count(put_back)} of run {run} {'was' if put_back == 1 else 'were'} put back."]
    if not put_back:
        sentences = [f"No lead of run {run} was put back."]
    if same:
        sentences.append(
            f"{format_lead_count(same)} {'was' if same == 1 else 'were'} already as before the run."
        )
    if marked:
        sentences.append(
            f"{format_lead_count(marked)} that it created got the label: delete them in the CRM."
        )
    if left:
        sentences.append(
            f"{format_lead_count(left)} {'was' if left == 1 else 'were'} not put back: see _problems in {file}."
        )
    return " ".join(sentences)


def format_failed_verification(run: str, put_back: int, found: str, file: str) -> str:
    """Return that leads were put back, and that the CRM does not show it for all of them."""
    return f"{format_lead_count(put_back)} of run {run} {'was' if put_back == 1 else 'were'} put back, but {found}. See _verified in {file}."


def format_question(leads: int, crm: str) -> str:
    """Return the question before leads are put back."""
    return f"Put back {format_lead_count(leads)} in {crm} now?"


# --- the page

TITLE_END = "undo report"
ROWS_IN_PLAN = "Leads that cannot be put back"
ROWS_AFTER_RUN = "Leads that were not put back"
PLAN_ON_PAGE = "What the undo does to each field"
HEAD_EFFECT = "Leads"
CHART_STATUS = "Leads by result"


def format_headline(run: str, *, rows: int, went_in: int, state: str, verification_failure: str = "") -> str:
    """Return in one line how many leads of a run were put back. `state` is that of summary.json."""
    left = rows - went_in
    so_far = f"{format_count(went_in)} of {format_lead_count(rows)} of run {run}"
    rest = f" {format_count(left)} {'is' if left == 1 else 'are'} not." if left else ""
    match state:
        case "planned":
            return f"{so_far} can be put back. Nothing was sent."
        case "finished" if verification_failure:
            return f"{so_far} are put back, but {verification_failure}."
        case "finished" if left:
            return f"{so_far} are put back.{rest}"
        case "finished":
            return f"All {format_lead_count(rows)} of run {run} are put back."
        case _:
            return f"The undo of run {run} stopped early. You can resume it."


def format_parent(run_id: str) -> str:
    """Return which run this one puts back."""
    return f"It puts back the leads of run {run_id}."


def format_warned_rows(rows: int) -> str:
    """Return in how many leads something stays."""
    return f"Something that the run changed stays in {format_lead_count(rows)}."


def format_first_rows(listed: int, rows: int, file: str) -> str:
    """Return how many leads the list shows, and where the others are."""
    return f"The first {format_count(listed)} of {format_count(rows)}; {file} has all of them."


# --- next steps

STEP_EDITED = "Look at the leads that were changed after the run. To put back their other fields:"
STEP_RETRY = "Try again to put back the leads that the network or the CRM failed on:"
STEP_CREATED = "Delete the leads that the run created, in the CRM. To find them there, give them a label:"
STEP_APPLY = "Put the leads back:"
