"""Texts about a file: what is wrong with it, its sheet or its encoding, and how it was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from importer.messages import ErrorText, format_count

_SAVE_AS = "Open it in Excel or LibreOffice, save it as .xlsx or CSV, and import that file."
_SAVE_AS_XLSX = "Open it in Excel or LibreOffice, save it again as .xlsx, and import that file."
_SAVE_AGAIN = "Open it in Excel or LibreOffice, save it again, and import that file."
_DOWNLOAD_AGAIN = "Download or save it again."
_COPY_THE_ROWS = "Open it in Excel, copy the rows into a new sheet, save that, and import it."
_ONLY_IF_TRUSTED = (
    "If you do not know who made the file, do not open it. "
    "If you trust it, open it in Excel, copy the rows into a new sheet, save that, and import it."
)
_DAMAGED_WORKBOOK = "The workbook is cut off or damaged."
_MADE_TO_HARM = "The file may be malicious."

# --- What kind of file it is

A_PDF = "a PDF"
A_PICTURE = "a picture"
A_GZIP_ARCHIVE = "a gzip archive"
A_RAR_ARCHIVE = "a RAR archive"
A_7Z_ARCHIVE = "a 7z archive"
A_DATABASE = "a database"
A_PROGRAM = "a program"
A_TEXT_DOCUMENT = "a text document"

EMPTY_FILE = ErrorText("The file is empty.", "Export or save it again, then import it.")
OTHER_KIND = ErrorText("The file is {kind}, not a sheet.", _SAVE_AS)
WEB_PAGE = ErrorText("The file is a web page, although it was saved as a sheet.", _SAVE_AS)
NEITHER_TEXT_NOR_WORKBOOK = ErrorText("The file is neither text nor a workbook.", _SAVE_AS)
OFFICE_DOCUMENT = ErrorText("The file is an Office document, but not a sheet.", _SAVE_AS)
ZIP_WITHOUT_SHEET = ErrorText(
    "The file is a zip archive without a sheet in it.", "Unpack it, then import the sheet inside."
)
WHATSAPP_CHAT = ErrorText(
    "The file is a WhatsApp chat, not a list of leads.",
    "A chat has the numbers only of people who are not in your contacts. Copy the names and numbers into a sheet with the "
    "headers Name and Phone. Or save the people as contacts, export these as a .vcf file, and import that file.",
)
GOOGLE_SHEETS_LINK = ErrorText(
    "This is a link to a Google sheet, not a file.",
    "Open the link, choose File > Download > Microsoft Excel (.xlsx), and import the downloaded file.",
)
LINK = ErrorText(
    "This is a link, not a file.", "Download the sheet in your browser, and import the downloaded file."
)
PASSWORD_PROTECTED = ErrorText(
    "The workbook is protected with a password.",
    "Open it in Excel and remove the password: File > Info > Protect Workbook > Encrypt with Password, then empty "
    'the box. Save the workbook and import it. In LibreOffice: Save As, without "Save with password".',
)

# --- Damaged or hostile workbooks

DAMAGED_ZIP = ErrorText(_DAMAGED_WORKBOOK, f"{_DOWNLOAD_AGAIN} {_SAVE_AS}")
DAMAGED_ARCHIVE = ErrorText(_DAMAGED_WORKBOOK, _DOWNLOAD_AGAIN)
MISSING_PART = ErrorText("The workbook cannot be read: it is cut off or damaged.", _DOWNLOAD_AGAIN)
UNREADABLE_WORKBOOK = ErrorText("The workbook cannot be read: it is cut off or damaged.", _SAVE_AS_XLSX)
DAMAGED_RECORDS = ErrorText(
    "The workbook is damaged.", "Open it in Excel, save it as .xlsx, and import that file."
)
ROWS_OUT_OF_ORDER = ErrorText("The workbook is damaged: row {number} comes after row {last}.", _SAVE_AGAIN)
TWO_CELLS_AT_ONE_PLACE = ErrorText(
    "The workbook is damaged: it has two cells {place}, and one of them would be lost.",
    "Open it in Excel or LibreOffice, save it again, check that row, and import that file.",
)
DUPLICATE_PART = ErrorText(
    f"The workbook is damaged: it has two parts named {{name}}. {_MADE_TO_HARM}", _ONLY_IF_TRUSTED
)
TOO_MANY_PARTS = ErrorText(
    "The workbook has {count:,} parts, which is too many for a sheet of leads.", _COPY_THE_ROWS
)
TOO_LARGE_UNPACKED = ErrorText(
    "The workbook unpacks to more than 4 GB, which is too much for a sheet of leads.", _COPY_THE_ROWS
)
COMPRESSED_TOO_MUCH = ErrorText(
    f"One part of the workbook becomes {{ratio:,.0f}} times larger when it is unpacked. {_MADE_TO_HARM}",
    _ONLY_IF_TRUSTED,
)
MOSTLY_EMPTY = ErrorText(
    "The workbook claims {cells} cells, but most of them are empty. One cell is probably far from the others.",
    _COPY_THE_ROWS,
)
DEFINES_ENTITIES = ErrorText(
    f"The workbook defines XML entities of its own. {_MADE_TO_HARM}", _ONLY_IF_TRUSTED
)
TOO_MANY_ROWS_CLAIMED = ErrorText(
    f"The workbook claims more than {{maximum:,}} rows. {_MADE_TO_HARM}", _ONLY_IF_TRUSTED
)
TOO_MANY_COLUMNS_CLAIMED = ErrorText(
    f"The workbook claims more than {{maximum:,}} columns. {_MADE_TO_HARM}", _ONLY_IF_TRUSTED
)

# --- Sheets and tables

NO_SHEET_OF_CELLS = ErrorText("The workbook has no sheet with cells.", _SAVE_AS_XLSX)
NO_SUCH_SHEET = ErrorText('The workbook has no sheet "{sheet}".', "It has: {sheets}.")
SHEET_OF_TEXT_FILE = ErrorText("--sheet: a text file has no sheets.", "Run again without --sheet.")
EMPTY_SHEET = ErrorText("The sheet is empty.", "Choose another sheet with --sheet, or export the file again.")
TABLE_BESIDE = "{sheet}columns {first} to {last}"
"""Name of one of several tables side by side; `sheet` is empty, or the name of the sheet and a comma."""
TOO_MANY_COLUMNS = ErrorText(
    "The sheet has {count:,} columns, more than any list of leads.",
    "Copy the columns that you need into a new sheet, save that, and import it.",
)

# --- Delimiters and encodings

_COMMON_ENCODINGS = "Common encodings are utf-8, utf-16, cp1252 (Windows), mac_roman and shift_jis."
INVALID_DELIMITER = ErrorText(
    "--delimiter must be one character, not {delimiter!r}.", "Examples: , ; | or tab."
)
ENCODING_CONTRADICTED = ErrorText(
    "--encoding: the file is not in {encoding}. Its first bytes show this.", _COMMON_ENCODINGS
)
UNKNOWN_ENCODING = ErrorText("--encoding: there is no text encoding {encoding!r}.", _COMMON_ENCODINGS)
ENCODING_NOT_FOR_SHEETS = ErrorText("--encoding: no sheet is written in {encoding}.", _COMMON_ENCODINGS)

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}

# --- The private copy of the file

CANNOT_READ_SOURCE = ErrorText(
    "Cannot read {source}: {reason}.", "Check that it is a file and that you may read it."
)
STANDARD_INPUT = "standard input"
STREAM_WOULD_BLOCK = "the stream returned nothing although it has not ended"
STREAM_OF_TEXT = "the stream returns text, not bytes"
CANNOT_COPY = ErrorText("Cannot copy the file to {folder}: {reason}.", "Free some disk space and try again.")
NO_SCRATCH_DIR = ErrorText(
    "Cannot make a folder for the private copy of the sheet: {reason}.",
    "Free some disk space, or set TMPDIR to another folder, and try again.",
)

# --- The reading process

READER_STALLED = ErrorText(
    "Reading was stopped because no row could be read in {minutes:.0f} minutes.", _COPY_THE_ROWS
)
READER_KILLED_BY_SYSTEM = ErrorText(
    "The system stopped the process that reads the file (exit {code}). Most likely it ran out of memory.",
    "Give this machine or container more memory. Or save the sheet as CSV, which needs less.",
)
READER_CRASHED = ErrorText(
    "The process that reads the file crashed (exit {code}). The file is damaged or malicious.",
    _ONLY_IF_TRUSTED,
)
READER_OUT_OF_MEMORY = ErrorText(
    "The file needs more memory than a sheet of leads should.",
    "Copy the rows into a new sheet, save it as CSV, and import that file.",
)
READER_FAILED = ErrorText(
    "The file could not be read ({error}). It is damaged, or there is an internal error in importer (-v shows more).",
    _COPY_THE_ROWS,
)
_SHORTEN = "Shorten it. Or copy the rows into a new sheet and import that."
ROW_TOO_LONG = ErrorText("Row {number} has more text than any lead.", _SHORTEN)
HEADER_TOO_LONG = ErrorText("The header has more text than any list of leads.", _SHORTEN)

# --- Notices: how the file was read

SHEET_READ = 'Sheet "{sheet}" of the workbook.'
IN_SHEET = 'Sheet "{sheet}": {message}'
SHEETS_READ = "Sheets of the workbook: {sheets}."
TABLES_BESIDE_READ = "Tables side by side, each read as a table of its own: {tables}."
OTHER_SHEETS_IGNORED = "Other sheets were not read: {sheets}. Name one with --sheet."
HEADER_FOUND = "Header in row {number}."
HEADER_OF_TWO_LINES = "Header in rows {number} and {next_number}, read as one."
NO_HEADER = "No header was found: the columns are called Column A, Column B and so on."

_MAX_LISTED_ROWS = 20


def describe_text_file(encoding: str, delimiter: str, quote: str) -> str:
    """Return how a text file is written: `UTF-8 text, cells separated by commas`."""
    quoted = " and quoted with apostrophes" if quote == "'" else ""
    return f"{encoding} text, cells separated by {_DELIMITER_NAMES.get(delimiter, repr(delimiter))}{quoted}."


def describe_contacts(count: int, encoding: str) -> str:
    """Say that the file has contacts, each of which is a row."""
    contacts = "1 contact" if count == 1 else f"{format_count(count)} contacts"
    return f"vCard file with {contacts} ({encoding} text). Each contact is a row."


def describe_unread_properties(names: Sequence[str]) -> str:
    """Say which details of contacts are not read."""
    return f"These details of contacts were not read: {', '.join(names)}."


def list_sheet_names(names: Sequence[str]) -> str:
    """Return the names quoted, with commas between them."""
    return _quote_names(names)


class RowsText(NamedTuple):
    """A sentence about one row of the sheet, and about several."""

    one: str
    several: str

    def format(self, numbers: Sequence[int]) -> str:
        """Return the sentence about the rows with these numbers."""
        text = self.one if len(numbers) == 1 else self.several
        return text.format(rows=_list_row_numbers(numbers), count=format_count(len(numbers)))


HIDDEN_ROWS = RowsText(
    "1 row is hidden or filtered out in the sheet (row {rows}); it is read like the others.",
    "{count} rows are hidden or filtered out in the sheet (rows {rows}); they are read like the others.",
)
SKIPPED_FOOTERS = RowsText(
    "Row {rows} was skipped because it is a total or a report footer, not a lead.",
    "Rows {rows} were skipped because they are totals or report footers, not leads.",
)
SKIPPED_DATES = RowsText(
    "Row {rows} was skipped because it has only a date.",
    "Rows {rows} were skipped because they have only a date.",
)
REPEATED_HEADERS = RowsText(
    "Row {rows} was skipped because it repeats the header.",
    "Rows {rows} were skipped because they repeat the header.",
)
TABLE_TITLES = RowsText(
    "Row {rows} was skipped because it is the title of a table.",
    "Rows {rows} were skipped because they are titles of tables.",
)
LETTERHEAD = RowsText(
    "Row {rows} above the header was skipped because its phone seems to be your own. "
    "If it is a lead, move it below the header.",
    "Rows {rows} above the header were skipped because their phones seem to be your own. "
    "If they are leads, move them below the header.",
)
LEADS_ABOVE = RowsText(
    "Row {rows} is above the header. It was read as a lead, in the same columns.",
    "Rows {rows} are above the header. They were read as leads, in the same columns.",
)
ROWS_ABOVE_HEADER_ROW = RowsText(
    "Row {rows} holds a phone, but it was not read because it is above --header-row.",
    "Rows {rows} hold phones, but they were not read because they are above --header-row.",
)


def describe_further_tables(numbers: Sequence[int], renamed: Mapping[str, str], added: Sequence[str]) -> str:
    """Say where further tables begin, which of their columns have another header, and which are new."""
    listed = _list_row_numbers(numbers)
    if len(numbers) == 1:
        sentences = [f"Another table begins in row {listed}. Its rows are read by its own header."]
    else:
        sentences = [f"Other tables begin in rows {listed}. Their rows are read by their own headers."]
    if renamed:
        pairs = ", ".join(f'"{name}" as "{header}"' for name, header in renamed.items())
        sentences.append(f"Columns of the same kind are put together: {pairs}.")
    if added:
        sentences.append(f"New columns: {_quote_names(added)}.")
    return " ".join(sentences)


def describe_unplaced_headers(names: Sequence[str]) -> str:
    """Say which headers of a table far below the first one have no column."""
    return (
        f"The first table has no column for {_quote_names(names)} of another table far below. "
        "Rows with values there are rejected. Save that table as a sheet of its own and import it."
    )


def describe_merged_values(row_counts: Sequence[tuple[str, int]]) -> str:
    """Say in how many rows of each column the value of a merged cell was filled in: (header, rows)."""
    listed = ", ".join(
        f'"{column}" in {format_count(count)} {"row" if count == 1 else "rows"}'
        for column, count in row_counts
    )
    return f"Values of merged cells were read in each row that they cover: {listed}."


def _list_row_numbers(numbers: Sequence[int]) -> str:
    """Return the first row numbers, followed by ` ...` where there are more."""
    listed = ", ".join(map(str, numbers[:_MAX_LISTED_ROWS]))
    return f"{listed} ..." if len(numbers) > _MAX_LISTED_ROWS else listed


def _quote_names(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
