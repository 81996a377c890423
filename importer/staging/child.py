"""The reading process: opens the file, shows its first rows, then reads, drafts and judges every row.

It runs as `python -m importer.staging.child`, talks over stdin and stdout, has no key in its environment, and
may be killed at any time: the only thing it holds is a copy of the file.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from importer.errors import ImporterError, UnreadableFile
from importer.loader.limits import apply_limits
from importer.loader.opening import Table, open_table
from importer.models import SourceRow
from importer.staging import frames
from importer.staging.own_files import as_typed, is_ours
from importer.staging.recipe import Recipe, compile_row_judge

SAMPLE_ROWS = 500
_BATCH_ROWS = 1000


def main() -> None:
    """Answer the parent's two questions, then end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # a library that prints must not break a frame
    apply_limits()
    try:
        _converse(sys.stdin.buffer, answers)
    except ImporterError as error:
        _fail(answers, error)
    except MemoryError:
        _fail(
            answers,
            UnreadableFile(
                "The file needs more memory than a sheet of leads should.",
                "Copy the rows into a new sheet, save it as CSV, and import that.",
            ),
        )


def _fail(answers: BinaryIO, error: ImporterError) -> None:
    frames.write_frame(answers, frames.Failed(type(error).__name__, error.message, error.advice))


def _converse(questions: BinaryIO, answers: BinaryIO) -> None:
    question = _ask(questions)
    assert isinstance(question, frames.Open)
    table = open_table(Path(question.path), question.options)
    ours = is_ours(table.headers)
    headers, rows = as_typed(table) if ours else (table.headers, table.rows)
    sample = tuple(islice(rows, SAMPLE_ROWS))
    frames.write_frame(answers, frames.Opened(headers, sample, tuple(table.notices), ours))
    question = _ask(questions)
    if isinstance(question, frames.Judge):
        _judge(table, chain(sample, rows), question.recipe, answers)


def _judge(table: Table, rows: Iterator[SourceRow], recipe: Recipe, answers: BinaryIO) -> None:
    judge = compile_row_judge(recipe)
    if recipe.limit is not None:
        rows = islice(rows, recipe.limit)
    total = 0
    while batch := [judge(row) for row in islice(rows, _BATCH_ROWS)]:
        frames.write_frame(answers, frames.Batch(batch))
        total += len(batch)
    frames.write_frame(answers, frames.Done(total, tuple(table.notices)))


def _ask(questions: BinaryIO) -> frames.ToChild | None:
    body = frames.read_frame(questions)
    return None if body is None else frames.decode_to_child(body)


if __name__ == "__main__":
    main()
