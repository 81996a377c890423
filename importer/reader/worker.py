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
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from importer.errors import ImporterError, UnreadableFileError
from importer.journal.staging import StagedRows
from importer.loader.formats.text_ranges import TextRange
from importer.loader.table.ranged_table import RangedTable
from importer.messages import file_messages
from importer.models.row import get_sheet_row
from importer.process_setup import apply_limits, tune_gc
from importer.reader import protocol
from importer.reader.row_processor import RowProcessor
from importer.reader.sheet_opener import SheetOpener

_PARENT_CHECK_INTERVAL_S = 1.0
_TARGET_MESSAGE_BYTES = (
    8 << 20
)  # longer messages are split: they are in the memory of the main process at once


def main() -> None:
    """Set up the process, answer the main process, then end."""
    _set_ctrl_c_handler()
    responses = _take_over_stdout()
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    apply_limits()
    tune_gc()
    serve(sys.stdin.buffer, responses)


def serve(requests: BinaryIO, responses: BinaryIO) -> None:
    """Answer the two requests of the main process. An error is an answer too."""
    try:
        _answer_requests(requests, responses)
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
    """Open the file and send a preview, then judge every row; or judge ranges of a file that another process has opened."""
    opener: SheetOpener | None = None
    ranges: _RangeJudge | None = None
    while (request := _read_request(requests)) is not None:
        match request:
            case protocol.OpenRequest(path, options):
                opener = SheetOpener(Path(path), options)
                _send_preview(responses, opener.preview())
            case protocol.CutRequest(range_bytes) if opener:
                protocol.write_frame(responses, protocol.encode(opener.find_cuts(range_bytes)))
            case protocol.RangesRequest():
                ranges = _RangeJudge(request, responses)
            case protocol.RangeRequest(part) if ranges:
                ranges.judge(part)
            case protocol.JudgeRequest() if opener:
                _judge_rows(opener, request, responses)
                return
            case _:
                raise ValueError(request)


def _judge_rows(opener: SheetOpener, request: protocol.JudgeRequest, responses: BinaryIO) -> None:
    total = 0
    blocks = opener.read_rest(request.rest) if request.rest else opener.read_rows(request.sheets)
    for batch in RowProcessor(request.config).process(blocks):
        _send_batch(responses, batch)
        total += len(batch)
    protocol.write_frame(responses, protocol.encode(protocol.ReadEnd(total, opener.notices)))


class _RangeJudge:
    """Judges the rows of ranges. What it remembers of titles and texts serves the next range too."""

    def __init__(self, request: protocol.RangesRequest, responses: BinaryIO) -> None:
        self._ranged = RangedTable(Path(request.path), request.options, request.dialect)
        self._process = RowProcessor(request.config).process
        self._responses = responses

    def judge(self, part: TextRange) -> None:
        """Send the judged rows of a range, then its end."""
        opened = self._ranged.open(part)
        for batch in self._process(opened.read_blocks()):
            _send_batch(self._responses, batch)
        judged = protocol.RangeJudged(opened.end, opened.is_plain)
        protocol.write_frame(self._responses, protocol.encode(judged))


def _send_preview(responses: BinaryIO, preview: protocol.WorkbookPreview) -> None:
    """Send the headers and as many of the first rows as fit into one message."""
    body = protocol.encode(preview)
    while len(body) > _TARGET_MESSAGE_BYTES and any(len(sheet.sample) > 1 for sheet in preview.sheets):
        preview = msgspec.structs.replace(preview, sheets=tuple(map(_halve_sample, preview.sheets)))
        body = protocol.encode(preview)
    numbers = [row.number for sheet in preview.sheets for row in sheet.sample[:1]]
    _write_message(responses, body, numbers)


def _halve_sample(sheet: protocol.SheetPreview) -> protocol.SheetPreview:
    return msgspec.structs.replace(sheet, sample=sheet.sample[: max(1, len(sheet.sample) // 2)])


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
            file_messages.ROW_TOO_LONG.format(number=get_sheet_row(numbers[0]))
            if numbers
            else file_messages.HEADER_TOO_LONG
        )
        raise UnreadableFileError(*text)
    protocol.write_frame(responses, body)


def _read_request(requests: BinaryIO) -> protocol.Request | None:
    body = protocol.read_frame(requests)
    return None if body is None else protocol.decode_request(body)
