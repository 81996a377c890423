"""How the rows of one run are judged: everything that a reading process must know, and the loop itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

import msgspec

from importer.csv_injection import format_csv_lines
from importer.journal.staging import StagedRow, StagedRows, to_staged_row
from importer.loader.rows.drafts import compile_drafter
from importer.models.mapping import AccountTitles, Mapping
from importer.models.row import BLOCK_ROWS, SourceRow, SourceRows
from importer.models.status import RowStatus
from importer.reader.fast_path import compile_plain_bodies
from importer.settings import UnknownPolicy
from importer.validator.judge import compile_judge


class ProcessorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping, the account's titles and the policies of one run; `limit` is the number of rows to take."""

    mapping: Mapping
    titles: AccountTitles
    region: str
    unknown: UnknownPolicy
    limit: int | None = None


def process_rows(blocks: Iterable[SourceRows], config: ProcessorConfig) -> Iterator[StagedRows]:
    """Load, judge and dress the rows for the journal, a batch at a time. Pure over its rows."""
    judge = compile_batch_judge(config)
    left = sys.maxsize if config.limit is None else config.limit
    for block in blocks:
        for start in range(0, min(len(block), left), BLOCK_ROWS):
            yield judge(block.slice(start, min(start + BLOCK_ROWS, left)))
        left -= len(block)
        if left <= 0:
            return


def compile_batch_judge(config: ProcessorConfig) -> Callable[[SourceRows], StagedRows]:
    """The whole way of rows from cells to verdict: the short one, and the long one where that does not do."""
    long = compile_long_way(config)
    short = compile_plain_bodies(config.mapping, config.titles, region=config.region, unknown=config.unknown)
    if short is None:
        return lambda rows: StagedRows.of(map(long, rows))

    def judge(rows: SourceRows) -> StagedRows:
        phones, bodies = short(rows.cells)
        lines = format_csv_lines(rows.cells, rows.lines)
        verdicts, issues = [RowStatus.ACCEPTED.value] * len(rows), [""] * len(rows)
        for at in [at for at, body in enumerate(bodies) if body is None or at in rows.issues]:
            _, lines[at], verdicts[at], phones[at], bodies[at], issues[at] = long(rows.get_row(at))
        return StagedRows(
            numbers=list(rows.numbers),
            cells=lines,
            verdicts=verdicts,
            phones=phones,
            payloads=bodies,
            issues=issues,
        )

    return judge


def compile_long_way(config: ProcessorConfig) -> Callable[[SourceRow], StagedRow]:
    """Every step of a row's way; it alone has the words for what is wrong."""
    headers = {column.field: column.header for column in reversed(config.mapping.columns) if column.field}
    draft = compile_drafter(config.mapping, region=config.region)
    judge = compile_judge(config.titles, headers=headers, unknown=config.unknown)

    def judge_row(row: SourceRow) -> StagedRow:
        return to_staged_row(judge(draft(row)))

    return judge_row
