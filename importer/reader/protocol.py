"""What we and the reading process say to each other: msgpack messages, each behind its length in four bytes."""

from __future__ import annotations

from typing import IO, TypeAlias

import msgspec

from importer.journal.staging import StagedRows
from importer.loader.table.table_reader import OpenOptions
from importer.models.mapping import Notice
from importer.models.row import SourceRow
from importer.reader.row_processor import ProcessorConfig

SAMPLE_ROWS = 500
"""First rows that are shown before the columns are decided."""


class Open(msgspec.Struct, frozen=True, tag=True):
    """To the child: open this file, and say what it looks like."""

    path: str
    options: OpenOptions


class Judge(msgspec.Struct, frozen=True, tag=True):
    """To the child: now read on and judge every row."""

    config: ProcessorConfig


class SheetPreview(msgspec.Struct, frozen=True, tag=True):
    """From the child: the header and the first rows. `ours` says that this tool wrote the file."""

    headers: tuple[str, ...]
    sample: tuple[SourceRow, ...]
    notices: tuple[Notice, ...]
    is_own_report: bool = False


class Batch(msgspec.Struct, frozen=True, tag=True):
    """From the child: judged rows, in file order."""

    rows: StagedRows


class ReadEnd(msgspec.Struct, frozen=True, tag=True):
    """From the child: the end of the table; `rows` were sent, `notices` are all there are."""

    rows: int
    notices: tuple[Notice, ...]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """From the child: an ImporterError, by the name of its class. `trace` is there where it was no such error."""

    kind: str
    message: str
    advice: str
    trace: str = ""


ToChild: TypeAlias = Open | Judge
FromChild: TypeAlias = SheetPreview | Batch | ReadEnd | Failed

MAX_FRAME_BYTES = 256 << 20
"""No longer message is sent or believed: what the child claims must not fill our memory."""

encode = msgspec.msgpack.Encoder().encode
decode_to_child = msgspec.msgpack.Decoder(ToChild).decode
decode_from_child = msgspec.msgpack.Decoder(FromChild).decode


def write_frame(stream: IO[bytes], body: bytes) -> None:
    """Send one encoded message."""
    stream.write(len(body).to_bytes(4, "big"))
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next message's bytes, or None at the end of the stream, also where it breaks off or makes no sense."""
    size = stream.read(4)
    length = int.from_bytes(size, "big")
    if len(size) < 4 or length > MAX_FRAME_BYTES:
        return None
    body = stream.read(length)
    return body if len(body) == length else None
