"""How much a file may cost: the limits of the reading process, so that a hostile file harms nothing else."""

from __future__ import annotations

import sys

MEMORY_BYTES = 3 * 1024**3
CPU_SECONDS = 3600
MAX_PARTS = 5_000
MAX_UNPACKED_BYTES = 4 * 1024**3
MAX_RATIO = 400  # sheet XML packs 10 to 60 times, a bomb a thousand times
RATIO_COUNTS_FROM = 20 * 1024**2
MAX_CELL_CHARS = 100_000
MAX_COLUMNS = 2_000  # the widest CRM exports have 800
MAX_TOP_ROWS = 10_000  # the furthest down that --header-row can look
MAX_CELLS_AT_ONCE = 30_000_000  # places of a sheet, empty ones too, that the quick reader may keep in memory
STREAM_FROM_BYTES = 150 * 1024**2  # unpacked sheet XML from which a workbook is streamed, slower and flat


COPY_THE_ROWS = "Open it in Excel, copy the rows into a new sheet, save that, and import it."
"""What is advised where a file costs too much, or harms its reader."""


def apply_limits() -> None:
    """Bound this process's memory and time, where the operating system can (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - does not exist on Windows

    for what, limit in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, CPU_SECONDS)):
        _, hard = resource.getrlimit(what)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(what, (bound, hard))
        except (ValueError, OSError):
            continue  # macOS refuses some limits; the look at the archive still stands
