"""The help of the commands and of their own options, and what is said about a command that was typed wrongly."""

from __future__ import annotations

from importer.messages import ErrorText

APP_HELP = """Import lead sheets into the Superfone CRM, matched by phone, with a report on every row.

Start with:  importer demo   then:  importer check FILE   In the browser:  importer ui
"""
COMMANDS_TITLE = "Commands"
COMMAND_SUMMARIES = {
    "check": "Check every row of a sheet. Changes nothing in the CRM.",
    "plan": "Check a sheet, look up its leads, and show what sending would change.",
    "apply": "Send exactly what a plan or a check shows.",
    "run": "Check a sheet, then send its rows to the CRM.",
    "resume": "Finish a run that was interrupted or stopped.",
    "retry": "Check and send again the rows that did not go in during an earlier run.",
    "verify": "Read the leads of a run back and compare them with what was sent.",
    "undo": "Put the leads of a run back to what they were before it.",
    "watch": "Import the sheets that appear in a folder.",
    "batch": "Import many sheets into many accounts, from one list.",
    "ui": "Import a sheet in the browser, step by step.",
    "runs": "List your runs.",
    "report": "Write the reports of a run again from its journal.",
    "purge": "Delete old runs and the personal data in them.",
    "columns": "Show which column goes to which field, and why.",
    "dropdowns": "Show the account's stages, groups, labels, products and source types.",
    "template": "Write an empty sheet to fill in, with the account's values as dropdown lists.",
    "sandbox": "Start a practice CRM on this computer.",
    "demo": "Import a sample sheet into a practice CRM.",
}
COMMAND_HELP = {
    "check": """Check every row of FILE against the account. Changes nothing in the CRM.

FILE is a CSV or Excel sheet, or - for CSV on standard input.
""",
    "plan": """Check FILE, look up the lead of each phone, and show what sending would change.

Nothing is sent. At a terminal, you are asked what only you can know. Send the plan later with importer apply.
""",
    "apply": "Send exactly what RUN shows, a plan or a check. The file is not read again. RUN is a run id or its folder.",
    "run": """Check FILE, ask for confirmation, then send the rows that passed.

FILE is a CSV or Excel sheet, or - for CSV on standard input.
""",
    "resume": "Finish RUN, which was interrupted or stopped. RUN is a run id or its folder.",
    "retry": "Send again the rows of RUN that did not go in, as a new run with its mapping and options.",
    "verify": """Read the leads that RUN sent back from the CRM, and compare them with what was sent.

Nothing is sent. RUN is a run id or its folder.
""",
    "undo": """Put the leads that RUN updated back to what they were, as far as the API allows.

You see a plan and are asked before anything is sent. A lead that somebody changed after the run stays as it is, unless
--edited says otherwise. The report names what cannot be put back. RUN is a run id or its folder.
""",
    "watch": """Import the sheets that appear in FOLDER. The same content is imported only once.

A file is imported when it does not change any more. This command asks no questions, so import the first sheet of each
kind yourself with importer run.
""",
    "batch": """Import all sheets of MANIFEST into their accounts.

MANIFEST is a TOML file that lists the accounts and the sheets. All sheets are checked first, and you are asked once.
Then all accounts are imported at the same time, and the sheets of one account one after another. If the command stops,
run it again: it continues.
""",
    "ui": """Import a sheet in the browser, from its columns to its report. The page runs on this computer alone.

Give FILE to begin with that sheet, or choose a sheet in the page. Press Ctrl-C to stop.
""",
    "runs": "List your runs: id, time, file, state, counts, and how to resume them.",
    "report": "Write the reports of RUN again from its journal.",
    "purge": """Delete old runs and all personal data in them.

Only files that importer made are deleted. Other files in the folder of a run stay, and they are named.
Fingerprints of the notes that were sent are kept, so that no note is sent twice.
""",
    "columns": "Show which column of FILE goes to which field and why, with samples and how many cells are filled.",
    "dropdowns": "Show the account's stages, groups, labels, products and source types.",
    "template": "Write an empty sheet to fill in, with the account's values as real Excel dropdown lists.",
    "sandbox": "Start a practice CRM on this computer. Press Ctrl-C to stop it.",
    "demo": "Start a practice CRM, import a sample sheet into it, and show where the report is.",
}
OPTION_CONFIG = "Settings file (default: importer.toml, if it exists)."
OPTION_CREATE_DEFAULT = " [default: --create]"
OPTION_DEFAULT = " [default: {value}]"
OPTION_JSON = "Print JSON."
OPTION_BATCH_CHECK = "Check all sheets, and send nothing."
OPTION_BATCH_PLAN = "Check all sheets, look up their leads, and send nothing."
OPTION_CLUSTER = "Use the workers of the Dask cluster at ADDRESS, such as tls://10.0.0.5:8786. They check large CSVs, and send."
OPTION_AT_ONCE = (
    "Maximum number of accounts to import at the same time. [default: as many as this computer can]"
)
OPTION_ONLY = "Import only the sheets of this account. Repeatable."
OPTION_KEEP_GOING = "If a sheet cannot be finished, continue with the next sheet of its account."
OPTION_BATCH_REPORTS = "The folder for the reports of all accounts. [default: reports]"
OPTION_OLDER_THAN = "Delete runs that started longer ago than this (d for days, h for hours)."
OPTION_PURGE_YES = "Do not ask for confirmation."
OPTION_ONCE = "Look at the folder once, import what is ready, and end. For cron and Task Scheduler."
OPTION_EVERY = "Look at the folder again and again, this many seconds apart, until Ctrl-C."
OPTION_DONE = "Move each file into this folder after it was sent."
OPTION_PLAN_ONLY = "Plan each file, and send nothing. Send the plans yourself with importer apply."
OPTION_STOP_IF_INVALID = "Do not send a file if more than this share of its rows is rejected, such as 20%."
OPTION_STOP_IF_UPDATES = "Plan each file, and do not send it if it would update more leads than this."
OPTION_STOP_IF_CONFLICTS = "Plan each file, and do not send it if it has more conflicts than this."
OPTION_FORGET = "Delete the saved answers for sheets with these columns."
OPTION_FORCE = "Replace a file that exists."
OPTION_DEMO_REPORTS = "Folder for the runs. [default: reports]"
OPTION_STAY = "Keep the practice CRM running until Ctrl-C, to look at its page."
OPTION_UI_PORT = "Port of the page. [default: a free one]"
OPTION_UI_BROWSER = "Open the browser, or only print the address. [default: --browser]"
OPTION_UI_PRACTICE = "Begin with a practice CRM on this computer instead of your account."

# --- commands that were typed wrongly

SEE_HELP = "See {command} --help."
FILE_IS_NO_COMMAND = ErrorText(
    "{name} is a file, not a command.", "To check it without sending anything: {check}"
)
UNKNOWN_COMMAND = ErrorText('There is no command "{name}".', "Did you mean importer {suggestion}?")
UNKNOWN_COMMAND_WITHOUT_SUGGESTION = ErrorText(
    'There is no command "{name}".', "The commands are: {commands}."
)
MISSING_ARGUMENTS = {
    "file": "{command} needs a FILE to read. See {command} --help.",
    "folder": "{command} needs a FOLDER to watch. See {command} --help.",
    "run": "{command} needs a RUN (importer runs lists your runs). See {command} --help.",
    "out": "{command} needs a file to write, such as leads.xlsx. See {command} --help.",
}
MISSING_ARGUMENT = "{command} needs one more argument. See {command} --help."
UNKNOWN_OPTION = "There is no option {option}. See {command} --help."
UNKNOWN_OPTION_WITH_SUGGESTION = (
    "There is no option {option}. Did you mean {suggestion}? See {command} --help."
)
OTHER_USAGE_ERROR = "{message}. See {command} --help."
NAME_NEEDS_QUOTES = "Put a name with spaces in quotes: {command}"
SEVERAL_FILES = (
    "{command} reads one FILE, but you gave more: {names}. "
    "Put a name with spaces in quotes. See {command} --help."
)
WRONG_PAIR = ErrorText("--{option} takes {expected}, not {value!r}.")
WRONG_SANDBOX_OPTION = ErrorText("{option} takes {expected}, not {value!r}.", "See importer sandbox --help.")
WRONG_AGE = ErrorText("--older-than takes days or hours, such as 90d or 12h, not {value!r}.")


def format_expected_number(*, is_whole: bool, minimum: float | None, maximum: float | None) -> str:
    """Return what a numeric option takes: `a whole number from 0 to 65535`."""
    number = "a whole number" if is_whole else "a number"
    if minimum is None:
        return number
    return (
        f"{number}, {minimum:g} or more" if maximum is None else f"{number} from {minimum:g} to {maximum:g}"
    )
