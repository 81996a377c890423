"""From which run a workbook of ours came: it carries the run's id as a document property."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

PROPERTY = "importer-run"
_MOST_BYTES = 64 << 10  # ours has a thousand; a stranger's may be made to fill our memory
_VALUE = re.compile(rb'name="importer-run"[^>]*>\s*<vt:lpwstr>([A-Za-z0-9._-]{1,100})</vt:lpwstr>')


def read_run_id(path: Path) -> str | None:
    """The run id in a workbook, or None: for other files, and where a program took the property out."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("docProps/custom.xml") as part:
            found = _VALUE.search(part.read(_MOST_BYTES))
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, zlib.error, RuntimeError):
        # The last is what a part under a password raises, or (NotImplementedError) an unknown way of packing.
        return None
    return found[1].decode() if found else None
