"""Read from which run a workbook of ours came: it has the run id as a document property."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

PROPERTY = "importer-run"
_MAX_BYTES = 64 << 10  # ours has a thousand; a hostile workbook could fill our memory
# `<property ... name="importer-run"><vt:lpwstr>2026-11-25_leads</vt:lpwstr>`
_RUN_ID = re.compile(rb'name="importer-run"[^>]*>\s*<vt:lpwstr>([A-Za-z0-9._-]{1,100})</vt:lpwstr>')


def read_run_id(path: Path) -> str | None:
    """Return the run id in a workbook; None for other files, and if another program removed the property."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("docProps/custom.xml") as part:
            found = _RUN_ID.search(part.read(_MAX_BYTES))
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, zlib.error, RuntimeError):
        # RuntimeError: a part with a password, or (NotImplementedError) an unknown compression method.
        return None
    return found[1].decode() if found else None
