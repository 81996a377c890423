"""What a header alone says: the field that it names, or that it is about somebody or something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from importer.fields import FIELDS_BY_NAME, Kind
from importer.loader.cells.money import UNIT_WORDS
from importer.loader.vocabulary import (
    KNOWN_HEADERS,
    MAYBE_HEADERS,
    SURE_HEADERS,
    normalize_header,
    split_words,
)

_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]")
_BETWEEN = re.compile(r"[/|,&]|\b(?:or|and)\b", re.IGNORECASE)
_PIECES = re.compile(r"[/|,()\[\]:\n–—-]")
_NOT_ENGLISH = re.compile(r"[^\x00-\x7f]+")
_NUMBERED = re.compile(r"^(.*\D) ?(\d{1,2})$")
_LEAST_LIKE = 5  # letters: "form" is not "firm", and shorter words are alike by accident
_SHORT_WORD = 8  # up to here one slip of the finger, in longer words two


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FILLERS = (
    _words(
        "your my the a an of for is what which please enter provide active complete current full here contact person "
        "personal registered official s you are do in rs inr only digit digits mandatory required optional "
        "hi hello hey so tell us kindly can could we have know "
        "आपका आपकी का की के"
    )
    | UNIT_WORDS
)
"""Words that may stand in a header and change nothing: `What is your mobile number?`."""

_PERSONS = _words(
    "customer client lead student visitor guest attendee participant patient buyer prospect applicant candidate "
    "member sender consumer passenger pax borrower farmer tenant subscriber beneficiary insured devotee delegate donor "
    "investor retailer enquirer respondent registrant proprietor prop child ग्राहक"
)
"""What a lead may be called: the same, but where a header without such a word is there, it may be another person."""

NO_SUCH_NAME = "no field has a name like this"
"""The reason of a column that is left out without more to say."""

BY_PERSON = 0.85
"""Sureness of a header that was read without the person in it."""

_SOMEBODY_ELSE = _words(
    "parent parents father fathers mother mothers mom dad guardian guardians spouse wife husband son daughter "
    "brother sister sibling relative relatives friend friends emergency nominee witness applicant2 coapplicant ref "
    "reference referred referrer referral referee owner agent broker executive salesperson salesman rep "
    "representative manager counsellor counselor telecaller caller driver doctor teacher staff employee assigned "
    "assignee allotted handled attended पिता माता पति पत्नी अभिभावक आपातकालीन"
)
_SOMETHING_ELSE = _words(
    "opt dnc dncmobile dncphone fax aadhaar aadhar adhar adhaar pan gst gstin gstno vat tin cin order orders invoice "
    "bill receipt transaction txn payment paid balance due discount booking registration ticket tickets quantity qty "
    "contract policy loan account bank ifsc upi otp password username login campaign ad adset form utm ip date time "
    "timestamp dob birthday birth anniversary age gender sex year month day created modified updated last next old "
    "previous id ids uuid guid code serial sr sno sl index row verified consent count score blood event gclid "
    "आधार तारीख दिनांक जन्म क्रमांक क्र उम्र लिंग"
)
_MEASURES = _words("sq sqft sqm sqmt sqyd sqyds acre acres gaj guntha feet km kms kg kgs kw")
"""Units of a size: `Area (sq. ft.)` is no place."""

_WHOSE_PLACE = _words(
    "mailing billing home work office business company default permanent present residential residence "
    "correspondence communication address"
)
"""Words in front of a part of an address that say whose or which it is: `Mailing Street`, `Address - City`."""

_VAGUE_PLACES = frozenset({"place", "area", "location"})
"""Not behind such a word: `Work place` and `Business area` are no addresses."""

_NOTES = _words("remark remarks comment comments notes feedback")  # not note: a delivery note is a paper
_COUNTING = _words("no number total count has")
FREE_TEXTS = frozenset({"customer_note", "additional_info"})
_PHRASES = {
    _SOMEBODY_ELSE: ("best number", "co applicant", "created by", "added by", "sales person"),
    _SOMETHING_ELSE: ("do not call",),
    _MEASURES: (),
}
_COUNTS_ROWS = frozenset(
    {"s no", "s n", "sn", "sr no", "sr number", "sl no", "sno", "serial no", "serial number", "क्र सं"}
)


class Said(NamedTuple):
    """`field` is "" where the header names none. `maybe`: the cells must bear it out."""

    field: str
    source: str
    confidence: float
    reason: str
    maybe: bool = False


_OTHER_MONEY = re.compile(
    r"[$€£¥]|\b(?:usd|us dollars?|dollars?|eur|euros?|gbp|pounds?|aed|dirhams?|sgd|cad|aud)\b", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def read_heading(header: str) -> Said:
    """What the header says; an amount in another money than rupees would be read as rupees, so it stays out."""
    said = _read(header)
    other = _OTHER_MONEY.search(header)
    if other and said.field and FIELDS_BY_NAME[said.field].kind is Kind.MONEY:
        return Said("", "unfit", 0.0, f'"{other[0]}" says that its amounts are not in rupees')
    return said


def _read(header: str) -> Said:
    """The surest reading first; words of somebody else go before clever readings."""
    plain = normalize_header(header)
    return (
        _known(plain, "a known header")
        or (Said("", "decoy", 1.0, "it counts the rows") if plain in _COUNTS_ROWS else None)
        or _note_of_anybody(header)
        or _about(plain, _SOMEBODY_ELSE, "the lead's own")
        or _about(plain, _MEASURES, "a field of the CRM")
        or _without_ballast(header)
        or _in_two_languages(header)
        or _of_place(plain)
        or _of_free_text(header)
        or _about(plain, _SOMETHING_ELSE, "a field of the CRM")
        or _numbered(plain)
        or _of_parts(header)
        or _alike(_without(normalize_header(_BRACKETS.sub(" ", header)), _FILLERS | _PERSONS))
        or Said("", "nothing", 0.0, NO_SUCH_NAME)
    )


def is_about_somebody_else(header: str) -> bool:
    """Whether a header is about a parent, a friend, an old owner."""
    return _about(normalize_header(header), _SOMEBODY_ELSE, "the lead's own") is not None


def speaks_of_phones(header: str) -> bool:
    """Whether a header that names no field has a word of phones in it."""
    return bool(_PHONE_WORDS & set(split_words(header)))


_PHONE_WORDS = _words(
    "phone phones mobile mobiles mob whatsapp wa tel telephone cell contact contacts number numbers no ph call "
    "फोन फ़ोन मोबाइल मोबाईल नंबर संपर्क व्हाट्सएप"
)


def _known(plain: str, reason: str) -> Said | None:
    if field := SURE_HEADERS.get(plain) or _RUN_TOGETHER.get(plain):
        return Said(field, "synonym", 0.95, reason)
    if field := MAYBE_HEADERS.get(plain):
        return Said(
            field, "synonym", 0.7, f"often means {FIELDS_BY_NAME[field].label}, and not always", maybe=True
        )
    return None


_RUN_TOGETHER = {plain.replace(" ", ""): field for plain, field in SURE_HEADERS.items() if " " in plain}
"""`mobileno`, `emailid`."""


def _about(plain: str, words: frozenset[str], what: str) -> Said | None:
    found = next((word for word in plain.split() if word in words), "")
    found = found or next((phrase for phrase in _PHRASES[words] if f" {phrase} " in f" {plain} "), "")
    return Said("", "decoy", 1.0, f'"{found}" says that it is not {what}') if found else None


def _without_ballast(header: str) -> Said | None:
    """`Your mobile number (WhatsApp)*`: without what stands in brackets, and without words that say nothing."""
    bare = normalize_header(_BRACKETS.sub(" ", header))
    return _known_as(bare) or _shortened_known(bare)


def _shortened_known(plain: str) -> Said | None:
    if said := _known_as(_without(plain, _FILLERS)):
        return said
    said = _known_as(_without(plain, _FILLERS | _PERSONS))
    return said and said._replace(confidence=min(said.confidence, BY_PERSON))


def _without(plain: str, words: frozenset[str]) -> str:
    return " ".join(word for word in plain.split() if word not in words)


def _numbered(plain: str) -> Said | None:
    """`Phone 1` is the lead's own, `Phone 2` another of its phones; of other fields the first is the field."""
    found = _NUMBERED.match(plain)
    said = found and _first_said(found[1].strip(), (_known_as, _shortened_known))
    if not found or not said or said.maybe:
        return None
    field, number = FIELDS_BY_NAME[said.field], int(found[2])
    if number == 1 or field.takes_many_columns:
        return said
    if field.name == "customer_phone":
        return said._replace(field="add_phones")
    return Said("", "taken", 1.0, f"{field.label} takes one column")


def _first_said(plain: str, readers: tuple[Callable[[str], Said | None], ...]) -> Said | None:
    return next((said for reader in readers if (said := reader(plain))), None)


def _known_as(plain: str) -> Said | None:
    return _known(plain, f'reads as "{plain}"')


def _note_of_anybody(header: str) -> Said | None:
    """`Telecaller remarks`, `Payment notes`: notes are notes whoever wrote them and of whatever, but not their number."""
    words = split_words(header)
    last = words[-1] if len(words) > 1 else ""
    if last not in _NOTES or words[0] in _COUNTING or _BETWEEN.search(header):
        return None
    return Said("customer_note", "synonym", 0.95, f'"{last}" says that they are notes')


def _in_two_languages(header: str) -> Said | None:
    """`Name / பெயர்`, `பெயர் (Name)`: the same twice, of which the English is known."""
    english = _NOT_ENGLISH.sub(" ", header)
    if english == header or any(map(_is_mixed, _PIECES.split(header))):
        return None
    return _first_said(normalize_header(english), (_known_as, _shortened_known)) or _without_ballast(english)


def _is_mixed(piece: str) -> bool:
    """`தந்தை Mobile`: that may be a father's."""
    return bool(_NOT_ENGLISH.search(piece) and re.search("[A-Za-z]", piece))


def _of_place(plain: str) -> Said | None:
    rest = _without(plain, _WHOSE_PLACE | _FILLERS)
    said = None if rest in _VAGUE_PLACES else _first_said(rest, (_known_as, _numbered))
    return said if said and _is_place(said.field) else None


def _is_place(field: str) -> bool:
    return field == "city" or field.startswith("address.")


def _of_free_text(header: str) -> Said | None:
    """`Remarks/Follow up`: where one part is a note and none another field, the note holds the rest too."""
    said = _said_by_parts(header)
    texts = [one for one in said if one is not None and not one.maybe]
    if len(said) < 2 or not texts or any(one.field not in FREE_TEXTS for one in texts):
        return None
    return texts[0]._replace(reason="a known header", maybe=False)


def _said_by_parts(header: str) -> list[Said | None]:
    parts = [normalize_header(part) for part in _BETWEEN.split(_BRACKETS.sub(" ", header))]
    return [_first_said(part, (_known_as, _shortened_known)) for part in parts if part]


def _of_parts(header: str) -> Said | None:
    """`Mobile / WhatsApp No.`: both say the same. `Name & Address` says two things, `City / State` is an address."""
    found = _said_by_parts(header)
    said = [one for one in found if one is not None]
    if len(said) < 2 or len(said) < len(found):
        return None
    fields = {one.field for one in said}
    if fields == {"customer_phone", "add_phones"} or len(fields) == 1:
        return said[0]._replace(reason="a known header", maybe=all(one.maybe for one in said))
    labels = " and ".join(dict.fromkeys(FIELDS_BY_NAME[one.field].label for one in said))
    if all(map(_is_place, fields)):
        return said[0]._replace(field="address.text", reason=f"an address: {labels}")
    return Said("", "taken", 1.0, f"its header says two things: {labels}")


def _alike(plain: str) -> Said | None:
    """A known header with a slip of the finger in it; None where two fields are as near."""
    words = plain.split()
    near = {
        known: field
        for known, field in KNOWN_HEADERS.items()
        if len(known.split()) == len(words) and _same_but_for_slips(words, known.split())
    }
    if len(set(near.values())) != 1:
        return None
    known, field = next(iter(near.items()))
    return Said(field, "fuzzy", 0.75, f'reads like "{known}"', maybe=known in MAYBE_HEADERS)


def _same_but_for_slips(words: list[str], known: list[str]) -> bool:
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - only unknown headers need it

    for word, meant in zip(words, known, strict=True):
        most = 0 if len(meant) < _LEAST_LIKE else 1 if len(meant) <= _SHORT_WORD else 2
        if word != meant and OSA.distance(word, meant, score_cutoff=most) > most:
            return False
    return True
