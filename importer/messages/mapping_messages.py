"""Texts about columns: why a column went to its field, and errors of maps, presets and the header row.

The reasons follow the name of a column, as in `Place -> City (a known header)`, or stand in a sentence, as in
`Column "Age" was left out: the word "age" means something that the CRM has no field for.`
"""

from __future__ import annotations

from importer.messages import ErrorText

# --- why a header means a field, or means none

KNOWN_HEADER = "a known header"
KNOWN_HEADER_AND_CELLS = "a known header, and its cells fit"
OFTEN_MEANS = "often means {field}, but not always"
READS_AS = 'has the same meaning as "{header}"'
READS_LIKE = 'is spelled almost like "{header}"'
NOTES_HEADER = 'the word "{word}" means notes'
ADDRESS_HEADER = "an address: {fields}"
ROW_NUMBERS = "it counts the rows"
FIRM_PHONE = "it is the number of a firm, not of a person"
NOT_IN_RUPEES = 'its amounts are not in rupees ("{currency}")'
OTHER_PERSON = 'the word "{word}" means somebody else'
PRIVATE = "it is private, and nobody needs it for a call"
CONSENT = "it says what people agreed to"
CREATION_DATE = "it says when a program made or changed the row"
INTERNAL_ID = "it has numbers or codes of a program"
OTHER_THING = 'the word "{word}" means something that the CRM has no field for'
ONE_COLUMN_ONLY = "{field} takes only one column"
TWO_FIELDS = "its header names two fields: {fields}"
UNKNOWN_HEADER = "no field has a name like this"
NO_HEADER = "it has no header"
EMPTY_COLUMN = "the column is empty"

# --- what presets and people decide

KNOWN_FROM_PRESET = "known from {preset}"
KEPT_UNDER_HEADER = "kept under its own header"
NAMED_BY_OPTION = "as you said"
NAMED_BY_MAP = "named by the map"
OPTION_PLACE = "named by --column or in the settings file"

# --- what the cells say

CONTRADICTED = "reads like {field}, but {problem}"
MAY_MEAN_BUT_EMPTY = "may mean {field}, but its first cells are empty"
MAY_MEAN_BUT_NO_TITLE = "may mean {field}, but none of its values exist in your account"
MAY_MEAN_BUT_UNFIT = "may mean {field}, but its cells do not fit"
CELLS_ARE_PHONES = "its cells are phones"
CELLS_ARE_NAMES_AND_PHONES = "its cells are phones with a name beside them"
WHOSE_PHONES = "its cells are phones, but its header does not say whose"
CELLS_ARE_EMAILS = "its cells are e-mail addresses"
CELLS_COUNT_UP = "its cells count up by one"
CELLS_ARE_PERSONS = "its cells are names of people"
ONLY_NAME = "no other column has names"
CELLS_ARE_TITLES = "its cells are {field} values of your account"
SOME_CELLS_ARE_TITLES = "only some of its cells are {field} values of your account"
CELLS_ARE_FIRMS = 'its cells are firms; the names are in "{header}"'
CELLS_WITHOUT_NUMBERS = "its cells have no numbers"
CELLS_NOT_PHONES = "its cells are not phone numbers"
CELLS_YES_OR_NO = "its cells only say yes or no"
CELLS_ONLY_NUMBERS = "its cells are only numbers"
CELLS_NUMBERS_OR_DATES = "its cells are numbers or dates"
CELLS_NOT_EMAILS = "its cells are not e-mail addresses"
CELLS_NOT_AMOUNTS = "its cells are not amounts"
CELLS_NOT_WEBSITES = "its cells are not websites"
CELLS_NOT_DEGREES = "its cells are not degrees"
CELLS_NOT_DUE_DATES = "its cells are not dates with the day first"
CELLS_NOT_TASK_TYPES = "its cells are not types of tasks"
CELLS_NOT_DIAL_CODES = "its cells are not dial codes"
CELLS_NOT_OWNERS = "its cells are neither names nor phones of team members"
SOME_NOT_AMOUNTS = "some of its cells are not amounts"
FEW_TITLES = "few of its values exist in your account"

# --- two columns for one field

MAY_BE_OTHER_PERSON = 'may be for a different person than "{header}"'
ANOTHER_PHONE = 'another phone; the main one is in "{header}"'
GUARDIANS_PHONE = "a parent's phone; the sheet has no phone of the lead"
FIELD_HAS_COLUMN = '"{header}" is already used for {field}'
ONLY_PHONE = "the only phone of the sheet"
OTHER_FULL_NAME = 'not the name that is in "{first}" and "{last}"'

# --- errors about the sheet

NO_SHEET_NAME = ErrorText(
    "--default {field}={text}: {{sheet}} is the name of a sheet, and this file has no sheets.",
    "Type the value itself. For the text {{sheet}}, double its braces.",
)
HEADER_ROW_IS_EMPTY = ErrorText(
    "--header-row: row {row} is empty or does not exist.",
    "Count the rows as the spreadsheet shows them.",
)
NO_PHONE_COLUMN = ErrorText(
    "No column has the phones of the leads.{details}",
    'Name the phone column: --column "{example}={field}"',
)
NO_PHONES_AT_ALL = ErrorText(
    "No column has the phones of the leads, and no phone was found in the first cells. The columns are: {columns}.",
    "The CRM identifies each lead by its phone: add a column of phones to the sheet. "
    'If the phones only begin further down, name their column: --column "{example}={field}"',
)
LEFT_OUT_DETAIL = ' "{header}" was left out: {reason}.'
COLUMNS_DETAIL = " The columns are: {columns}."
UNKNOWN_REGION = ErrorText(
    "--region: there is no country {region}.",
    "Write a code of two letters: IN for India, AE for the Emirates, GB for Britain.",
)

# --- errors about what a person named

UNKNOWN_FIELD = ErrorText('{place}There is no field "{name}".')
COLUMN_NAMED_TWICE = ErrorText('"{first}" and "{second}" name the same column.', "Name it only once.")
COLUMN_NOT_FOUND = ErrorText('The sheet has no column "{header}" ({named_by}).')
COLUMNS_NOT_FOUND = ErrorText("The sheet has no columns {headers} ({named_by}).", "It has: {columns}.")
FIELD_NAMED_TWICE = ErrorText(
    "{headers} go to {field}, but it takes one column.",
    'Leave one of them out: --column "HEADER=", or "HEADER" = "" in the map.',
)
DEFAULT_PLACE = "--default: "

SUGGESTION = 'Did you mean "{name}"?'
LISTED = "{introduction}: {names}{more}."
LISTED_FIELDS = "Fields are"
LISTED_COLUMNS = "It has"
LISTED_TABLES = "Its tables are"

# --- errors of maps

_SEE_MAPPING_PAGE = "docs/mapping.md shows what a map looks like."
MAP_NOT_READABLE = ErrorText("Cannot read the map {path}: {problem}.", "Check its name.")
MAP_NOT_TOML = ErrorText("The map {path} cannot be read as TOML: {problem}.", _SEE_MAPPING_PAGE)
MAP_NAME_REPEATED = "the same name is there twice"
MAP_TITLE = "The map {path}"
MAP_UNKNOWN_TABLE = ErrorText("{place} cannot have a table [{name}].")
MAP_NOT_A_TABLE = ErrorText("{place}: {name} must be a table, written as [{name}].", _SEE_MAPPING_PAGE)
MAP_VALUES_NOT_A_TABLE = ErrorText(
    '{place}, [values]: "{field}" must be a table, written as [values.{field}].', _SEE_MAPPING_PAGE
)
MAP_NOT_A_TEXT = ErrorText("{place}: write a text in quotes here, not {value}.", _SEE_MAPPING_PAGE)
MAP_WRONG_ENTRY = ErrorText("{place}: {problem}.", _SEE_MAPPING_PAGE)
MAP_KEY_MISSING = "it needs the key"
MAP_KEY_UNKNOWN = "there is no key"

SAVED_MAP_HEAD = """\
# How importer reads a sheet with these headers: header = field, "" leaves a column out.
# You can change it. docs/mapping.md explains what else is possible here.
"""

# --- errors of presets

_SEE_PRESETS_PAGE = "docs/presets.md shows what a preset looks like."
PRESET_NOT_READABLE = ErrorText("Cannot read the preset {name}: {problem}.", "Check its name.")
PRESET_NOT_RIGHT = ErrorText("The preset {name} is not right: {problem}.", _SEE_PRESETS_PAGE)
PRESET_UNKNOWN = ErrorText("There is no preset {name}.", "There are: {names}.")
PRESET_NEEDS_NOTHING = "needs must say how many headers of the signature a sheet must have, 1 or more"
PRESET_NEEDS_TOO_MANY = "needs is {needs}, but the signature has {count} headers"
PRESET_RULE_WITHOUT_TEXT = 'the rule about rows for "{column}" has neither equals nor begins'
PRESET_WRONG_CODE = 'a rule about rows has the code "{code}", but it must be one of {codes}'
PRESET_WITHOUT_REASON = '"{header}" is left out without a reason'
PRESET_UNKNOWN_TARGET = '"{header}" goes to "{field}", but there is no such field'
PRESET_UNKNOWN_FIELD = 'there is no field "{field}"'
