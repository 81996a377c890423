"""The error of one cell, before it is known in which row and column the cell is."""

from __future__ import annotations

from typing import NamedTuple

from importer.issues import IssueCode


class CellError(NamedTuple):
    """What is wrong with a cell.

    `hint` replaces {hint} in the issue's sentence. `value` is the wrong part of the cell, or "" for the whole cell.
    """

    code: IssueCode
    hint: str = ""
    value: str = ""
