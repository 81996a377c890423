"""Build the JSON Schema of summary.json from its type, for docs/summary.schema.json."""

from __future__ import annotations

from typing import Any

import msgspec

from importer.models.status import RowStatus
from importer.report.summary import SCHEMA_VERSION, Summary


def format_schema() -> bytes:
    """Return the schema as it is published."""
    schema: dict[str, Any] = msgspec.json.schema(Summary)
    summary = schema["$defs"]["Summary"]
    summary["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    counts = {status.value: {"type": "integer", "minimum": 0} for status in RowStatus}
    summary["properties"]["counts"] |= {
        "properties": counts,
        "required": list(counts),
        "additionalProperties": False,
    }
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "summary.json of an importer run",
    }
    return msgspec.json.format(msgspec.json.encode({**head, **summary}), indent=2) + b"\n"
