"""Lines below the data that are no leads: totals, and what report programs print under a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from importer.loader.table.header_row import is_phone_like

_MOST_CELLS = 4
_COUNTED = (
    r"(?:records?|rows?|leads?|contacts?|enquir(?:y|ies)|deals?|customers?|clients?|patients?|students?|members?|visitors?"
    r"|guests?|calls?|entries|count|amount|amt|value|budget|balance|qty|sum)"
)
_FOOTER = re.compile(
    rf"""\W*(?:
        (?:(?:grand|sub)[\s-]*)?totals?(?:\s+(?:no\.?\s+of\s+)?{_COUNTED})?[\W\d]*{_COUNTED}?\W*  # a lead may be called Total Gas
        |(?:row\s+)?count(?:\W+\d[\d,]*)?\W*|\d[\d,]*\s+{_COUNTED}\W*|page\s+\d+\s+of\s+\d+\W*|कुल(?:\s+योग)?[\W\d]*
        |end\s+of\s+(?:report|list|file)\W*|confidential\s+information\b.*|copyright\s*(?:\(c\)|©|\d{{4}}).*
        |(?:generated|exported|printed|prepared)\s+(?:by|on|at)\b.*|report\s+(?:generated|run|printed)\b.*
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_AMOUNT = re.compile(r"\W*(?:rs|inr)?\W*(?:\d{1,9}|\d{1,3}(?:,\d{2,3})+)(?:\.\d{1,2})?\W*", re.IGNORECASE)


def is_footer(cells: Sequence[str]) -> bool:
    """Whether a row is a total or a report's footer. A row with anything like a phone never is."""
    filled = [cell for cell in cells if cell.strip()]
    if not filled or len(filled) > _MOST_CELLS or not _FOOTER.fullmatch(filled[0]):
        return False
    return not any(
        is_phone_like(cell.replace(",", " ")) and not _AMOUNT.fullmatch(cell) for cell in filled[1:]
    )


def is_tail(cells: Sequence[str]) -> bool:
    """Whether a row right below a footer goes on with it: one text alone, such as the firm's name."""
    filled = [cell for cell in cells if cell.strip()]
    return len(filled) == 1 and not is_phone_like(filled[0])
