"""The messages between the main process and the reading process: msgpack, each after its length in four bytes."""

from __future__ import annotations

from typing import IO, TypeAlias

import msgspec

from importer.journal.staging import StagedRows
from importer.loader.formats.dialect import Dialect
from importer.loader.formats.text_ranges import RangeEnd, TextRange
from importer.loader.table.table_reader import OpenOptions
from importer.models.mapping import Notice
from importer.models.row import SourceRow
from importer.reader.row_processor import ProcessorConfig

SAMPLE_ROWS = 500
"""How many of the first rows a preview has, to decide on the columns."""


class OpenRequest(msgspec.Struct, frozen=True, tag=True):
    """Request: open this file, and answer with a preview."""

    path: str
    options: OpenOptions


class JudgeRequest(msgspec.Struct, frozen=True, tag=True):
    """Request: judge every row of these sheets, or those of the rest of a text file."""

    config: ProcessorConfig
    sheets: tuple[str, ...]
    rest: TextRange | None = None


class CutRequest(msgspec.Struct, frozen=True, tag=True):
    """Request: say where the file can be cut into ranges of about so many bytes."""

    range_bytes: int


class RangesRequest(msgspec.Struct, frozen=True, tag=True):
    """Request: get ready to judge ranges of a text file that another process has opened."""

    path: str
    options: OpenOptions
    dialect: Dialect
    config: ProcessorConfig


class RangeRequest(msgspec.Struct, frozen=True, tag=True):
    """Request: judge the rows of a range of the file."""

    part: TextRange


class SheetPreview(msgspec.Struct, frozen=True):
    """The header and the first rows. `is_own_report` means that this tool wrote the file.

    `name` is the sheet's in its workbook, or "". Of one of several tables side by side it is that of the table, and `sheet`
    that of the sheet. `is_one_of_several`: the columns that a person names may be in others.
    `top_rows` are the first rows as they are in a file of this `kind`, with the header in row `header_number`, 0 for none.
    """

    headers: tuple[str, ...]
    sample: tuple[SourceRow, ...]
    notices: tuple[Notice, ...]
    is_own_report: bool = False
    name: str = ""
    sheet: str = ""
    is_one_of_several: bool = False
    kind: str = ""
    top_rows: tuple[SourceRow, ...] = ()
    header_number: int = 0


class WorkbookPreview(msgspec.Struct, frozen=True, tag=True):
    """Response: the sheets that may be read. `all_sheets` are the names of all that the workbook has."""

    sheets: tuple[SheetPreview, ...]
    all_sheets: tuple[str, ...]


class JudgedBatch(msgspec.Struct, frozen=True, tag=True):
    """Response: judged rows, in file order."""

    rows: StagedRows


class ReadEnd(msgspec.Struct, frozen=True, tag=True):
    """Response: the end of the table, with the number of rows sent and all notices."""

    rows: int
    notices: tuple[Notice, ...]


class Cuts(msgspec.Struct, frozen=True, tag=True):
    """Response: offsets at which the file can be cut, and how it is written; none if it must be read as a whole.

    `head_bytes` at its beginning decide on the headers.
    """

    offsets: tuple[int, ...]
    dialect: Dialect | None
    head_bytes: int


class RangeJudged(msgspec.Struct, frozen=True, tag=True):
    """Response: the end of a range, after its rows. `is_plain`: what follows does not depend on them."""

    end: RangeEnd
    is_plain: bool


class ReadFailure(msgspec.Struct, frozen=True, tag=True):
    """Response: an ImporterError by the name of its class. `trace` is the traceback of an unexpected exception."""

    kind: str
    message: str
    advice: str
    trace: str = ""


Request: TypeAlias = OpenRequest | JudgeRequest | CutRequest | RangesRequest | RangeRequest
Answer: TypeAlias = WorkbookPreview | JudgedBatch | ReadEnd | Cuts | RangeJudged
Response: TypeAlias = Answer | ReadFailure

MAX_FRAME_BYTES = 256 << 20
"""No longer message is sent or accepted: what a hostile file makes the reading process claim must not fill our memory."""

encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_response = msgspec.msgpack.Decoder(Response).decode


def write_frame(stream: IO[bytes], body: bytes) -> None:
    """Write one encoded message."""
    stream.write(len(body).to_bytes(4, "big"))
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the bytes of the next message; None at the end of the stream, where it breaks off or is invalid."""
    size = stream.read(4)
    length = int.from_bytes(size, "big")
    if len(size) < 4 or length > MAX_FRAME_BYTES:
        return None
    body = stream.read(length)
    return body if len(body) == length else None
