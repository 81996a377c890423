"""How the rows of one run are judged: everything that a reading process must know, and the loop itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from importer.guard import line_of
from importer.journal import StagedRow, StagedRows, staged
from importer.loader.drafts import compile_drafter
from importer.models import AccountTitles, Mapping, SourceRow, Status
from importer.settings import Unknown
from importer.staging.plain import compile_plain_bodies
from importer.validator import compile_judge

_BATCH_ROWS = 1000


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping, the account's titles and the policies of one run; `limit` is the number of rows to take."""

    mapping: Mapping
    titles: AccountTitles
    region: str
    unknown: Unknown
    limit: int | None = None


def judge_rows(rows: Iterable[SourceRow], recipe: Recipe) -> Iterator[StagedRows]:
    """Load, judge and dress the rows for the journal, a batch at a time. Pure over its rows."""
    judge = compile_batch_judge(recipe)
    left = islice(rows, recipe.limit)
    while batch := list(islice(left, _BATCH_ROWS)):
        yield judge(batch)


def compile_batch_judge(recipe: Recipe) -> Callable[[Sequence[SourceRow]], StagedRows]:
    """The whole way of rows from cells to verdict: the short one, and the long one where that does not do."""
    long = compile_long_way(recipe)
    short = compile_plain_bodies(recipe.mapping, recipe.titles, region=recipe.region, unknown=recipe.unknown)
    if short is None:
        return lambda rows: StagedRows.of(map(long, rows))

    def judge(rows: Sequence[SourceRow]) -> StagedRows:
        phones, bodies = short([row.cells for row in rows])
        lines = [line_of(row.cells) for row in rows]
        verdicts, issues = [Status.ACCEPTED.value] * len(rows), [""] * len(rows)
        for at, (row, body) in enumerate(zip(rows, bodies, strict=True)):
            if body is None or row.faults:
                _, lines[at], verdicts[at], phones[at], bodies[at], issues[at] = long(row)
        return StagedRows(
            numbers=[row.number for row in rows],
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
