"""Reads what a header alone says: the field that it names, or that it is about somebody or something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

from importer.fields import FIELDS_BY_NAME, Kind
from importer.loader.mapping.header_lookup import (
    KNOWN_CONFIDENCE,
    HeaderMatch,
    look_up,
    look_up_numbered,
    look_up_shortened,
    remove_words,
)
from importer.loader.vocabulary import MAX_HEADER_CHARS, load_vocabulary, normalize_header, split_words
from importer.messages import mapping_messages as texts
from importer.models.mapping import MatchSource

_FUZZY_CONFIDENCE = 0.75  # people are asked, unless the cells agree
FREE_TEXTS = frozenset({"customer_note", "additional_info"})

_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]")  # `(for your pass)`
_LANGUAGE_PARTS = re.compile(r"[/|,()\[\]:\n–—-]")  # between two languages: `Name / नाम`, `नाम (Name)`
_NOT_ENGLISH = re.compile(r"[^\x00-\x7f]+")  # `पूरा नाव` in `Name / पूरा नाव`
_LETTER = re.compile("[A-Za-z]")  # `Mobile` in `தந்தை Mobile`
_MIN_FUZZY_LENGTH = 5  # letters: "form" is not "firm", and shorter words are alike by accident
_MAX_ONE_TYPO_LENGTH = 8  # letters: one typo is allowed up to here, two in longer words


class _Header(NamedTuple):
    """A header as it is in the sheet, and normalized."""

    text: str
    normalized: str


@lru_cache(maxsize=4096)
def match_header(text: str) -> HeaderMatch:
    """Return what a header says.

    An amount in another currency would be read as rupees, so it gets no field.
    """
    text = text[:MAX_HEADER_CHARS]
    header = _Header(text, normalize_header(text))
    match = next((match for read in _READERS if (match := read(header))), None)
    if match is None:
        return HeaderMatch("", MatchSource.UNKNOWN_HEADER, 0.0, texts.UNKNOWN_HEADER)
    currency = _compile_currency_pattern().search(text)
    if currency and match.field and FIELDS_BY_NAME[match.field].kind is Kind.MONEY:
        reason = texts.NOT_IN_RUPEES.format(currency=currency[0])
        return HeaderMatch("", MatchSource.CONTRADICTED, 0.0, reason)
    return match


def has_phone_word(header: str) -> bool:
    """Whether a header has a word for phones in it."""
    return not load_vocabulary().headers.phone_words.isdisjoint(split_words(header))


# --- the readers, in the order of _READERS: each returns None if the header is not of its kind


def _read_known_header(header: _Header) -> HeaderMatch | None:
    return look_up(header.normalized, texts.KNOWN_HEADER)


def _read_firm_phone(header: _Header) -> HeaderMatch | None:
    """Read `Company Phone`. As a phone of the lead, a switchboard would make one lead of five colleagues."""
    if header.normalized not in load_vocabulary().headers.firm_phones:
        return None
    return HeaderMatch("additional_info", MatchSource.SYNONYM, KNOWN_CONFIDENCE, texts.FIRM_PHONE)


def _read_row_number(header: _Header) -> HeaderMatch | None:
    if header.normalized not in load_vocabulary().headers.row_numbers:
        return None
    return HeaderMatch("", MatchSource.OTHER_MEANING, 1.0, texts.ROW_NUMBERS)


def _read_note(header: _Header) -> HeaderMatch | None:
    """Read `Telecaller remarks`, `Payment notes`: it is a note, no matter who wrote it. `No. of comments` is not."""
    vocabulary = load_vocabulary().headers
    words = header.normalized.split()
    last = words[-1] if len(words) > 1 else ""
    is_note = last in vocabulary.note_words and words[0] not in vocabulary.counting
    if not is_note or _compile_part_pattern().search(header.text):
        return None
    reason = texts.NOTES_HEADER.format(word=last)
    return HeaderMatch("customer_note", MatchSource.SYNONYM, KNOWN_CONFIDENCE, reason)


def _read_other_person(header: _Header) -> HeaderMatch | None:
    """Read `Father's mobile`."""
    match = _read_other_meaning(header, load_vocabulary().headers.other_persons, texts.OTHER_PERSON)
    return match and match._replace(source=MatchSource.OTHER_PERSON)


def _read_size(header: _Header) -> HeaderMatch | None:
    """Read `Area (sq. ft.)`, which is not a place."""
    return _read_other_meaning(header, load_vocabulary().headers.size_units, texts.OTHER_THING)


def _read_without_fillers(header: _Header) -> HeaderMatch | None:
    """Read `Your mobile number (WhatsApp)*` without brackets and without words that change nothing."""
    bare = _remove_brackets(header.text)
    return look_up(bare) or look_up_shortened(bare)


def _read_two_languages(header: _Header) -> HeaderMatch | None:
    """Read `Name / பெயர்`, `பெயர் (Name)` by the English half. `தந்தை Mobile` may be the phone of a father."""
    english = _NOT_ENGLISH.sub(" ", header.text)
    if english == header.text or any(map(_mixes_languages, _LANGUAGE_PARTS.split(header.text))):
        return None
    normalized = normalize_header(english)
    return (
        look_up(normalized)
        or look_up_shortened(normalized)
        or _read_without_fillers(_Header(english, normalized))
    )


def _read_place(header: _Header) -> HeaderMatch | None:
    """Read `Mailing Street`, `Address - City`. `Work place` and `Business area` are not addresses."""
    vocabulary = load_vocabulary().headers
    rest = remove_words(header.normalized, vocabulary.address_kinds | vocabulary.fillers)
    if rest in vocabulary.vague_places:
        return None
    match = look_up(rest) or look_up_numbered(rest)
    return match if match and _is_place(match.field) else None


def _read_free_text(header: _Header) -> HeaderMatch | None:
    """Read `Remarks/Follow up`: if one part is a note and no part is another field, the note takes it all."""
    parts = _match_parts(header.text)
    matches = [match for match in parts if match is not None and not match.is_ambiguous]
    if len(parts) < 2 or not matches or any(match.field not in FREE_TEXTS for match in matches):
        return None
    return matches[0]._replace(reason=texts.KNOWN_HEADER, is_ambiguous=False)


def _read_other_thing(header: _Header) -> HeaderMatch | None:
    """Read `Order No`, `Date of birth`."""
    return _read_other_meaning(header, load_vocabulary().headers.other_things, texts.OTHER_THING)


def _read_numbered(header: _Header) -> HeaderMatch | None:
    return look_up_numbered(header.normalized)


def _read_parts(header: _Header) -> HeaderMatch | None:
    """Read `Mobile / WhatsApp No.` as one thing, `City / State` as an address, `Name & Address` as two things."""
    parts = _match_parts(header.text)
    matches = [match for match in parts if match is not None]
    fields = {match.field for match in matches}
    if fields == {"address.text"} and len(matches) < len(parts):
        return matches[0]  # `पत्ता / विभाग`: what is beside an address says where it is
    if len(matches) < 2 or len(matches) < len(parts):
        return None
    if fields == {"customer_phone", "add_phones"} or len(fields) == 1:
        is_ambiguous = all(match.is_ambiguous for match in matches)
        return matches[0]._replace(reason=texts.KNOWN_HEADER, is_ambiguous=is_ambiguous)
    labels = " and ".join(dict.fromkeys(FIELDS_BY_NAME[match.field].label for match in matches))
    if all(map(_is_place, fields)):
        reason = texts.ADDRESS_HEADER.format(fields=labels)
        return matches[0]._replace(field="address.text", reason=reason)
    return HeaderMatch("", MatchSource.UNDECIDED, 1.0, texts.TWO_FIELDS.format(fields=labels))


def _read_misspelled(header: _Header) -> HeaderMatch | None:
    """Read a known header with a typo in it, such as `Adress`. Return None if two fields are equally near."""
    vocabulary = load_vocabulary()
    ignored = vocabulary.headers.fillers | vocabulary.headers.persons
    words = remove_words(_remove_brackets(header.text), ignored).split()
    near = {
        known: field
        for known, field in vocabulary.known_headers.items()
        if len(known.split()) == len(words) and _differs_by_typos(words, known.split())
    }
    if len(set(near.values())) != 1:
        return None
    known, field = next(iter(near.items()))
    reason = texts.READS_LIKE.format(header=known)
    is_ambiguous = known in vocabulary.ambiguous_headers
    return HeaderMatch(field, MatchSource.FUZZY, _FUZZY_CONFIDENCE, reason, is_ambiguous)


_READERS: tuple[Callable[[_Header], HeaderMatch | None], ...] = (
    _read_known_header,
    _read_firm_phone,
    _read_row_number,
    _read_note,
    _read_other_person,
    _read_size,
    _read_without_fillers,
    _read_two_languages,
    _read_place,
    _read_free_text,
    _read_other_thing,
    _read_numbered,
    _read_parts,
    _read_misspelled,
)
"""The first reader that recognises a header decides: sure ones first, somebody else before clever readings."""


# --- parts and words


def _match_parts(text: str) -> list[HeaderMatch | None]:
    """Return what each part of `Mobile / WhatsApp No.` says."""
    split = _compile_part_pattern().split(_BRACKETS.sub(" ", text))
    parts = [normalize_header(part) for part in split]
    return [look_up(part) or look_up_shortened(part) for part in parts if part]


def _read_other_meaning(header: _Header, words: frozenset[str], reason: str) -> HeaderMatch | None:
    word = find_word(header.normalized, words)
    return HeaderMatch("", MatchSource.OTHER_MEANING, 1.0, reason.format(word=word)) if word else None


def find_word(normalized: str, words: frozenset[str]) -> str:
    """Return the first word of a header that is in `words`, else the first phrase, else ""."""
    if found := next((word for word in normalized.split() if word in words), ""):
        return found
    phrases = sorted(word for word in words if " " in word)
    return next((phrase for phrase in phrases if f" {phrase} " in f" {normalized} "), "")


def _remove_brackets(text: str) -> str:
    return normalize_header(_BRACKETS.sub(" ", text))


def _mixes_languages(part: str) -> bool:
    return bool(_NOT_ENGLISH.search(part) and _LETTER.search(part))


def _is_place(field: str) -> bool:
    return field == "city" or field.startswith("address.")


def _differs_by_typos(words: list[str], known: list[str]) -> bool:
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - only unknown headers need it

    for word, meant in zip(words, known, strict=True):
        typos = 0 if len(meant) < _MIN_FUZZY_LENGTH else 1 if len(meant) <= _MAX_ONE_TYPO_LENGTH else 2
        if word != meant and OSA.distance(word, meant, score_cutoff=typos) > typos:
            return False
    return True


@cache
def _compile_part_pattern() -> re.Pattern[str]:
    """Return the pattern of what is between the parts of `Name & Address`, `Phone or Mobile`."""
    words = "|".join(map(re.escape, sorted(load_vocabulary().headers.conjunctions)))
    return re.compile(rf"[/|,&]|\b(?:{words})\b", re.IGNORECASE)


@cache
def _compile_currency_pattern() -> re.Pattern[str]:
    """Return the pattern of another currency than rupees: `Budget (USD)`, `Deal value in $`."""
    words = "|".join(map(re.escape, sorted(load_vocabulary().headers.other_currencies)))
    return re.compile(rf"[$€£¥]|\b(?:{words})\b", re.IGNORECASE)
