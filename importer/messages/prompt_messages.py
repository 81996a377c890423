"""Questions at the terminal, in the order in which they are asked, and the answers that can be changed."""

from __future__ import annotations

from collections.abc import Sequence

from importer.messages import format_count, format_lead_count, format_row_count

CONFIRM_SAVED_MAP = (
    "You imported a sheet with the same columns before. Your answers are in {path}.",
    "Read this sheet the same way?",
)
NO_EARLIER_QUESTION = "  This is the first question."
TYPE_YES_OR_NO = "  Type y for yes or n for no, then press Enter."
WHICH_SHEETS = "Several sheets or tables of this file look like leads. Which ones should be read, as one run?"
SHEET_NUMBERS = "Numbers of the sheets, such as 1 3 (Enter: all of them)"
TYPE_SHEET_NUMBERS = "Type numbers from 1 to {last}, or press Enter for all of them."
WHICH_COLUMN_IS_PHONE = "No header says which column has the leads' phone numbers. Which one is it?"
COLUMN_NUMBER = "  Number of the column, or 0 to stop"
WHICH_COLUMN_IS_NAME = "Which column holds the names?"
NAME_COLUMN_NUMBER = "  Number of the column, or 0 if none of them does"
TYPE_COLUMN_NUMBER = "  Type a number from 0 to {last}, then press Enter."
NO_SOURCE_COLUMN = "No column says where the leads come from."
WHICH_SOURCE = "  Where do these leads come from? Enter accepts [{suggestion}], - leaves it open"
UNSURE_COLUMNS_HINT = (
    "Press Enter to accept the field in [ ]. Type - to leave the column out, ? to list the fields, "
    "or b to go back."
)
UNSURE_COLUMN = 'Column "{name}" ({samples}): {reason}.'
WHICH_FIELD = "  Send it to [{default}]"
UNKNOWN_FIELD = '  There is no field "{name}". Type ? to list the fields.'
FIELD_IS_TAKEN = "  {field} already has a column. Choose another field, or type - to leave this column out."
NO_SAMPLES = "empty"
VALUE_CHOICES = (
    "  Enter  leave these rows out (with --unknown drop: send them without the value)",
    "  -      send these rows without the value",
    "  b      go back to the question before",
)
VALUE_CHOICES_FOR_ALL = (
    "  all    the same as Enter for this and all other values of {field};  -all  the same as -"
)
UNKNOWN_VALUE = '{position}: {field} "{value}" ({rows})'
WHICH_VALUE_NUMBER = "  Which one is meant? Type its number, or another value from your account"
WHICH_VALUE_TITLE = "  Which one is meant? Type a value (importer dropdowns lists them)"
VALUE_CHOSEN = '  Using "{title}".'
VALUE_NOT_IN_ACCOUNT = '  "{value}" does not exist in your account. Type a number, a value from your account or -, or press Enter.'
VALUE_IS_AMBIGUOUS = '  More than one value in your account begins with "{value}": {titles}.'
OWNER_CHOICES = (
    "  Enter  leave the owner out (the name is kept as additional info)",
    "  b      go back to the question before",
)
OWNER_CHOICE_FOR_ALL = "  all    leave out this and all other owners"
OWNER = '{position}: {column} "{name}" ({rows})'
WHICH_OWNER_PHONE = "  What is {name}'s phone in the CRM? Enter leaves it out"
OWNER_PHONE_CHOSEN = "  Using {phone}."
IS_TITLE_MEANT = '  Do you mean "{title}"?'


def format_unsure_columns(count: int) -> str:
    """Return the sentence before the questions about columns."""
    columns = "1 column" if count == 1 else f"{count} columns"
    return f"We are not sure about {columns}. {UNSURE_COLUMNS_HINT}"


def format_bad_cells(rows: int) -> str:
    """Return the sentence before the question about cells that cannot be read."""
    can_not = "1 row is" if rows == 1 else f"{format_count(rows)} rows are"
    return f"{can_not} rejected only because of a cell that cannot be read and is not the phone:"


def format_drop_question(rows: int) -> str:
    """Return the question whether rows may go in without such cells."""
    return (
        "Send this row without the cell?"
        if rows == 1
        else f"Send these {format_count(rows)} rows without such cells?"
    )


def format_rest_columns(names: Sequence[str]) -> str:
    """Return the sentence before the question about the columns that go to no field."""
    if len(names) == 1:
        return f'Column "{names[0]}" goes to no field.'
    return f"These columns go to no field: {', '.join(names)}."


def format_rest_question(count: int) -> str:
    """Return the question about the columns that go to no field."""
    columns = "the other column" if count == 1 else f"the other {count} columns"
    return f"Keep {columns} as additional info?"


def format_unknown_values(field: str, values: int, rows: int) -> str:
    """Return the sentence before the questions about the unknown values of one field."""
    do_not_exist = "1 value does not exist" if values == 1 else f"{format_count(values)} values do not exist"
    return f"{field}: {do_not_exist} in your account ({format_row_count(rows)})."


def format_owners(names: int, rows: int) -> str:
    """Return the sentence before the questions about owners who are named in the sheet."""
    has_names = "has 1 name" if names == 1 else f"has {format_count(names)} names"
    return f"Owners: the sheet {has_names} ({format_row_count(rows)}), but the CRM takes the phones of team members."


# --- tasks

DUE_COLUMN = 'The column "{name}" looks like dates of follow-ups ({samples}).'
CREATE_TASKS = "Create a follow-up task in the CRM for each lead with a date there?"


# --- the last question, and the answers that can be changed before it

YOUR_ANSWERS = "Your answers"
HOW_TO_CHANGE_AN_ANSWER = (
    "To change an answer, type its number, or b for the last one. The sheet is then checked again."
)
WHICH_ANSWER_TO_CHANGE = "Number of the answer to change, or Enter to stop"
TYPE_YES_NO_OR_NUMBER = (
    "  Type y to send, n to stop, or the number of an answer to change it. Then press Enter."
)
IS_LEFT_OUT = "left out"
ROWS_ARE_LEFT_OUT = "these rows are left out (with --unknown drop: sent without the value)"
SHEETS_ANSWER = "Sheets to read: {sheets}"
SAVED_MAP_ANSWER = "Read the columns as last time ({path}): {answer}"
FIELD_ANSWER = '{field}: column "{column}"'
NO_COLUMN = "none"
SOURCE_ANSWER = "Source of all leads: {source}"
COLUMN_ANSWER = 'Column "{column}": {field}'
OWNER_ANSWER = '{column} "{name}" ({rows}): {phone}'
VALUE_ANSWER = '{field} "{value}" ({rows}): {title}'
TASK_ANSWER = "Tasks from {column}: {answer}"
REST_ANSWER = "Keep the columns that go to no field as additional info ({columns}): {answer}"
BAD_CELLS_ANSWER = "Send {rows} without the cells that cannot be read: {answer}"


def format_send_question(leads: int, crm: str) -> str:
    """Return the question before the first write."""
    return f"Send {format_lead_count(leads)} to {crm} now?"
