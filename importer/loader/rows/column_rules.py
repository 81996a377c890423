"""What a map or a preset adds to the reading of a column: prefixes, joiners, rewritten values, the clear token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from importer.fields import FIELDS_BY_NAME, Kind
from importer.issues import IssueCode
from importer.loader.cells.cell_error import CellError
from importer.models.mapping import ColumnChoice, Mapping

Reader = Callable[[str], Any]


class Clear:
    """The value of a cell that holds the clear token: the field is to be emptied."""


CLEAR: Final = Clear()


def wrapped_reader(read: Reader, column: ColumnChoice, mapping: Mapping) -> Reader:
    """`read` with what the column's rules and the mapping add; `read` itself where they add nothing."""
    rewritten = {loose(said): meant for said, meant in mapping.values.get(column.field, {}).items()}
    if column.rules.prefixes or column.rules.separators or column.rules.empty_values:
        read = _by_rules(read, column)
    if rewritten:
        read = _rewriting(read, rewritten)
    tokens = frozenset(filter(None, (mapping.clear, column.rules.clear)))
    return _clearing(read, tokens, column.field) if tokens else read


def loose(text: str) -> str:
    """A cell as it is compared: without case and spacing."""
    return " ".join(text.casefold().split())


def without_rules(text: str, column: ColumnChoice) -> str:
    """The cell without its column's prefixes and joiners; what is one of its empty values is "" or no piece."""
    rules = column.rules
    text = text.strip()
    empty = {loose(value) for value in rules.empty_values}
    if loose(text) in empty:
        return ""
    for prefix in rules.prefixes:
        if text.lower().startswith(prefix.lower()):
            text = text[len(prefix) :].strip()
            break
    return _parted(text, rules.separators, empty, ", " if _is_one_text(column) else "\n")


def _is_one_text(column: ColumnChoice) -> bool:
    return column.field in FIELDS_BY_NAME and FIELDS_BY_NAME[column.field].kind is Kind.TEXT


def _parted(text: str, joiners: Sequence[str], empty: set[str], between: str) -> str:
    """The values that stand between joiners, without those that say nothing."""
    for joiner in joiners:
        pieces = [piece.strip() for piece in text.split(joiner)]
        text = between.join(piece for piece in pieces if loose(piece) not in empty)
    return text


def _by_rules(read: Reader, column: ColumnChoice) -> Reader:
    def ruled(text: str) -> Any:
        text = without_rules(text, column)
        return read(text) if text else None

    return ruled


def _rewriting(read: Reader, rewritten: dict[str, str]) -> Reader:
    """Rewrites whole cells, and the pieces of a list."""

    def rewriting(text: str) -> Any:
        meant = rewritten.get(loose(text))
        value = read(text if meant is None else meant)
        if isinstance(value, list):
            return [
                rewritten.get(loose(piece), piece) for piece in value if rewritten.get(loose(piece), piece)
            ] or None
        return value

    return rewriting


def _clearing(read: Reader, tokens: frozenset[str], name: str) -> Reader:
    field = FIELDS_BY_NAME[name]

    def clearing(text: str) -> Any:
        if text.strip() not in tokens:
            return read(text)
        return CLEAR if field.nullable else CellError(IssueCode.CANNOT_CLEAR)

    return clearing
