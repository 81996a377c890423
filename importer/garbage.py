"""Python's own search for garbage that goes in circles, made seldom."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 10_000


def collect_seldom() -> None:
    """Look for circles whenever there are 10,000 new objects, not 700.

    Rows and requests come and go by the thousand, few in a circle, and the search took a twentieth of the time of
    reading, and a tenth of that of sending.
    """
    gc.set_threshold(_NEW_OBJECTS)
