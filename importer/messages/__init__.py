"""Texts that people read, gathered by subject, so that they can be reviewed and translated on a few screens.

An `ErrorText` is raised as `raise UnreadableFileError(*file_messages.EMPTY_FILE.format(name=path.name))`. All other texts
are constants with `{names}` to fill in, or small functions where the grammar depends on a number.
"""

from __future__ import annotations

from typing import NamedTuple


class ErrorText(NamedTuple):
    """The two sentences of an error: what is wrong and where, and what to do next."""

    message: str
    advice: str = ""

    def format(self, **values: object) -> tuple[str, str]:
        """Return both sentences with `values` filled in. A value is never read as a format itself."""
        return self.message.format(**values), self.advice.format(**values)
