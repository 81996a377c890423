"""The reading process: opens the file, shows its first rows, then reads, drafts and judges every row.

It is a command of its own (`process` starts it), talks over stdin and stdout, has no key in its environment, and
may be killed at any time: the only thing it holds is a copy of the file.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from importer.errors import ImporterError, UnreadableFileError
from importer.journal.staging import StagedRows
from importer.loader.formats.limits import COPY_THE_ROWS, apply_limits
from importer.loader.table.table_reader import Table, open_table
from importer.models.row import BLOCK_ROWS, SourceRows
from importer.models.status import is_report_header
from importer.process_setup import tune_gc
from importer.reader import protocol
from importer.reader.reimport import as_typed
from importer.reader.row_processor import ProcessorConfig, RowProcessor

_LOOK_EVERY_S = 1.0
_ROOM_BYTES = 8 << 20  # a message is seldom longer: so much of the sheet's text is in our memory at once


def main() -> None:
    """Answer the parent's two questions, then end."""
    _mind_ctrl_c()
    answers = _standard_output()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    apply_limits()
    tune_gc()
    try:
        _converse(sys.stdin.buffer, answers)
    except ImporterError as error:
        _fail(answers, error)
    except MemoryError:
        _fail(
            answers,
            UnreadableFileError(
                "The file needs more memory than a sheet of leads should.",
                "Copy the rows into a new sheet, save it as CSV, and import that.",
            ),
        )
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent must be told
        _fail(
            answers,
            UnreadableFileError(
                f"The reader of the file met what it does not know ({type(error).__name__}): the file is damaged, "
                "or this is a fault of importer (-v shows more).",
                COPY_THE_ROWS,
            ),
            trace=traceback.format_exc(),
        )


def _mind_ctrl_c(*, windows: bool = os.name == "nt") -> None:
    """Ctrl-C is for the parent, which then ends us.

    On Windows nothing interrupts its wait for what we say, and a large workbook opens for long: there we end by ourselves.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL if windows else signal.SIG_IGN)


def _standard_output() -> BinaryIO:
    """Where our answers go. What a library prints goes elsewhere from now on: it must not break a frame.

    A stream of our own, since `sys.stdout.buffer` is none under PYTHONUNBUFFERED: a write that Ctrl-Z meets
    half way is not brought to its end there, and says nothing of it.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _end_with(parent: int) -> None:
    """End when our parent has: one that was killed cannot end us, and a large sheet keeps its reader busy for long.

    Windows gives nobody another parent: there we end when we have something to say.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)


def _fail(answers: BinaryIO, error: ImporterError, *, trace: str = "") -> None:
    failed = protocol.Failed(type(error).__name__, error.message, error.advice, trace)
    protocol.write_frame(answers, protocol.encode(failed))


def _converse(questions: BinaryIO, answers: BinaryIO) -> None:
    question = _ask(questions)
    assert isinstance(question, protocol.Open)
    table = open_table(Path(question.path), question.options)
    ours = is_report_header(table.headers)
    headers, blocks = as_typed(table) if ours else (table.headers, table.blocks)
    begun: list[SourceRows] = []
    # A sheet that two blocks hold is read to its end: its last notices (hidden rows, footers) are shown at once.
    while sum(map(len, begun)) <= 2 * BLOCK_ROWS and (block := next(blocks, None)) is not None:
        begun.append(block)
    sample = tuple(islice(chain.from_iterable(begun), protocol.SAMPLE_ROWS))
    _show(answers, protocol.SheetPreview(headers, sample, tuple(table.notices), ours))
    question = _ask(questions)
    if isinstance(question, protocol.Judge):
        _judge(table, chain(begun, blocks), question.config, answers)


def _judge(table: Table, blocks: Iterable[SourceRows], config: ProcessorConfig, answers: BinaryIO) -> None:
    total = 0
    for batch in RowProcessor(config).process(blocks):
        _send(answers, batch)
        total += len(batch)
    protocol.write_frame(answers, protocol.encode(protocol.ReadEnd(total, tuple(table.notices))))


def _show(answers: BinaryIO, opened: protocol.SheetPreview) -> None:
    """Send the header and as many of the first rows as a message has room for."""
    body = protocol.encode(opened)
    while len(body) > _ROOM_BYTES and len(opened.sample) > 1:
        opened = msgspec.structs.replace(opened, sample=opened.sample[: len(opened.sample) // 2])
        body = protocol.encode(opened)
    _write(answers, body, [row.number for row in opened.sample[:1]])


def _send(answers: BinaryIO, batch: StagedRows) -> None:
    """Send judged rows, in several messages where their cells are very long."""
    body = protocol.encode(protocol.Batch(batch))
    if len(body) <= _ROOM_BYTES or len(batch) == 1:
        _write(answers, body, batch.numbers[:1])
        return
    half = len(batch) // 2
    _send(answers, batch[:half])
    _send(answers, batch[half:])


def _write(answers: BinaryIO, body: bytes, numbers: Sequence[int]) -> None:
    if len(body) > protocol.MAX_FRAME_BYTES:
        raise UnreadableFileError(
            f"Row {numbers[0]} holds more text than any lead." if numbers else "The header is endless.",
            "Shorten it, or copy the rows into a new sheet, and import that.",
        )
    protocol.write_frame(answers, body)


def _ask(questions: BinaryIO) -> protocol.ToChild | None:
    body = protocol.read_frame(questions)
    return None if body is None else protocol.decode_to_child(body)
