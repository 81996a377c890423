"""The texts of the page, one TOML file for each language."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from importer.messages import format_count
from importer.toml_file import parse_toml

LANGUAGES = {"en": "English", "hi": "हिन्दी"}
"""The languages of the page, each by its own name. Its file is `texts/CODE.toml`."""


class Texts:
    """The texts of one language: `t("runs.title")`, and `t.count("progress.rows", 3)` where the grammar needs the number."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = read_texts(language)
        self._messages = read_messages(language)

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values filled in."""
        return self._texts[key].format(**{name: _format_value(value) for name, value in values.items()})

    def count(self, key: str, count: int, **values: object) -> str:
        """Return the text for this count: `KEY_one` or `KEY_other`, with `{count}` filled in."""
        return self(f"{key}_one" if count == 1 else f"{key}_other", count=count, **values)

    def translate(self, message: str) -> str:
        """Return a text of the command in this language; as it is, in English, if it has no translation."""
        return self._messages.get(message, message)

    def format_duration(self, seconds: float) -> str:
        """Return `40 s`, `3 min` or `2 h 5 min`."""
        if seconds < 90:
            return self("duration.seconds", count=max(round(seconds), 1))
        minutes = round(seconds / 60)
        if minutes < 90:
            return self("duration.minutes", count=minutes)
        return self("duration.hours", hours=minutes // 60, minutes=minutes % 60)


@cache
def read_texts(language: str) -> dict[str, str]:
    """Return the texts of a language by `section.name`."""
    sections = _read_sections(f"{language}.toml")
    return {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}


@cache
def read_messages(language: str) -> dict[str, str]:
    """Return the translations of texts of `importer/messages`, by their English text."""
    if language == "en":
        return {}
    sections = _read_sections(f"{language}-messages.toml")
    return {english: text for texts in sections.values() for english, text in texts.items()}


def _read_sections(name: str) -> dict[str, dict[str, Any]]:
    content = resources.files(__package__).joinpath("texts", name).read_text("utf-8")
    sections: dict[str, dict[str, Any]] = parse_toml(content)
    return sections


def choose_language(accept_language: str) -> str:
    """Return the language of ours that a browser likes best, by its Accept-Language header."""
    wanted = sorted(map(_parse_preference, accept_language.split(",")), key=lambda one: -one[0])
    return next((code for weight, code in wanted if code in LANGUAGES and weight > 0), "en")


def _parse_preference(part: str) -> tuple[float, str]:
    """Return the weight and the language of `hi-IN;q=0.8`."""
    name, _, weight = part.partition(";q=")
    try:
        return float(weight or 1), name.strip().lower().partition("-")[0]
    except ValueError:
        return 0.0, ""


def _format_value(value: object) -> object:
    return format_count(value) if type(value) is int else value
