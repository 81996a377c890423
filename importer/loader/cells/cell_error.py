"""What is wrong with a cell, before it is known in which column it stands."""

from __future__ import annotations

from typing import NamedTuple


class CellError(NamedTuple):
    """`code` is a key of the issue catalogue; `value` is the offending part where it is not the whole cell."""

    code: str
    hint: str = ""
    value: str = ""
