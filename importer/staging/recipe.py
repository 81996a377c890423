"""How the rows of one run are judged: everything that a reading process must know, and the loop itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

import msgspec

from importer.guard import lines_of
from importer.journal import StagedRow, StagedRows, staged
from importer.loader.drafts import compile_drafter
from importer.models import BLOCK_ROWS, AccountTitles, Mapping, SourceRow, SourceRows, Status
from importer.settings import Unknown
from importer.staging.plain import compile_plain_bodies
from importer.validator import compile_judge


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping, the account's titles and the policies of one run; `limit` is the number of rows to take."""

    mapping: Mapping
    titles: AccountTitles
    region: str
    unknown: Unknown
    limit: int | None = None


def judge_rows(blocks: Iterable[SourceRows], recipe: Recipe) -> Iterator[StagedRows]:
    """Load, judge and dress the rows for the journal, a batch at a time. Pure over its rows."""
    judge = compile_batch_judge(recipe)
    left = sys.maxsize if recipe.limit is None else recipe.limit
    for block in blocks:
        for start in range(0, min(len(block), left), BLOCK_ROWS):
            yield judge(block.part(start, min(start + BLOCK_ROWS, left)))
        left -= len(block)
        if left <= 0:
            return


def compile_batch_judge(recipe: Recipe) -> Callable[[SourceRows], StagedRows]:
    """The whole way of rows from cells to verdict: the short one, and the long one where that does not do."""
    long = compile_long_way(recipe)
    short = compile_plain_bodies(recipe.mapping, recipe.titles, region=recipe.region, unknown=recipe.unknown)
    if short is None:
        return lambda rows: StagedRows.of(map(long, rows))

    def judge(rows: SourceRows) -> StagedRows:
        phones, bodies = short(rows.cells)
        lines = lines_of(rows.cells, rows.lines)
        verdicts, issues = [Status.ACCEPTED.value] * len(rows), [""] * len(rows)
        for at in [at for at, body in enumerate(bodies) if body is None or at in rows.faults]:
            _, lines[at], verdicts[at], phones[at], bodies[at], issues[at] = long(rows.row(at))
        return StagedRows(
            numbers=list(rows.numbers),
            cells=lines,
            verdicts=verdicts,
            phones=phones,
            payloads=bodies,
            issues=issues,
        )

    return judge


def compile_long_way(recipe: Recipe) -> Callable[[SourceRow], StagedRow]:
    """Every step of a row's way; it alone has the words for what is wrong."""
    headers = {column.field: column.header for column in reversed(recipe.mapping.columns) if column.field}
    draft = compile_drafter(recipe.mapping, region=recipe.region)
    judge = compile_judge(recipe.titles, headers=headers, unknown=recipe.unknown)

    def judge_row(row: SourceRow) -> StagedRow:
        return staged(judge(draft(row)))

    return judge_row
