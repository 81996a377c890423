"""Texts about options, the settings file, the API key and the environment."""

from __future__ import annotations

from typing import NamedTuple

from importer.messages import ErrorText


class OptionHelp(NamedTuple):
    """What `--help` shows of an option: the placeholder of its value ("" for a switch), and a sentence."""

    placeholder: str
    text: str


OPTION_HELP: dict[str, OptionHelp] = {
    "sheet": OptionHelp(
        "NAME|NUMBER|all",
        "The sheet of a workbook to read: its name, or its number (1 is the first). Repeat it to read several as one run; all reads each sheet with leads.",
    ),
    "header_row": OptionHelp("N", "The row that holds the column headers."),
    "encoding": OptionHelp("NAME", "The text encoding of a CSV file, such as cp1252."),
    "delimiter": OptionHelp("CHAR", "The character between the cells of a CSV file: , ; | or tab."),
    "preset": OptionHelp(
        "NAME",
        "Read the file as an export of this program. importer columns shows which one it recognises.",
    ),
    "map": OptionHelp("MAP.toml", "Use the column mapping in this file."),
    "save": OptionHelp("MAP.toml", "Save the mapping and your answers to this file, for --map next time."),
    "column": OptionHelp(
        '"HEADER=FIELD"', 'Send a column to a field. "HEADER=" leaves the column out. Repeatable.'
    ),
    "default": OptionHelp('"FIELD=VALUE"', "Use this value in rows where the cell is empty. Repeatable."),
    "region": OptionHelp("IN", "The country of phone numbers without a country code."),
    "create": OptionHelp("", "Create leads that do not exist in the CRM yet."),
    "duplicates": OptionHelp("merge|first|last|reject", "What to do with rows that have the same phone."),
    "unknown": OptionHelp(
        "reject|drop",
        "If a dropdown value does not exist in your account: reject the row, or drop the value.",
    ),
    "bad_cells": OptionHelp(
        "reject|drop",
        "If a cell other than the phone cannot be read: reject the row, or leave the cell out.",
    ),
    "ranges": OptionHelp(
        "info|low|high|reject",
        "For an amount such as 80-90L: keep the text as additional info, use one end, or reject the row.",
    ),
    "rest": OptionHelp(
        "info|ignore",
        "Columns that go to no field: keep those with text about the lead as additional info, or leave them out.",
    ),
    "existing": OptionHelp(
        "overwrite|fill|keep|append|unedited|careful",
        "What to do with a field that has a value in the CRM. careful is a good choice for an old sheet.",
    ),
    "policy": OptionHelp(
        '"FIELD=MODE"', "The same for one field, such as city=fill or lead_stage_name=forward. Repeatable."
    ),
    "changed": OptionHelp(
        "",
        "Leave out rows that the CRM took from importer before, with the same values. They need no request.",
    ),
    "task": OptionHelp(
        "FOLLOW_UP_CALL|FIRST_CALL|CALLBACK_REQUEST|SITE_VISIT|REMINDER|BOOKING",
        "Create a follow-up task for each lead that goes in. --due or a column of due dates says when it is due.",
    ),
    "due": OptionHelp(
        "WHEN", 'When the tasks are due: "tomorrow 11:00", +2d, monday, "kal 4 baje" or "30/11/2026 4 pm".'
    ),
    "notify": OptionHelp("15m", "Notify the owner of a task this long before it is due: 15m, 2h or 1d."),
    "hours": OptionHelp("10:00-19:00", "The hours in which tasks are due."),
    "days": OptionHelp("mon-sat", "The days on which tasks are due, such as mon-fri or mon,wed,fri."),
    "timezone": OptionHelp("Asia/Kolkata", "The time zone of due dates and hours."),
    "per_day": OptionHelp(
        "N", "Maximum number of tasks of this run for one day. The others are due on the following days."
    ),
    "open_tasks": OptionHelp(
        "keep|replace",
        "If a lead has an open task: keep it and create none, or create one, which closes the open one.",
    ),
    "task_for": OptionHelp(
        "all|new",
        "Create tasks for all leads, or only for those that this run creates (it looks each one up).",
    ),
    "snapshot": OptionHelp(
        "",
        "Read each lead before it is written, and keep what it was, so that importer undo can put it back. Only what changes is sent.",
    ),
    "look_up": OptionHelp(
        "all|sample:N|none", "Look up the lead of every phone, of N phones chosen at random, or of none."
    ),
    "max_age": OptionHelp("SECONDS", "Look up a lead again if its look-up is older than this."),
    "on_drift": OptionHelp(
        "keep|replan|force",
        "If a lead was changed after the plan: hold the row back, send what a new plan says, or send the old plan.",
    ),
    "edited": OptionHelp(
        "lead|field|force",
        "If a field was changed after the run: leave the whole lead, leave the field, or put it back anyway.",
    ),
    "only": OptionHelp("FIELD", "Put back only this field, such as city or lead_stage_name. Repeatable."),
    "rows": OptionHelp("2-40,57", "Put back only the leads of these rows of the sheet."),
    "mark_created": OptionHelp(
        "LABEL",
        "Add a label to the leads that the run created, so that you can find and delete them in the CRM.",
    ),
    "verify": OptionHelp("", "After sending, read the leads back and compare them with what was sent."),
    "sample": OptionHelp("N|all", "Read back the leads of all rows, or of N rows chosen at random."),
    "wait": OptionHelp("SECONDS", "Wait before reading back, for a CRM that shows changes late."),
    "rate": OptionHelp("auto|N", "Requests per second. auto finds out what your account allows."),
    "concurrency": OptionHelp("N", "Maximum number of requests in progress at the same time."),
    "timeout": OptionHelp("SECONDS", "Maximum time to wait for one answer."),
    "max_wait": OptionHelp(
        "SECONDS",
        "Maximum time to wait while the server limits us or the network is down, before the run stops.",
    ),
    "limit": OptionHelp("N", "Read only the first N data rows."),
    "allow_empty": OptionHelp("", "Accept a sheet that has a header and no rows: the run ends with 0."),
    "reports": OptionHelp("DIR", "The folder for the reports of all runs."),
    "run_id": OptionHelp("ID", "A name for this run."),
    "yes": OptionHelp("", "Ask no questions. A command that sends does so without confirmation."),
    "json": OptionHelp(
        "", "Print the summary, or the error, as one JSON object on standard output, and nothing else there."
    ),
    "quiet": OptionHelp("", "Print only the last line."),
    "verbose": OptionHelp("", "Show decisions, and the traceback of an error. -vv also shows each request."),
}
"""The help of each option of `importer.settings.Settings`."""

SANDBOX_OPTION_HELP: dict[str, str] = {
    "port": "Port on 127.0.0.1; 0 chooses a free port.",
    "db": "SQLite file that stores the leads; without it they are kept in memory only.",
    "api_key": "The API key that the practice CRM accepts.",
    "latency": "Seconds before every response.",
    "rate_limit": "Maximum requests a second; 0 means no limit.",
    "limit_kind": "How the requests of a second are counted: in any second, by the clock's seconds, or by a token bucket.",
    "bucket_size": "Tokens that the bucket holds; 0 means those of one second.",
    "retry_after": "Retry-After header of a 429: none, seconds, date, or the exact value to send.",
    "concurrency_limit": "Maximum requests at the same time; 0 means no limit.",
    "error_share": "Share of upserts that get a 503 response (0 to 1).",
    "drop_before": "Share of upserts whose connection drops before the lead is saved (0 to 1).",
    "drop_after": "Share of upserts whose connection drops after the lead is saved (0 to 1).",
    "seed": "Seed of the random faults.",
    "email": "What an upsert does with the e-mail addresses of a lead: replace or merge.",
    "address": "What an upsert does with the address of a lead: merge or replace.",
    "empty_text": "What an empty text in an upsert does: value (stored), ignore or clear.",
    "texts": "How texts are stored: keep, trim, lower (lower case) or cut (after 40 characters).",
    "no_change": "What an upsert that changes nothing does to updated_at: moves or keeps.",
    "shared_phone": "The lead that is shown for a phone of two leads: primary, oldest or newest.",
    "read_lag": "Seconds until a read shows what was written.",
}
"""The help of each option of `importer sandbox`. The sandbox's error messages are the API's own: see docs/api.md."""


EXPECTED_VALUES: dict[str, str] = {
    "sheet": "the name or the number of a sheet, or a list of them",
    "region": "the two letters of a country, such as IN",
    "rate": "auto, or a number above 0 (100000 at most)",
    "run_id": (
        "letters, digits, . _ and - (100 characters at most, no . at the end, and not a reserved name)"
    ),
    "column": 'pairs of a header and a field, such as "Contact No.=customer_phone"',
    "default": 'pairs of a field and a value, such as "source=Trade fair"',
    "concurrency": "a whole number from 1 to 1000",
    "sample": "all, or a number of rows",
    "rows": "row numbers and ranges, such as 2-40,57",
    "notify": "a time such as 15m, 2h or 1d",
    "hours": "two times of a day, such as 10:00-19:00",
    "days": "days of the week, such as mon-sat or mon,wed,fri",
}
"""What an option takes, for WRONG_VALUE. Those that are not listed: by EXPECTED_BY_PLACEHOLDER."""

EXPECTED_IN_FILE: dict[str, str] = {
    "column": ('a table: [column] on a line of its own, then lines such as "Contact No." = "customer_phone"'),
    "default": 'a table: [default] on a line of its own, then lines such as source = "Trade fair"',
}
"""What an option takes in the settings file, where that is written differently than on the command line."""

EXPECTED_BY_PLACEHOLDER: dict[str, str] = {
    "N": "a whole number from 1 to 1000000000",
    "SECONDS": "a number of seconds above 0 (a year at most)",
    "": "true or false",
}

# --- options
UNKNOWN_OPTION = ErrorText('There is no option "{name}".')
UNKNOWN_OPTION_IN_FILE = ErrorText('There is no option "{name}", but the settings file has it.')
DID_YOU_MEAN = 'Did you mean "{name}"?'
SEE_HELP = "See importer run --help."
OPTION_IN_FILE = '"{name}" in the settings file'
WRONG_VALUE = ErrorText("{option} takes {expected}, not {value!r}.")
OTHER_WRONG_VALUE = ErrorText("{reason}.", SEE_HELP)
NOT_TEXT = ErrorText("{option} is not valid text: {value!r}.", "Type it again.")
FILE_NAME_NOT_TEXT = ErrorText("{option} is not valid text: {value!r}.", "Rename the file.")
SAVE_TARGET_EXISTS = ErrorText(
    "The file {save} already exists, and --save does not overwrite a file.",
    "Choose another name. To change that map, use it too: {options}",
)
ONLY_COMMAND_LINE = ErrorText(
    "{name}= works only on the command line.", "Remove it: the library prints nothing."
)
OPTION_OF_RUN = ErrorText(
    "{name}= cannot be changed now: the run keeps its own.", "To use another value, import the sheet again."
)
NOT_A_SOURCE = ErrorText(
    "The source is not a path, a binary file or a DataFrame.", 'Open files in binary mode, with "rb".'
)

# --- files that people write (settings, maps, presets)
UNREADABLE_CONFIG = ErrorText(
    "Cannot read the settings in {path}: {reason}.", "Fix the file, or choose another one with --config."
)
TOML_TOO_LONG = "it is longer than 4 MB"
TOML_NOT_UTF8 = "it is not a text file in UTF-8"
TOML_BACKSLASH = r"{error}; put a text that contains \ between single quotes"
TOML_UNQUOTED = '{error}; put texts between straight quotes, as in "Contact No." = "city"'
TOML_TOO_DEEP = "its brackets are nested too deeply"

# --- API key and address
NO_KEY = ErrorText(
    "No API key was given.",
    'Set it first: export {variable}="..." (Windows PowerShell: $env:{variable}="..."). Superfone gives you the key. '
    "To practise without a key: importer sandbox",
)
MALFORMED_KEY = ErrorText(
    "The API key contains a space or a character that no API key has.",
    "Copy the key again and set {variable} to it.",
)
NOT_AN_ADDRESS = ErrorText("{variable} is not an address: {text!r}.", "It looks like {example}.")
PLAIN_HTTP = ErrorText(
    "{variable} is plain http ({text}), so others on the network could read the API key.", "Use https."
)
ENV_FILE_NOT_UTF8 = ErrorText(
    "{path} is not a text file in UTF-8.", "Save it as UTF-8, or set the API key in another way."
)
ENV_FILE_NOT_PRIVATE = ErrorText(
    "Others on this machine can read the API key in {path}.", "Make the file private first: chmod 600 {path}"
)
