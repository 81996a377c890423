"""Check the names and texts of options, and say in words what is wrong with a value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import Any

from importer.errors import UsageError
from importer.messages import settings_messages
from importer.messages.settings_messages import OPTION_HELP

_PATH_OPTIONS = frozenset({"reports", "save"})
"""Paths that are not written into the journal, so they may contain bytes that are not valid text."""


def format_flag(name: str) -> str:
    """Return an option as it is typed, such as `--header-row`."""
    return f"--{name.replace('_', '-')}"


def check_names(given: Mapping[str, Any], in_file: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise UsageError for an option that is not `known`, with the most similar name."""
    for name in (*in_file, *given):
        if name not in known:
            text = (
                settings_messages.UNKNOWN_OPTION_IN_FILE
                if name in in_file
                else settings_messages.UNKNOWN_OPTION
            )
            similar = get_close_matches(name, known, n=1)
            advice = (
                settings_messages.DID_YOU_MEAN.format(name=similar[0])
                if similar
                else settings_messages.SEE_HELP
            )
            raise UsageError(text.message.format(name=name), advice)


def check_texts(given: Mapping[str, Any], only_in_file: frozenset[str]) -> None:
    """Raise UsageError for text that no file and no journal can hold: a NUL, or bytes of the shell that are not text."""
    for name, value in given.items():
        for text in _list_texts(value):
            if isinstance(text, str) and not _is_valid_text(text, is_path=name in _PATH_OPTIONS):
                error = settings_messages.FILE_NAME_NOT_TEXT if name == "map" else settings_messages.NOT_TEXT
                raise UsageError(*error.format(option=_format_option(name, only_in_file), value=text))


def _list_texts(value: Any) -> Iterable[Any]:
    """Return what may be a text in the value of an option."""
    if isinstance(value, Mapping):
        return chain.from_iterable(value.items())
    return value if isinstance(value, tuple) else (value,)


def _is_valid_text(text: str, *, is_path: bool) -> bool:
    """Return whether the text can be written down. A path may hold bytes that are not valid text."""
    try:
        os.fsencode(text) if is_path else text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _format_option(name: str, only_in_file: frozenset[str]) -> str:
    return settings_messages.OPTION_IN_FILE.format(name=name) if name in only_in_file else format_flag(name)


def explain_wrong_value(message: str, given: Mapping[str, Any], only_in_file: frozenset[str]) -> UsageError:
    """Turn an error of msgspec into a sentence such as `--rate takes auto, or a number above 0, not 'fast'`."""
    found = re.search(r"`\$\.(\w+)", message)  # "Expected `float` <= 100000.0 - at `$.rate`"
    name = found[1] if found else ""
    if name not in given:
        return UsageError(*settings_messages.OTHER_WRONG_VALUE.format(reason=message))
    return UsageError(
        *settings_messages.WRONG_VALUE.format(
            option=_format_option(name, only_in_file),
            expected=_describe_expected(name, is_in_file=name in only_in_file),
            value=given[name],
        )
    )


def _describe_expected(name: str, *, is_in_file: bool) -> str:
    placeholder = OPTION_HELP[name].placeholder
    return (
        (settings_messages.EXPECTED_IN_FILE.get(name) if is_in_file else None)
        or settings_messages.EXPECTED_VALUES.get(name)
        or settings_messages.EXPECTED_BY_PLACEHOLDER.get(placeholder)
        or " or ".join(placeholder.split("|"))
    )
