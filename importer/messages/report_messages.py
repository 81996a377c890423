"""Texts of the report page, the workbook, the template, and the next steps; the meanings of a row's status."""

from __future__ import annotations

from datetime import datetime

from importer.messages import ErrorText, format_count, format_lead_count, format_time

STATUS_MEANINGS: dict[str, str] = {
    "accepted": "went in",
    "unchanged": "in the CRM already, nothing to send",
    "invalid": "rejected by importer, so not sent",
    "conflict": "held back: the CRM has other values",
    "refused": "refused by the CRM, or by a firewall in front of it",
    "failed": "could not be delivered",
    "unknown": "may have gone in; the answer was lost",
    "duplicate": "merged into another row with the same phone",
    "pending": "not tried yet",
}
"""What each status of a row means, on the terminal and on the page."""

CHECK_MEANINGS: dict[str, str] = {**STATUS_MEANINGS, "accepted": "can go in"}
"""The same after a check."""

UNWRITABLE_REPORTS = ErrorText(
    "Cannot write the reports to {folder}: {error}. The journal of the run is safe.",
    "Free some space on the disk, or make the folder writable. Then write the reports with: {command}",
)
COLUMN_LEFT_OUT = 'Column "{header}" was left out: {reason}.'

# --- the page: title, headline, counts
TITLE_END = "import report"
RUN = "Run"
NEXT_STEPS = "What to do next"
ALL_FILES = "All files:"
FILE_NOTES: dict[str, str] = {
    "failed_rows.xlsx": " (rows to fix)",
    "failed_rows.csv": " (rows to fix, as CSV)",
    "results.csv": " (every row)",
    "changes.csv": " (every change of a plan)",
    "summary.json": " (for programs)",
}
SEE_PROBLEMS = "See _problems in"
SEE_OTHER_NAMES = "To find them, search for row.other_name in the _codes column of"
KEEP_OUT = "To keep such rows out, add"
KEEP_OUT_OPTION = "--duplicates reject"


def format_headline(  # noqa: PLR0911 - one sentence for each ending
    name: str, *, rows: int, went_in: int, state: str, failure: str = ""
) -> str:
    """Return in one line how many rows of the file `name` went in. `state` is that of summary.json."""
    left = rows - went_in
    if not rows:
        return f"{name} has a header and no rows. Nothing was sent."
    match state:
        case "checked":
            rest = f" {format_count(left)} cannot yet." if left else ""
            return f"{format_count(went_in)} of {format_count(rows)} rows of {name} can go in.{rest} Nothing was sent."
        case "planned":
            rest = f" {format_count(left)} cannot yet." if left else ""
            return f"{format_count(went_in)} of {format_count(rows)} rows of {name} can go in as planned.{rest} Nothing was sent."
        case "finished" if failure:
            return f"{format_count(went_in)} of {format_count(rows)} rows of {name} went in, but {failure}."
        case "finished" if not left:
            return f"All {format_count(rows)} rows of {name} went in."
        case "finished":
            return f"{format_count(went_in)} of {format_count(rows)} rows of {name} went in. {format_count(left)} did not."
        case _:
            return f"The run stopped early. {format_count(went_in)} of {format_count(rows)} rows of {name} went in so far. You can resume it."


NAME_THE_COLUMN = 'If a column has the names, name it: --column "HEADER=full_name".'


def format_nameless_leads(nameless: int, leads: int) -> str:
    """Return how many of the leads have no name."""
    if leads == 1:
        return "The lead has no name."
    if nameless == leads:
        return f"None of the {format_count(leads)} leads has a name."
    return f"{format_count(nameless)} of the {format_count(leads)} leads have no name."


def format_existing_leads(known: int, leads: int) -> str:
    """Return how many of the leads of a check were sent before, and which command looks them up: a check does not."""
    if not known:
        return (
            "A check does not look up which leads the CRM has already. importer plan shows what would change."
        )
    if known == leads:
        those = "This lead was" if leads == 1 else f"All {format_count(leads)} leads were"
        return f"{those} sent by importer before. importer plan shows what would change."
    return (
        f"{format_count(known)} of the {format_count(leads)} leads {'was' if known == 1 else 'were'} sent by importer before, "
        "and others may be in the CRM too. importer plan shows what would change."
    )


SEE_FIRST = "See what would change in leads that exist:"


def format_vanished_leads(leads: int, run_id: str, file: str, started_at: str) -> str:
    """Return how many leads of an earlier run the sheet does not have any more."""
    those = "1 lead" if leads == 1 else f"{format_count(leads)} leads"
    when = format_time(datetime.fromisoformat(started_at))
    they = "is not in this sheet any more. It stays in the CRM as it is."
    if leads != 1:
        they = "are not in this sheet any more. They stay in the CRM as they are."
    return f"{those} of run {run_id} ({file}, {when}) {they}"


def format_started(started_at: str) -> str:
    """Return when a run started; `started_at` is ISO 8601."""
    return f"started {format_time(datetime.fromisoformat(started_at))}."


def format_parent(run_id: str) -> str:
    """Return which run this one retries."""
    return f"It sent rows of run {run_id} again."


def format_requests(requests: int, duration: str, rate: float) -> str:
    """Return how many requests were sent, for how long, and the highest rate a second."""
    return f"{format_count(requests)} request{'' if requests == 1 else 's'} in {duration}, at up to {rate:.0f} per second."


def format_duration(seconds: float) -> str:
    """Return a duration, such as `9 s`, `4 min 10 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def format_workbook_limit(workbook_rows: int, failed_rows: int) -> str:
    """Return why failed_rows.xlsx does not hold every row to fix."""
    return (
        f"failed_rows.xlsx holds {format_count(workbook_rows)} of the {format_count(failed_rows)} rows. A workbook cannot hold the others "
        "exactly as they were typed. failed_rows.csv holds every row."
    )


def format_warned_rows(rows: int, *, is_check: bool) -> str:
    """Return how many rows have a warning."""
    go = "can go in" if is_check else "went in"
    return f"{format_count(rows)} row{'' if rows == 1 else 's'} that {go} {'has' if rows == 1 else 'have'} a warning."


def format_other_names(rows: int) -> str:
    """Return how many rows were merged with a row that has another name."""
    if rows == 1:
        return "1 row was merged with a row of the same phone but another name. They may be two people."
    return f"{format_count(rows)} rows were merged with a row of the same phone but another name. They may be different people."


# --- the page: charts
CHART_STATUS = "Rows by status"
CHART_RATE = "Requests per second"
CHART_PROBLEMS = "Problems by kind"
CHART_COLUMNS = "Problems by column"
CHART_STAGES = "Leads by stage"
CHART_GROUPS = "Leads by group"
CHART_ROWS = "rows"
WITHIN_LIMIT = "within the limit"
THROTTLED = 'answered "too many requests", sent again later'


def format_other_bars(bars: int) -> str:
    """Return the label of the bar that stands for the rest."""
    return f"{bars} others"


# --- the page: values, rows, columns
UNKNOWN_VALUES = "Values that do not exist in your account"
FIX_VALUES = "Fix each value once, in the sheet or in your account. Then all its rows are fixed."
RUN_ASKS = "On a terminal, importer run asks once what each value means."
ROWS_IN_CHECK = "Rows that cannot go in yet"
ROWS_AFTER_RUN = "Rows that did not go in"
ONLY_FIRST_PRINTED = "Only the first 50 rows are printed."
SEARCH = "Search these rows"
FOUND = "found"
HOW_READ = "How the sheet was read"
NO_HEADER = "(no header)"
LEFT_OUT = "left out"
IGNORED = "What was not imported"
HEAD_ROWS, HEAD_COLUMN, HEAD_VALUE, HEAD_ADVICE = "Rows", "Column", "Value", "What to do"
HEAD_ROW, HEAD_STATUS, HEAD_PROBLEM = "Row", "Status", "What is wrong"
HEAD_FIELD, HEAD_FILLED, HEAD_REASON = "Went to", "Filled", "Why"


def format_more_values(values: int) -> str:
    """Return how many values are not listed."""
    return f"And {format_count(values)} other values."


def format_pending_rows(rows: int) -> str:
    """Return how many rows were not tried, which the list leaves out."""
    return f"Rows that were not tried yet ({format_count(rows)}) are not in this list."


def format_first_rows(listed: int, rows: int, file: str) -> str:
    """Return how many rows the list shows, and where the others are."""
    return f"The first {format_count(listed)} of {format_count(rows)}; {file} holds all that can be fixed."


# --- next steps
RESUME = "Continue where the run stopped. No row goes in twice:"
FIX_LATER = "Then fix the rows that were rejected. This page will say how."
FIX_IN_WORKBOOK = (
    "Fix the coloured cells in this workbook. Each says what is wrong with it. If a row has no such cell, read "
    "_problems. You can choose stages, groups, labels and products from a list:"
)
FIX_IN_CSV = (
    "Fix the rows in this file, because a workbook cannot hold them. The _problems column says what is wrong:"
)
IMPORT_AGAIN = "Save the file and import it again. Its columns go to the same fields as before:"


def format_send_step(leads: int) -> str:
    """Return the step that sends what passed the check."""
    return f"Send the {format_lead_count(leads)} that can go in:"


def format_retry_step(rows: int) -> str:
    """Return the step that sends rows again that the network or the CRM failed on."""
    return f"Send {'1 row' if rows == 1 else f'{format_count(rows)} rows'} again, after a problem with the network or the CRM:"


# --- failed_rows.xlsx and the template
ABOUT_REPORT_COLUMNS = (
    "The grey columns belong to importer. Fix the coloured cells on the left, save the file, and import it again: "
    "importer run failed_rows.xlsx. Rows that you delete are not imported."
)
NOT_IN_ACCOUNT = "Not in your account"
CHOOSE_FROM_LIST = "Choose from the list."
CHOOSE_SEVERAL = "You can enter several, with commas between them."


def format_not_in_account(label: str) -> str:
    """Return what Excel says of a value that is not in the list; `label` is the field's."""
    return f"This {label.lower()} does not exist in your account."


TEMPLATE_NOTES: dict[str, str] = {
    "customer_phone": "Required. With the country code: +91 and ten digits",
    "first_name": "First name of the person",
    "last_name": "Last name of the person",
    "business_name": "Name of the company",
    "city": "Town or city",
    "address.text": "House, street, area",
    "address.additional": "State, PIN code, country",
    "source": "Where the lead came from, in your own words",
    "assignee_user_phone": "Phone of a team member: +91 and ten digits",
    "additional_info": "Replaces what the lead has there",
    "customer_note": "Added to the timeline of the lead",
}
"""The note above a column of the template, by field. Fields that are not listed: by TEMPLATE_NOTES_BY_KIND."""

TEMPLATE_NOTES_BY_KIND: dict[str, str] = {
    "phone": "With the country code: +91 and ten digits",
    "phones": "More numbers, with commas between them",
    "emails": "One or more, with commas between them",
    "money": "Rupees: 120000 or 1.2 lakh",
    "title": "Choose from the list",
    "titles": "From the list; several with commas between them",
    "website": "Like www.example.in",
}
