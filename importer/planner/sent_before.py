"""Decide whether the CRM took a row from this tool before: pure, from the memory of what was written to its lead."""

from __future__ import annotations

from collections.abc import Mapping

from importer.models.row import Payload, flatten_payload
from importer.planner.decide import Base, Mode
from importer.planner.policies import Policies
from importer.planner.values import canonicalize


def is_sent_before(payload: Payload, known: Mapping[str, Base], policies: Policies) -> bool:
    """Return whether each field of a row was written before with the row's value.

    `known` has what was written last, by field. A note that may still be sent is no such field: it is in no memory.
    """
    return all(
        _is_written(field, value, known.get(field), policies.get_mode(field))
        for field, value in flatten_payload(payload)
    )


def _is_written(field: str, value: object, base: Base | None, mode: Mode) -> bool:
    if base is None:
        return mode is Mode.KEEP and field != "customer_note"  # it is not sent to a lead that exists
    sheet = canonicalize(field, value)
    # With `append` the request had more than the sheet. With any other mode that would be another value.
    return base.is_ours(sheet) and (mode is Mode.APPEND or base.is_theirs(sheet))
