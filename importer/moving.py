"""Whole files moved into their place, also where another program looks at them for a moment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_PATIENCE_S, _STEP_S = 1.0, 0.1


def moved(
    file: Path, place: Path, *, windows: bool = os.name == "nt", sleep: Callable[[float], None] = time.sleep
) -> Path:
    """Move `file` to `place`; answers with where it lies now. Raises OSError.

    On Windows a file that was just closed is often held for some milliseconds, by a virus scanner or an indexer,
    and can be moved only when they let go: so that is tried for a second. Whoever has it open in Excel has it longer.
    """
    if not windows:
        return file.replace(place)
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed  # noqa: PLC0415 - Windows only

    patiently = Retrying(
        retry=retry_if_exception_type(PermissionError),
        wait=wait_fixed(_STEP_S),
        stop=stop_after_attempt(round(_PATIENCE_S / _STEP_S)),
        sleep=sleep,
        reraise=True,
    )
    return patiently(file.replace, place)
