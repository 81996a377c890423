"""Reads a form with a file as browsers send it without a script, in pieces: a sheet never lies in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from importer.errors import UsageError
from importer.messages import ui_messages

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_FIELD_BYTES = 4096


class UploadForm:
    """The fields of a multipart form, and then its file. Fields behind the file are not read."""

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self._chunks = chunks
        self._header, self._value = b"", b""
        self._disposition: dict[bytes, bytes] = {}
        self._field = b""
        self._file: list[bytes] = []
        self._is_in_file = False
        _, options = parse_options_header(content_type)
        try:
            self._parser = MultipartParser(options[b"boundary"], self._list_callbacks())
        except (KeyError, FormParserError):
            raise UsageError(*ui_messages.BODY_NOT_VALID) from None

    async def read_head(self) -> None:
        """Read up to the first bytes of the file. Raises UsageError for another form."""
        async for chunk in self._chunks:
            self._feed(chunk)
            if self._file:
                return

    async def read_file(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the file. Raises UsageError for what is no such form."""
        while True:
            for part in self._file:
                yield part
            self._file.clear()
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return
            self._feed(chunk)

    def _feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise UsageError(*ui_messages.BODY_NOT_VALID) from None

    # --- what the parser calls

    def _list_callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_content,
            "on_part_data": self._add_content,
            "on_part_end": self._end_part,
        }

    def _begin_part(self) -> None:
        self._disposition, self._field, self._is_in_file = {}, b"", False

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, self._disposition = parse_options_header(self._value)
        self._header, self._value = b"", b""

    def _begin_content(self) -> None:
        self._is_in_file = b"filename" in self._disposition and not self.file_name
        if self._is_in_file:
            self.file_name = self._disposition[b"filename"].decode("utf-8", "replace")

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        if self._is_in_file:
            self._file.append(data[start:end])
        elif len(self._field) < _MAX_FIELD_BYTES:
            self._field += data[start:end]

    def _end_part(self) -> None:
        if not self._is_in_file:
            name = self._disposition.get(b"name", b"").decode("utf-8", "replace")
            self.fields[name] = self._field.decode("utf-8", "replace")
        self._is_in_file = False
