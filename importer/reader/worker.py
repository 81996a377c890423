"""The reading process: opens the file, sends a preview, then reads, drafts and judges every row.

It is a command of its own, which `worker_client` starts and talks to over stdin and stdout. It has no API key in its
environment and may be killed at any time: all that it has is a copy of the file.
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
from importer.loader.table.table_reader import Table, open_table
from importer.messages import file_messages
from importer.models.row import BLOCK_ROWS, SourceRows
from importer.models.status import is_report_header
from importer.process_setup import apply_limits, tune_gc
from importer.reader import protocol
from importer.reader.restore_sheet import restore_table
from importer.reader.row_processor import ProcessorConfig, RowProcessor

_PARENT_CHECK_INTERVAL_S = 1.0
_TARGET_MESSAGE_BYTES = (
    8 << 20
)  # longer messages are split: they are in the memory of the main process at once


def main() -> None:
    """Answer the two requests of the main process, then end."""
    _set_ctrl_c_handler()
    responses = _take_over_stdout()
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    apply_limits()
    tune_gc()
    try:
        _answer_requests(sys.stdin.buffer, responses)
    except ImporterError as error:
        _send_failure(responses, error)
    except MemoryError:
        _send_failure(responses, UnreadableFileError(*file_messages.READER_OUT_OF_MEMORY))
    except Exception as error:  # noqa: BLE001 - the main process must learn of any error
        failure = UnreadableFileError(*file_messages.READER_FAILED.format(error=type(error).__name__))
        _send_failure(responses, failure, trace=traceback.format_exc())


def _set_ctrl_c_handler(*, is_windows: bool = os.name == "nt") -> None:
    """Ignore Ctrl-C: the main process handles it, and then ends this one.

    On Windows nothing interrupts its wait for our messages, and a large workbook takes long to open. There Ctrl-C
    ends this process directly.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL if is_windows else signal.SIG_IGN)


def _take_over_stdout() -> BinaryIO:
    """Return a stream for our messages, and send what libraries print to stderr: it must not break a message.

    `sys.stdout.buffer` is unbuffered with PYTHONUNBUFFERED. A write that Ctrl-Z interrupts is then cut off silently,
    so the stream is our own.
    """
    responses = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return responses


def _exit_with_parent(parent: int) -> None:
    """End this process when its parent has ended: one that was killed cannot end it, and a large sheet takes long.

    On Windows a process never gets another parent. There it ends when it next writes a message.
    """
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_INTERVAL_S)
    os._exit(1)


def _answer_requests(requests: BinaryIO, responses: BinaryIO) -> None:
    """Open the file and send a preview; then, if asked to, judge every row."""
    request = _read_request(requests)
    assert isinstance(request, protocol.OpenRequest)
    table = open_table(Path(request.path), request.options)
    is_own_report = is_report_header(table.headers)
    headers, blocks = restore_table(table) if is_own_report else (table.headers, table.blocks)
    begun: list[SourceRows] = []
    # A sheet of up to two blocks is read to its end: its last notices (hidden rows, footers) are in the preview.
    while sum(map(len, begun)) <= 2 * BLOCK_ROWS and (block := next(blocks, None)) is not None:
        begun.append(block)
    sample = tuple(islice(chain.from_iterable(begun), protocol.SAMPLE_ROWS))
    _send_preview(responses, protocol.SheetPreview(headers, sample, tuple(table.notices), is_own_report))
    request = _read_request(requests)
    if isinstance(request, protocol.JudgeRequest):
        _judge_rows(table, chain(begun, blocks), request.config, responses)


def _judge_rows(
    table: Table, blocks: Iterable[SourceRows], config: ProcessorConfig, responses: BinaryIO
) -> None:
    total = 0
    for batch in RowProcessor(config).process(blocks):
        _send_batch(responses, batch)
        total += len(batch)
    protocol.write_frame(responses, protocol.encode(protocol.ReadEnd(total, tuple(table.notices))))


def _send_preview(responses: BinaryIO, preview: protocol.SheetPreview) -> None:
    """Send the header and as many of the first rows as fit into one message."""
    body = protocol.encode(preview)
    while len(body) > _TARGET_MESSAGE_BYTES and len(preview.sample) > 1:
        preview = msgspec.structs.replace(preview, sample=preview.sample[: len(preview.sample) // 2])
        body = protocol.encode(preview)
    _write_message(responses, body, [row.number for row in preview.sample[:1]])


def _send_batch(responses: BinaryIO, batch: StagedRows) -> None:
    """Send judged rows, in several messages where their cells are very long."""
    body = protocol.encode(protocol.JudgedBatch(batch))
    if len(body) <= _TARGET_MESSAGE_BYTES or len(batch) == 1:
        _write_message(responses, body, batch.numbers[:1])
        return
    half = len(batch) // 2
    _send_batch(responses, batch[:half])
    _send_batch(responses, batch[half:])


def _send_failure(responses: BinaryIO, error: ImporterError, *, trace: str = "") -> None:
    failure = protocol.ReadFailure(type(error).__name__, error.message, error.advice, trace)
    protocol.write_frame(responses, protocol.encode(failure))


def _write_message(responses: BinaryIO, body: bytes, numbers: Sequence[int]) -> None:
    """Write a message. Raises UnreadableFileError, with the number of the row, for one that is too long."""
    if len(body) > protocol.MAX_FRAME_BYTES:
        text = (
            file_messages.ROW_TOO_LONG.format(number=numbers[0]) if numbers else file_messages.HEADER_TOO_LONG
        )
        raise UnreadableFileError(*text)
    protocol.write_frame(responses, body)


def _read_request(requests: BinaryIO) -> protocol.Request | None:
    body = protocol.read_frame(requests)
    return None if body is None else protocol.decode_request(body)
