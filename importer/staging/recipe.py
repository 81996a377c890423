"""How the rows of one run are judged: everything that a reading process must know, and the loop itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from importer.journal import StagedRow, staged
from importer.loader.drafts import compile_drafter
from importer.models import AccountTitles, Mapping, SourceRow
from importer.settings import Unknown
from importer.staging.plain import compile_plain_judge
from importer.validator import compile_judge


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping, the account's titles and the policies of one run; `limit` is the number of rows to take."""

    mapping: Mapping
    titles: AccountTitles
    region: str
    unknown: Unknown
    limit: int | None = None


def judge_rows(rows: Iterable[SourceRow], recipe: Recipe) -> Iterator[StagedRow]:
    """Load, judge and dress each row for the journal. Pure over its rows."""
    one = compile_row_judge(recipe)
    return map(one, rows)


def compile_row_judge(recipe: Recipe) -> Callable[[SourceRow], StagedRow]:
    """One row's whole way from cells to verdict, the short one where it can."""
    long = compile_long_way(recipe)
    short = compile_plain_judge(recipe.mapping, recipe.titles, region=recipe.region, unknown=recipe.unknown)
    return long if short is None else lambda row: short(row) or long(row)


def compile_long_way(recipe: Recipe) -> Callable[[SourceRow], StagedRow]:
    """Every step of a row's way; it alone has the words for what is wrong."""
    headers = {column.field: column.header for column in reversed(recipe.mapping.columns) if column.field}
    draft = compile_drafter(recipe.mapping, region=recipe.region)
    judge = compile_judge(recipe.titles, headers=headers, unknown=recipe.unknown)

    def judge_row(row: SourceRow) -> StagedRow:
        return staged(judge(draft(row)))

    return judge_row
