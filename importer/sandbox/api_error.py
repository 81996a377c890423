"""What the API says no with, and the reading of bodies, which says no to everything that is not what was asked for."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


class ApiError(Exception):
    """A request that is answered with an error: status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def decoded(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as its type says, or a Refusal: no JSON, broken UTF-8 and fields that are not there are all a 400.

    Types that name every field stop at the first brace that they do not expect, however deep it would go.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ApiError(400, f"Validation failed: {error}") from None
