"""What a worker of the cluster does with a range of a CSV: judge it in a reading process, as the coordinator would.

The range travels as bytes, and so do its judged rows. Both sides decode them by type. The worker writes the bytes behind the
head of the sheet, into a private file. To the reading process that is a file like any other.
"""

from __future__ import annotations

import atexit
import io
import threading
from contextlib import ExitStack
from typing import TypeAlias

import msgspec

from importer.cluster.send_task import WorkerPlace
from importer.cluster.worker_check import read_versions
from importer.errors import ImporterError
from importer.loader.formats.dialect import Dialect
from importer.loader.formats.text_ranges import RangeBytes, RangeEnd, TextRange
from importer.loader.table.table_reader import OpenOptions
from importer.reader.protocol import RangesRequest
from importer.reader.range_chain import JudgedRange
from importer.reader.row_processor import ProcessorConfig
from importer.reader.scratch_dir import copy_to_private_file, open_scratch_dir
from importer.reader.worker_client import WorkerClient

MAX_RANGE_S = 60.0
"""A range of 1 MB takes 0.2 s. After this time, its reading process is given up, and so is its worker."""
_MAX_IDLE_S = 30.0
"""How long a reading process waits for the next range of its sheet. Nobody has to tell it that there is none."""


class SheetHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the ranges of a sheet have in common: its first bytes, which decide on the headers, and how it is judged.

    `hidden_variables` are those of the worker's environment in which keys may be: their names.
    """

    content: bytes
    options: OpenOptions
    dialect: Dialect
    config: ProcessorConfig
    hidden_variables: tuple[str, ...]
    versions: dict[str, str]


class RangeCall(msgspec.Struct, frozen=True, kw_only=True):
    """A range to judge. `head` is needed once for each worker."""

    sheet: str
    head: SheetHead | None
    part: TextRange
    content: RangeBytes


class RangeAnswer(msgspec.Struct, frozen=True, tag=True):
    """The judged rows of a range."""

    judged: JudgedRange


class HeadMissing(msgspec.Struct, frozen=True, tag=True):
    """The worker does not have the sheet, or no longer."""


class RangeNotJudged(msgspec.Struct, frozen=True, tag=True):
    """The worker could not judge the range. The process that reads the sheet in order says what is wrong with it."""

    reason: str


Answer: TypeAlias = RangeAnswer | HeadMissing | RangeNotJudged
encode = msgspec.msgpack.Encoder().encode
decode_call = msgspec.msgpack.Decoder(RangeCall).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


class Packed(msgspec.Struct, frozen=True):
    """An encoded message. Dask logs the arguments of work that fails, and these have personal data."""

    body: bytes

    def __repr__(self) -> str:
        return f"Packed({len(self.body)} bytes)"


def judge_range(task: Packed, place: WorkerPlace) -> bytes:
    """Judge the range of a call in a reading process of this worker. Whatever goes wrong is an answer too."""
    del place
    return encode(_SHEETS.answer(decode_call(task.body)))


class _KeptSheet:
    """A sheet whose ranges this worker judges: its head in a private file, and its reading process."""

    def __init__(self, head: SheetHead) -> None:
        self._head_bytes = len(head.content)
        self._lock = threading.Lock()
        self.users = 0
        self.timer: threading.Timer | None = None
        with ExitStack() as opened:
            folder = opened.enter_context(open_scratch_dir())
            self._path, _ = copy_to_private_file(io.BytesIO(head.content), folder)
            client = WorkerClient(
                self._path,
                head.options,
                timeout_s=MAX_RANGE_S,
                first_request=RangesRequest(str(self._path), head.options, head.dialect, head.config),
                hidden_variables=head.hidden_variables,
            )
            self._client = opened.enter_context(client)
            self._opened = opened.pop_all()

    def judge(self, part: TextRange, content: RangeBytes) -> JudgedRange:
        """Return the judged rows of a range. Raises UnreadableFileError, OSError."""
        moved_by = content.start - self._head_bytes
        with self._lock:
            with self._path.open("r+b") as file:
                file.truncate(self._head_bytes)
                file.seek(self._head_bytes)
                file.write(content.content)
            judged = self._client.judge_range(_move_range(part, -moved_by))
        return judged._replace(end=_move_end(judged.end, moved_by))

    def close(self) -> None:
        """End the reading process, and remove the file."""
        self._client.kill()
        with self._lock:
            self._opened.close()


def _move_range(part: TextRange, by: int) -> TextRange:
    return msgspec.structs.replace(part, start=part.start + by, stop=part.stop + by)


def _move_end(end: RangeEnd, by: int) -> RangeEnd:
    return msgspec.structs.replace(end, offset=end.offset + by, read_to=end.read_to + by)


class KeptSheets:
    """The sheets of this worker, by their id. One that nobody has asked for in a while is closed."""

    def __init__(self, *, max_idle_s: float = _MAX_IDLE_S) -> None:
        self._max_idle_s = max_idle_s
        self._lock = threading.Lock()
        self._sheets: dict[str, _KeptSheet] = {}

    def answer(self, call: RangeCall) -> Answer:
        """Judge a range. It opens the sheet first if that is not open."""
        if call.head is not None and call.head.versions != read_versions():
            return RangeNotJudged("versions")
        try:
            kept = self._take(call)
            if kept is None:
                return HeadMissing()
            try:
                return RangeAnswer(kept.judge(call.part, call.content))
            finally:
                self._give_back(call.sheet, kept)
        except (ImporterError, OSError) as error:
            self._close(call.sheet)
            return RangeNotJudged(type(error).__name__)

    def close_all(self) -> None:
        """Close all sheets: the worker ends."""
        for sheet in list(self._sheets):
            self._close(sheet)

    def _take(self, call: RangeCall) -> _KeptSheet | None:
        with self._lock:
            kept = self._sheets.get(call.sheet)
            if kept is None:
                if call.head is None:
                    return None
                kept = self._sheets[call.sheet] = _KeptSheet(call.head)
            if kept.timer is not None:
                kept.timer.cancel()
            kept.users += 1
            return kept

    def _give_back(self, sheet: str, kept: _KeptSheet) -> None:
        with self._lock:
            kept.users -= 1
            if not kept.users:
                kept.timer = threading.Timer(self._max_idle_s, self._close_if_idle, (sheet, kept))
                kept.timer.daemon = True
                kept.timer.start()

    def _close_if_idle(self, sheet: str, kept: _KeptSheet) -> None:
        with self._lock:
            if kept.users or self._sheets.get(sheet) is not kept:
                return
            del self._sheets[sheet]
        kept.close()

    def _close(self, sheet: str) -> None:
        with self._lock:
            kept = self._sheets.pop(sheet, None)
        if kept is not None:
            kept.close()


_SHEETS = KeptSheets()
atexit.register(_SHEETS.close_all)
