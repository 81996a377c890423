"""Error responses of the API, and the decoding of request bodies."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


class ApiError(Exception):
    """A request that gets an error response, with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def decode_body(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return the decoded body. Raises ApiError 400 for invalid JSON, broken UTF-8 and unknown fields.

    A type that names every field stops at the first unexpected brace, so deep nesting costs nothing.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ApiError(400, f"Validation failed: {error}") from None
