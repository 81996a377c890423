"""Limits on what one file may cost, so that a hostile file harms nothing but its own reading process."""

from __future__ import annotations

import sys

MAX_MEMORY_BYTES = 3 * 1024**3
MAX_CPU_S = 3600
MAX_PARTS = 5_000
MAX_UNPACKED_BYTES = 4 * 1024**3
MAX_COMPRESSION_RATIO = 400  # sheet XML packs 10 to 60 times, a zip bomb a thousand times
MIN_BYTES_FOR_RATIO = 20 * 1024**2  # the ratio of smaller parts does not matter
MAX_CELL_CHARS = 100_000
MAX_COLUMNS = 2_000  # the widest CRM exports have 800
MAX_HEADER_SEARCH_ROWS = 10_000  # the furthest down that --header-row can look
MAX_CELLS_IN_MEMORY = 30_000_000  # cells, empty ones too, that calamine may keep in memory
MAX_SHEET_BYTES_IN_MEMORY = (
    150 * 1024**2
)  # larger sheet XML (unpacked) is streamed: slower, but memory stays flat


def apply_limits() -> None:
    """Limit the memory and CPU time of this process, where the operating system can (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - does not exist on Windows

    for kind, limit in ((resource.RLIMIT_AS, MAX_MEMORY_BYTES), (resource.RLIMIT_CPU, MAX_CPU_S)):
        _, hard = resource.getrlimit(kind)
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):
            continue  # macOS refuses some limits; the checks of zip_safety still apply
