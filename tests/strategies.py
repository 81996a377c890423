"""Hypothesis strategies that several test files share, and how many examples they try."""

import os

from hypothesis import strategies as st

SPECIAL_CHARACTERS = "'=+-@|% ;,\t\r\n\"\\.5aé\u00a0\u200b\uff1d_x04\x0b\x1b\x00"
"""Characters that mean something to Excel, to CSV, or to XML as Excel writes it."""

CELLS = st.text(
    alphabet=st.one_of(st.sampled_from(SPECIAL_CHARACTERS), st.characters(exclude_categories=["Cs"])),
    max_size=30,
)
"""Texts of cells."""

_FACTOR = int(os.environ.get("EXAMPLES_FACTOR", "1"))


def count_examples(usual: int) -> int:
    """Return how many examples a property tries: the usual number, or EXAMPLES_FACTOR times as many (`make torture`)."""
    return usual * _FACTOR
