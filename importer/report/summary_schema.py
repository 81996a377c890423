"""The JSON Schema of summary.json, made from the type that it is written by: docs/summary.schema.json."""

from __future__ import annotations

from typing import Any

import msgspec

from importer.models.status import RowStatus
from importer.report.summary import SCHEMA_VERSION, Summary


def format_schema() -> bytes:
    """The schema as it is published."""
    schema: dict[str, Any] = msgspec.json.schema(Summary)
    summary = schema["$defs"]["Summary"]
    summary["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    every = {status.value: {"type": "integer", "minimum": 0} for status in RowStatus}
    summary["properties"]["counts"] |= {
        "properties": every,
        "required": list(every),
        "additionalProperties": False,
    }
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "summary.json of an importer run",
    }
    return msgspec.json.format(msgspec.json.encode({**head, **summary}), indent=2) + b"\n"
