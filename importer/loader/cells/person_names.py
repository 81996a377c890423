"""Reads names of people: splits full names, and tells whether a text reads like the name of a person."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from importer.issues import IssueCode
from importer.loader.cells.text import CellError, has_digit, normalize_name
from importer.loader.vocabulary import load_vocabulary, split_words

_WORDS = load_vocabulary().cells
# After a comma they do not make the word in front a surname: `Kumar, M.D.`, `Acme, Ltd`.
_NAME_SUFFIXES = "|".join(map(re.escape, sorted(_WORDS.name_suffixes)))
_begins_with_suffix = re.compile(rf"(?i)(?:{_NAME_SUFFIXES})\b").match
_TITLES = _WORDS.name_titles | {f"{title}." for title in _WORDS.name_titles}
_HONORIFICS = _WORDS.name_honorifics
_NOT_PERSONS = _WORDS.firms | _WORDS.not_persons
_OTHER_PERSONS = load_vocabulary().headers.other_persons
_MAX_NAME_WORDS = 5  # `Shri Venkata Ramana Murthy Rao`
# `98450-12345`, and what is between it, the name and other words: `Ravi Rao (Baner) / 98450 12345`
_BETWEEN_PARTS = re.compile(
    r"(?<![+(])[+(]*\d(?:[\s().+-]*\d){6,}[\s().+-]*|[/|;:=,\n()\[\]]|\s[-\u2013\u2014]+\s"
)
_NUMBERS_AROUND = " .0123456789"  # `1. Ravi Rao 98450 12345`
_MARKS_BESIDE_NAME = '-\u2013\u2014"*#'  # `Ravi- 98450`
_NAME_MARKS = ".'\u2019-"  # A. P. J., D'Souza, Anne-Marie

is_date = re.compile(
    r"(?:\d{1,2}[\s\-/.]+(?:\d{1,2}|[^\s\d\-/.,]{3,9})[\s\-/.,]+\d{2,4}|\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2})(?:[T\s,]+[\d:.]+.*)?"
).fullmatch
"""`3 Oct 2026`, `03/10/26`, `2026-10-03 11:00:00`: the row is of another table, or its cells have moved."""


class NameAboveLines(NamedTuple):
    """A name, as its first and last name, and the other lines of its cell, which are an address or the like."""

    name: tuple[str, str]
    lines: str


class NameBesidePhone(NamedTuple):
    """The words of a cell that has a phone too. Both are "" where no word is a name."""

    name: str
    other_words: str


def read_full_name(text: str) -> tuple[str, str] | NameAboveLines | CellError | None:
    """Return the first and last name. The last word is the last name; `Rao, Asha` is read as Asha Rao.

    A line is the name if an address is below it: lines with a number or a comma, or several. Else a name has several lines.

    `Acme Traders, Pune` and `Asha Rao, MBA` stay in their order: a surname in front of a comma is a single word, and no
    degree follows it. A title is no name by itself: `Mr. Ravi` and `Ravi ji` are first names.
    """
    name = normalize_name(text)
    if name is None or isinstance(name, CellError):
        return name
    line = get_name_line(name)
    split = _split_full_name(line)
    if line is name or isinstance(split, CellError):
        return split
    return NameAboveLines(split, name[len(line) :].lstrip(" ,\n"))


def get_name_line(text: str) -> str:
    """Return the line of a text that is a name: the first one above an address, else the whole text."""
    line, _, rest = text.partition("\n")
    is_address = "," in rest or "\n" in rest.strip() or has_digit(rest)
    return line.rstrip(" ,") if line.strip(" ,") and rest and is_address else text


def _split_full_name(name: str) -> tuple[str, str] | CellError:
    if is_date(name):
        return CellError(IssueCode.NOT_A_NAME)
    if "," in name:
        last, _, first = (part.strip() for part in name.partition(","))
        if first and len(last.split()) == 1 and not _begins_with_suffix(first) and "," not in first:
            return " ".join(first.split()), last
    words = name.split()
    last_name_at = _find_last_name(words)
    return " ".join(words[:last_name_at]), " ".join(words[last_name_at:])


def _find_last_name(words: list[str]) -> int:
    """Return the index at which the last name begins, or the number of words if there is none."""
    end = len(words)
    while end > 1 and is_honorific(words[end - 1]):
        end -= 1
    begin = 0
    while begin < end - 1 and is_title(words[begin]):
        begin += 1
    return end - 1 if end - begin > 1 else len(words)


def is_title(word: str) -> bool:
    """Return whether a word is a title in front of a name: `Mr.`, `Smt`."""
    return word.casefold() in _TITLES


def is_honorific(word: str) -> bool:
    """Return whether a word behind a name is a mark of respect: `ji`, `sir`."""
    return word.casefold() in _HONORIFICS


def reads_like_person(text: str) -> bool:
    """Return whether a text has the form of a person's name: a few words in capitals, none of a firm or a place."""
    words = _split_name(text)
    if not 1 <= len(words) <= _MAX_NAME_WORDS or not all(map(_is_name_word, words)):
        return False
    return _NOT_PERSONS.isdisjoint(split_words(text))


def has_common_name(text: str) -> bool:
    """Return whether a word of the text is a common given name or surname, or a title is in front of it."""
    words = text.split()
    has_title = len(words) > 1 and (is_title(words[0]) or is_honorific(words[-1]))
    return has_title or not _WORDS.person_names.isdisjoint(split_words(text))


def find_name_beside_phone(text: str) -> NameBesidePhone:
    """Return the name in a cell that has a phone too, such as `Mr. Ravi / 98450 12345`, and the other words.

    Words that are no name for sure are not one: `98450 12345 (wife)`, `Office 98450 12345`, `wrong no. 98450 12345`. Of
    `Ravi Rao - 98450 12345 - Baner` only the part that is a name is taken.
    """
    parts = list(filter(None, map(_remove_labels, _BETWEEN_PARTS.split(text))))
    if not _OTHER_PERSONS.isdisjoint(split_words(" ".join(parts))):
        return NameBesidePhone("", "")
    for index, part in enumerate(parts):
        if _is_clear_name(name := part.strip(_NUMBERS_AROUND)):
            others = [
                other for other in (*parts[:index], *parts[index + 1 :]) if any(map(str.isalpha, other))
            ]
            return NameBesidePhone(name, ", ".join(others))
    return NameBesidePhone("", "")


def _remove_labels(part: str) -> str:
    """Return the words of a part without marks, and without words that say what kind of number it has."""
    words = (word.strip(_MARKS_BESIDE_NAME) for word in part.split())
    return " ".join(
        word for word in words if word.strip(_NAME_MARKS) and word.casefold() not in _WORDS.phone_labels
    )


def _is_clear_name(text: str) -> bool:
    return (len(_split_name(text)) > 1 or has_common_name(text)) and reads_like_person(text)


def _split_name(text: str) -> list[str]:
    """Return the words of a name without titles."""
    return [word for word in text.split() if not is_title(word) and not is_honorific(word)]


def _is_name_word(word: str) -> bool:
    """Return whether a word begins with a capital, or is of a script without capitals, and has only letters."""
    if word[0].islower() and word.casefold() not in _WORDS.person_names:
        return False
    return all(char in _NAME_MARKS or unicodedata.category(char)[0] in "LM" for char in word)
