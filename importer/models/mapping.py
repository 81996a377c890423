"""How the columns of a sheet become fields: the account's titles, the choice for each column, the rules beside it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from importer.fields import Dropdown
from importer.issues import IssueCode


class Title(msgspec.Struct, frozen=True, array_like=True):
    """One entry of an account's dropdown list; only active ones can be attached to a lead."""

    title: str
    active: bool = True


AccountTitles: TypeAlias = dict[Dropdown, tuple[Title, ...]]
"""The account's live dropdown lists, every page of them."""


def get_active_titles(titles: AccountTitles) -> dict[str, tuple[str, ...]]:
    """What can be attached to a lead, by dropdown."""
    return {
        dropdown: tuple(title.title for title in found if title.active) for dropdown, found in titles.items()
    }


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """Something about the table as a whole that must be said: a second sheet, hidden rows, the encoding.

    `kind` is one of `read` (how it was understood) and `ignored` (what was left aside).
    """

    kind: str
    text: str


class ColumnRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one column are read beyond what its field says. Presets and maps set these.

    `prefixes` are taken off in front (`p:`); `joiners` part several values in a cell, beside the usual ones;
    `constant` stands in for every cell; cells that are one of `drop_values` count as empty; a cell with the
    text of `clear` empties a field that can be cleared.
    """

    prefixes: tuple[str, ...] = ()
    separators: tuple[str, ...] = ()
    constant: str | None = None
    empty_values: tuple[str, ...] = ()
    clear: str | None = None


class ColumnChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which field one column went to, and why.

    `field` is "" for a column that is left out. `why` is one of `option`, `map`, `preset`, `synonym`,
    `fuzzy`, `content`, `decoy`, `unfit` (the cells belie the header), `taken` (the field already has a
    column), `nothing`. `sureness` is 0 to 1.
    `reason` is a plain sentence. `filled` is the share of the sampled rows with something in the cell.
    """

    index: int
    header: str
    field: str
    source: str
    confidence: float
    reason: str
    rules: ColumnRules = ColumnRules()
    samples: tuple[str, ...] = ()
    fill_rate: float = 0.0


class RowRule(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that are no leads, by the text of one column: `code` is `deleted`, `test_row` or `not_a_lead`.

    A cell matches when, trimmed and in lower case, it is one of `equals` or begins with one of `begins`.
    `index` -1 means any cell of the row. `reason` says more of them: "a look at the catalogue".
    """

    index: int
    code: IssueCode
    equals: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    reason: str = ""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """How the columns of one sheet become fields: what `loader.columns` decided and `loader.drafts` obeys.

    `defaults` fill empty cells, by field; `values` rewrite cells, by field (what the sheet says -> what the
    account calls it); `clear` is the cell text that clears a field that can be cleared.
    """

    columns: tuple[ColumnChoice, ...]
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    clear: str | None = None
    preset: str = ""
    row_rules: tuple[RowRule, ...] = ()

    def find_columns(self, field: str) -> list[ColumnChoice]:
        """The columns that feed `field`, in the order of the sheet."""
        return [column for column in self.columns if column.field == field]
