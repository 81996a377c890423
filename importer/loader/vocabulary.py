"""The words of all languages in sheets, from one file a language (docs/vocabulary.md), and how two headers are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec

from importer.fields import FIELDS
from importer.loader.vocabulary_file import (
    CellWords,
    FooterWords,
    HeaderWords,
    MoneyWords,
    TimeWords,
    VocabularyFile,
    read_vocabulary_file,
)
from importer.models.task import TaskType

_FIRST_FILE = "english.toml"  # it explains a header that nearly reads like words of two languages
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")  # the gap in `FirstName`
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff"))  # joiners too: Indian words have them
_E_MAIL = re.compile(r"\be (?=mails?\b)")  # the `e ` of `e mail`, which becomes `email`
_MAX_PUNCTUATION = 40  # spaces and marks that a known header may have beside its letters


def merge_tables(tables: list[Any]) -> Any:
    """Return one table with the words of all `tables`, which are of the same type."""
    kind = type(tables[0])
    return kind(
        **{key: _merge_values([getattr(table, key) for table in tables]) for key in kind.__struct_fields__}
    )


def _merge_values(values: list[Any]) -> Any:
    merged = values[0]
    for value in values[1:]:
        merged = merged | value  # frozensets and dicts alike
    return merged


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """The words of all languages together.

    `sure_headers` mean one field and nothing else. `ambiguous_headers` often mean a field, but only the cells
    can tell. `known_headers` are both. `joined_headers` are sure headers without their spaces (`mobileno`).
    All four give the field's name by the normalized header. The cells of `kept_headers` mean nothing without
    their header.
    """

    sure_headers: dict[str, str]
    ambiguous_headers: dict[str, str]
    known_headers: dict[str, str]
    joined_headers: dict[str, str]
    kept_headers: frozenset[str]
    headers: HeaderWords
    cells: CellWords
    money: MoneyWords
    times: TimeWords
    task_types: dict[str, TaskType]
    footers: FooterWords
    max_header_length: int


@cache
def load_vocabulary() -> Vocabulary:
    """Return the words of all vocabulary files. They are read once, at the first use."""
    return build_vocabulary(_read_files())


def build_vocabulary(files: Mapping[str, VocabularyFile]) -> Vocabulary:
    """Return the words of `files`, which are given by name. Raises ValueError for a header that two fields claim."""
    sure, ambiguous = list(_list_sure_claims(files)), list(_list_ambiguous_claims(files))
    _check_claims([*sure, *ambiguous])
    sure_headers = {claim.header: claim.field for claim in sure}
    ambiguous_headers = {claim.header: claim.field for claim in ambiguous}
    known_headers = {**ambiguous_headers, **sure_headers}
    headers = _normalize_words(merge_tables([file.headers for file in files.values()]))
    money = merge_tables([file.money for file in files.values()])
    return Vocabulary(
        sure_headers=sure_headers,
        ambiguous_headers=ambiguous_headers,
        known_headers=known_headers,
        joined_headers={h.replace(" ", ""): field for h, field in sure_headers.items() if " " in h},
        kept_headers=frozenset(_list_kept_headers(files)),
        headers=msgspec.structs.replace(headers, fillers=headers.fillers | money.unit_words),
        cells=merge_tables([file.cells for file in files.values()]),
        money=money,
        times=merge_tables([file.times for file in files.values()]),
        task_types=dict(_list_task_types(files)),
        footers=merge_tables([file.footers for file in files.values()]),
        max_header_length=max(map(len, known_headers)) + _MAX_PUNCTUATION,
    )


MAX_HEADER_CHARS = 500
"""How much of a header is read. Questions of forms are shorter; patterns of brackets took 13 seconds for 20,000 of them."""


@lru_cache(maxsize=4096)
def normalize_header(text: str) -> str:
    """Return a header as its words: `Contact_No.` becomes `contact no`, and `FirstName` becomes `first name`.

    Vowel signs of Indian scripts are marks, not letters. They are kept.
    """
    text = unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
    text = _CAMEL.sub(" ", text)
    kept = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in text)
    spellings = _load_spellings()
    words = [spellings.get(word, word) for word in kept.casefold().split()]
    return _E_MAIL.sub("e", " ".join(words).replace("whats app", "whatsapp"))


def split_words(text: str) -> list[str]:
    """Return the normalized words of a header, or of a name in a cell."""
    return normalize_header(text).split()


def get_known_field(text: str) -> str:
    """Return the field that is called so, or "". A long note is refused by its length, which is fast."""
    vocabulary = load_vocabulary()
    if len(text) > vocabulary.max_header_length:
        return ""
    return vocabulary.known_headers.get(normalize_header(text), "")


def is_known_header(text: str) -> bool:
    """Whether a field is called so."""
    return bool(get_known_field(text))


@cache
def _read_files() -> dict[str, VocabularyFile]:
    """Return every vocabulary file by its name, English first."""
    folder = resources.files("importer.loader").joinpath("vocabulary")
    names = sorted(
        (file.name for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda name: (name != _FIRST_FILE, name),
    )
    return {
        name: read_vocabulary_file(folder.joinpath(name).read_text("utf-8"), f"vocabulary/{name}")
        for name in names
    }


@cache
def _load_spellings() -> dict[str, str]:
    """Return the spelling that the lists use, by every other spelling."""
    return {
        unicodedata.normalize("NFKC", other): unicodedata.normalize("NFKC", word)
        for file in _read_files().values()
        for word, others in file.spellings.items()
        for other in others
    }


class _Claim(NamedTuple):
    """A header that a field claims, and the file that says so."""

    header: str
    field: str
    file: str


def _list_sure_claims(files: Mapping[str, VocabularyFile]) -> Iterator[_Claim]:
    """Yield every sure header, in the order of the fields and the files."""
    for field in FIELDS:
        yield _Claim(normalize_header(field.name), field.name, "fields.py")
        yield _Claim(normalize_header(field.label), field.name, "fields.py")
        for name, file in files.items():
            words = file.fields.get(field.name)
            for word in words.list_synonyms() if words else ():
                yield _Claim(normalize_header(word), field.name, name)


def _list_ambiguous_claims(files: Mapping[str, VocabularyFile]) -> Iterator[_Claim]:
    """Yield every ambiguous header, in the order of the fields and the files."""
    for field in FIELDS:
        for name, file in files.items():
            words = file.fields.get(field.name)
            for word in words.ambiguous if words else ():
                yield _Claim(normalize_header(word), field.name, name)


def _check_claims(claims: Iterable[_Claim]) -> None:
    """Raise ValueError for a header that two fields claim."""
    first_claims: dict[str, _Claim] = {}
    for claim in claims:
        first = first_claims.setdefault(claim.header, claim)
        if first.field != claim.field:
            raise ValueError(
                f'{claim.file}: "{claim.header}" is a header of {claim.field}, '
                f"but {first.file} says that it is a header of {first.field}."
            )


def _list_kept_headers(files: Mapping[str, VocabularyFile]) -> Iterator[str]:
    for file in files.values():
        for words in file.fields.values():
            yield from map(normalize_header, words.kept_with_header)


def _list_task_types(files: Mapping[str, VocabularyFile]) -> Iterator[tuple[str, TaskType]]:
    """Yield what people call a type of task, normalized as a header, and the type. The API's names are among them."""
    for kind in TaskType:
        yield normalize_header(kind), kind
    for file in files.values():
        for word, kind in file.task_types.items():
            yield normalize_header(word), kind


def _normalize_words(words: HeaderWords) -> HeaderWords:
    """Return the words as they are compared with the words of a header."""
    return HeaderWords(
        **{
            key: frozenset(map(normalize_header, getattr(words, key)))
            for key in HeaderWords.__struct_fields__
        }
    )
