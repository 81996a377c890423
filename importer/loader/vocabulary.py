"""How two headers are compared: case, spaces, punctuation and `_` do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from importer.fields import FIELDS

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")


_UNSEEN = dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\ufeff")
)  # the joiners stand within words of Indian scripts
_E_MAIL = re.compile(r"\be (?=mails?\b)")
_ONE_SPELLING = {
    unicodedata.normalize("NFKC", other): unicodedata.normalize("NFKC", one)
    for one, others in {
        "नंबर": "न नं नम्बर क्रमांक",  # the last is Marathi's word, in मोबाईल क्रमांक
        "मोबाइल": "मोबाईल",
        "फोन": "फ़ोन",
    }.items()
    for other in others.split()
}


@lru_cache(maxsize=4096)
def normalize_header(text: str) -> str:
    """A header as its words: `Contact_No.` and `contact no` are the same, and so are `FirstName` and `first name`.

    Vowel signs of Indian scripts are marks, not letters, so they are kept by hand.
    """
    text = unicodedata.normalize("NFKC", text).translate(_UNSEEN)
    text = _CAMEL.sub(" ", text)
    kept = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in text)
    words = [_ONE_SPELLING.get(word, word) for word in kept.casefold().split()]
    return _E_MAIL.sub("e", " ".join(words).replace("whats app", "whatsapp"))


def split_words(text: str) -> list[str]:
    """The words of a header, or of a name in a cell, as they are compared."""
    return normalize_header(text).split()


SURE_HEADERS: dict[str, str] = {
    normalize_header(name): field.name
    for field in FIELDS
    for name in (field.name, field.label, *field.synonyms)
}
"""Headers that mean one field and nothing else, plain -> field."""

MAYBE_HEADERS: dict[str, str] = {
    normalize_header(name): field.name for field in FIELDS for name in field.ambiguous_synonyms
}
"""Headers that often mean a field, plain -> field: the cells must bear them out."""

KNOWN_HEADERS: dict[str, str] = {**MAYBE_HEADERS, **SURE_HEADERS}
"""Every header that the field table knows, plain -> field."""

_LONGEST_KNOWN = max(map(len, KNOWN_HEADERS)) + 40  # with spaces and punctuation


def is_known_header(text: str) -> bool:
    """Whether the field table knows a header; a note of a thousand letters is told from one at a glance."""
    return len(text) <= _LONGEST_KNOWN and normalize_header(text) in KNOWN_HEADERS
