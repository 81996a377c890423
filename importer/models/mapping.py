"""How the columns of a sheet become fields: dropdown titles, the choice for each column, and its rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias

import msgspec

from importer.fields import FIELDS, Dropdown
from importer.issues import IssueCode
from importer.models.status import SHEET_COLUMN
from importer.models.work_time import DueRules


class Title(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a dropdown list of the account. Only active ones can be set on a lead.

    `id` and `org_id` are the CRM's own, as text, or "" where it gives none. They tell one account from another.
    `position` is the place of a stage in its pipeline. A lead ends in a stage that `is_final`.
    """

    title: str
    active: bool = True
    id: str = ""
    org_id: str = ""
    position: float | None = None
    is_final: bool = False


AccountTitles: TypeAlias = dict[Dropdown, tuple[Title, ...]]
"""The dropdown lists of the account, complete."""


def get_active_titles(titles: AccountTitles) -> dict[str, tuple[str, ...]]:
    """Return the titles that can be set on a lead, by dropdown."""
    return {
        dropdown: tuple(title.title for title in found if title.active) for dropdown, found in titles.items()
    }


def get_unique_titles(titles: AccountTitles) -> dict[str, tuple[str, ...]]:
    """Return the titles that a person can choose, by dropdown. The CRM rejects one that several active entries have."""
    return {
        dropdown: tuple(title for title, entries in Counter(active).items() if entries == 1)
        for dropdown, active in get_active_titles(titles).items()
    }


def group_titles_by_field(by_dropdown: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the titles of each field that has a dropdown."""
    return {field.name: by_dropdown.get(field.dropdown, ()) for field in FIELDS if field.dropdown is not None}


def format_column_name(index: int) -> str:
    """Return the name of a column without a header: `Column A` for 0, `Column AA` for 26."""
    return f"Column {format_column_letters(index)}"


def format_column_letters(index: int) -> str:
    """Return the letters of a column, as spreadsheets show them: `A` for 0, `AA` for 26."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def name_columns(headers: Iterable[str]) -> list[str]:
    """Return a name of its own for each column: its header, and `Phone#2` for the second column called Phone."""
    seen: Counter[str] = Counter()
    names: dict[str, None] = {}
    for header in headers:
        seen[header] += 1
        name = header if seen[header] == 1 else f"{header}#{seen[header]}"
        while name in names:  # a header may look like that by itself
            seen[header] += 1
            name = f"{header}#{seen[header]}"
        names[name] = None
    return list(names)


class NoticeKind(StrEnum):
    """What a notice is about."""

    READ = "read"
    """How the table was understood."""
    IGNORED = "ignored"
    """What was left out."""
    REUSED = "reused"
    """Which earlier answers were used."""


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """A remark about the table as a whole: a second sheet, hidden rows, the encoding."""

    kind: NoticeKind
    text: str


class ColumnRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one column are read, beside the rules of its field. Presets and maps set these.

    `prefixes` are removed from the front of a cell (`p:`). `separators` separate several values in a cell, beside
    the usual ones. `constant` replaces every cell. Cells that are one of `empty_values` count as empty. A cell
    with exactly the text `clear` clears the field.
    """

    prefixes: tuple[str, ...] = ()
    separators: tuple[str, ...] = ()
    constant: str | None = None
    empty_values: tuple[str, ...] = ()
    clear: str | None = None


class MatchSource(StrEnum):
    """What decided on a column. The first seven give it a field, the others leave it out."""

    OPTION = "option"  # --column, the settings file, or an answer at the terminal
    MAP = "map"  # a mapping file, or a remembered map
    PRESET = "preset"  # the export of a known program
    SYNONYM = "synonym"  # a known header
    FUZZY = "fuzzy"  # nearly a known header
    CONTENT = "content"  # its cells alone
    REST = "rest"  # no field takes it, so it is kept as additional info
    OTHER_PERSON = "other_person"  # its header names somebody else
    OTHER_MEANING = "other_meaning"  # its header names something else
    CONTRADICTED = "contradicted"  # its header names a field, but its cells cannot be that field
    TASK = "task"  # its header names a follow-up task, and nobody asked for tasks
    TAKEN = "taken"  # its field already has a column
    UNKNOWN_HEADER = "unknown_header"  # no field has a name like its header
    UNDECIDED = "undecided"  # neither its header nor its cells are enough to decide

    @property
    def gives_field(self) -> bool:
        """Whether a column with this source has a field, unless a person or a preset leaves it out."""
        match self:
            case (
                MatchSource.OPTION
                | MatchSource.MAP
                | MatchSource.PRESET
                | MatchSource.SYNONYM
                | MatchSource.FUZZY
                | MatchSource.CONTENT
                | MatchSource.REST
            ):
                return True
            case (
                MatchSource.OTHER_PERSON
                | MatchSource.OTHER_MEANING
                | MatchSource.CONTRADICTED
                | MatchSource.TAKEN
                | MatchSource.TASK
                | MatchSource.UNKNOWN_HEADER
                | MatchSource.UNDECIDED
            ):
                return False


class ColumnChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which field one column goes to, and why.

    `field` is "" for a column that is left out. `confidence` is 0 to 1. `reason` is a short text for people.
    `fill_rate` is the share of the sampled rows with something in the cell, and `samples` are some of these cells.
    """

    index: int
    header: str
    field: str
    source: MatchSource
    confidence: float
    reason: str
    rules: ColumnRules = ColumnRules()
    samples: tuple[str, ...] = ()
    fill_rate: float = 0.0


def build_sheet_column(index: int) -> ColumnChoice:
    """Return the choice for the column with the name of each row's sheet, which is no column of a sheet."""
    return ColumnChoice(
        index=index,
        header=SHEET_COLUMN,
        field="",
        source=MatchSource.PRESET,
        confidence=1.0,
        reason="",
    )


PERSON_FIELDS = frozenset({"full_name", "first_name", "last_name"})
NAME_FIELDS = PERSON_FIELDS | {"business_name"}
"""Fields that name a lead: as a person, or as a person or a firm."""

OWNER_FIELD = "assignee_user_phone"
"""The field of a lead's owner. The CRM takes the phone of a team member; sheets have phones or names."""


class RowRule(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that are not leads, found by the text of one column.

    `code` is `deleted`, `test_row` or `not_a_lead`. A cell matches if, trimmed and in lower case, it is one of
    `equals` or begins with one of `begins`. `index` -1 means any cell of the row. `reason` is added to the
    sentence about the row: "a look at the catalogue".
    """

    index: int
    code: IssueCode
    equals: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    reason: str = ""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """How the columns of one sheet become fields: `loader.mapping` chooses it, `loader.rows` applies it.

    In a run over several sheets, `by_sheet` has the mapping of each sheet by its name; `columns` and the rest only say for
    people what all of them have in common. `defaults` fill empty cells, by field. `values` replace values of cells, by field (what the sheet says -> what
    the account calls it). `clear` is the cell text that clears a field. `policy` says what happens to a field that has a value in the
    CRM, by field. `owners` are the phones of owners by their names in the sheet, as answered now or for an earlier sheet of
    the account; "" leaves the owner open. They are not part of a map: the account's state remembers them.
    `due` says how due dates of tasks are read, where rows are judged.
    """

    columns: tuple[ColumnChoice, ...]
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    owners: dict[str, str] = {}
    clear: str | None = None
    policy: dict[str, str] = {}
    preset: str = ""
    row_rules: tuple[RowRule, ...] = ()
    due: DueRules | None = None
    by_sheet: dict[str, Mapping] = {}

    @property
    def sheet_index(self) -> int | None:
        """The index of the column with the name of each row's sheet, if there is one."""
        return next((column.index for column in self.columns if column.header == SHEET_COLUMN), None)

    def find_columns(self, field: str) -> list[ColumnChoice]:
        """Return the columns that go to `field`, in the order of the sheet."""
        return [column for column in self.columns if column.field == field]

    def get_replacements(self, field: str) -> dict[str, str]:
        """Return what replaces which values of a field. What a map says about an owner goes before an answer."""
        values = self.values.get(field, {})
        if field != OWNER_FIELD:
            return values
        return {name: phone for name, phone in self.owners.items() if phone} | values
