"""From which run a workbook of ours came: it carries the run's id as a document property."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

PROPERTY = "importer-run"
_VALUE = re.compile(rb'name="importer-run"[^>]*>\s*<vt:lpwstr>([A-Za-z0-9._-]{1,100})</vt:lpwstr>')


def origin_of(path: Path) -> str | None:
    """The run id in a workbook, or None: for other files, and where a program took the property out."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = _VALUE.search(archive.read("docProps/custom.xml"))
    except (zipfile.BadZipFile, KeyError, OSError):
        return None
    return found[1].decode() if found else None
