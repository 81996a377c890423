"""Reads and judges the rows of one run: the fast path for most rows, the slow path for the others."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from importer.csv_injection import format_csv_lines
from importer.journal.staging import StagedRow, StagedRows, to_staged_row
from importer.loader.rows.cell_policy import CellPolicy
from importer.loader.rows.drafts import Drafter
from importer.models.mapping import AccountTitles, Mapping
from importer.models.row import BLOCK_ROWS, SourceRow, SourceRows
from importer.models.status import StagedVerdict
from importer.reader.fast_path import FastPath
from importer.settings import UnknownPolicy
from importer.validator.judge import Judge


class ProcessorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping, the account's titles and the policies of one run. `limit` is the number of rows to process."""

    mapping: Mapping
    titles: AccountTitles
    region: str
    unknown: UnknownPolicy
    cells: CellPolicy = CellPolicy()
    limit: int | None = None


class RowProcessor:
    """Turns source rows into staged rows. It is pure: the same rows give the same result in every process.

    In a run over several sheets, each row is read by the mapping of its own sheet.
    """

    def __init__(self, config: ProcessorConfig) -> None:
        self._limit = sys.maxsize if config.limit is None else config.limit
        self._sheet_index = config.mapping.sheet_index if config.mapping.by_sheet else None
        self._processor = _BlockProcessor(config)
        self._by_sheet = {
            name: _BlockProcessor(msgspec.structs.replace(config, mapping=mapping))
            for name, mapping in config.mapping.by_sheet.items()
        }

    def process(self, blocks: Iterable[SourceRows]) -> Iterator[StagedRows]:
        """Yield the staged rows in blocks of at most BLOCK_ROWS, up to the limit."""
        remaining = self._limit
        for block in blocks:
            for start in range(0, min(len(block), remaining), BLOCK_ROWS):
                yield from self._process_block(block.slice(start, min(start + BLOCK_ROWS, remaining)))
            remaining -= len(block)
            if remaining <= 0:
                return

    def _process_block(self, rows: SourceRows) -> Iterator[StagedRows]:
        if self._sheet_index is None:
            yield self._processor.process(rows)
            return
        start = 0
        for name, same in groupby([row[self._sheet_index] for row in rows.cells]):
            stop = start + sum(1 for _ in same)
            # A person may have changed the name in a report: such a row is read as the sheets have in common.
            yield self._by_sheet.get(name, self._processor).process(rows.slice(start, stop))
            start = stop


class _BlockProcessor:
    """Processes blocks of rows by one mapping."""

    def __init__(self, config: ProcessorConfig) -> None:
        self._slow_path = SlowPath(config)
        self._fast_path = FastPath.create(
            config.mapping, config.titles, region=config.region, unknown=config.unknown
        )

    def process(self, rows: SourceRows) -> StagedRows:
        """Return the rows as the journal stores them."""
        process_slowly = self._slow_path.process_row
        if self._fast_path is None:
            return StagedRows.from_rows(map(process_slowly, rows))
        phones, bodies = self._fast_path.build_bodies(rows.cells)
        lines = format_csv_lines(rows.cells, rows.lines)
        verdicts, issues = [StagedVerdict.VALID.value] * len(rows), [""] * len(rows)
        for at in [at for at, body in enumerate(bodies) if body is None or at in rows.issues]:
            staged = process_slowly(rows.get_row(at))
            _, lines[at], verdicts[at], phones[at], bodies[at], issues[at] = staged
        return StagedRows(
            numbers=list(rows.numbers),
            cells=lines,
            verdicts=verdicts,
            phones=phones,
            payloads=bodies,
            issues=issues,
        )


class SlowPath:
    """Processes one row in full: draft, verdict, staged row. Only this path finds out what is wrong with a row."""

    def __init__(self, config: ProcessorConfig) -> None:
        headers = {column.field: column.header for column in reversed(config.mapping.columns) if column.field}
        self._draft = Drafter(config.mapping, region=config.region, policy=config.cells).draft
        self._judge = Judge(config.titles, headers=headers, unknown=config.unknown).judge

    def process_row(self, row: SourceRow) -> StagedRow:
        """Return the row as the journal stores it."""
        return to_staged_row(self._judge(self._draft(row)))
