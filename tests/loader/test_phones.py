"""Phones become E.164: every spelling used in India, no digit is guessed, and the fast path agrees with the library."""

import os
import random
import re
import unicodedata

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.loader.cells import phones
from importer.loader.cells.phones import ParsedPhones, PhoneReader, parse_indian_mobile
from importer.loader.cells.text import CellError
from importer.loader.rows.drafts import Drafter
from importer.models.mapping import ColumnChoice, Mapping
from importer.models.row import SourceRow

read = PhoneReader("IN").read


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("9845012345", ["+919845012345"]),
        ("98450 12345", ["+919845012345"]),
        ("98450-12345", ["+919845012345"]),
        ("(98450) 12345", ["+919845012345"]),
        ("09845012345", ["+919845012345"]),
        ("919845012345", ["+919845012345"]),
        ("+919845012345", ["+919845012345"]),
        ("+91-98450-12345", ["+919845012345"]),
        ("+91 (0) 98450 12345", ["+919845012345"]),
        ("00919845012345", ["+919845012345"]),
        ("0091 98450 12345", ["+919845012345"]),
        ("9845012345.0", ["+919845012345"]),
        ("918123456789.0", ["+918123456789"]),
        ("9.845012345E+09", ["+919845012345"]),
        ("9,845012345E+09", ["+919845012345"]),
        ("'9845012345", ["+919845012345"]),
        ('="9845012345"', ["+919845012345"]),
        ("p:+919845012345", ["+919845012345"]),
        ("Mob: 98450 12345", ["+919845012345"]),
        ("Ph.9845012345", ["+919845012345"]),
        ("tel:+919845012345", ["+919845012345"]),
        ("WhatsApp 98450 12345", ["+919845012345"]),
        ("https://wa.me/919845012345", ["+919845012345"]),
        ("https://wa.me/919845012345?text=hi", ["+919845012345"]),
        ("https://api.whatsapp.com/send?phone=919845012345&text=x", ["+919845012345"]),
        ("\u202a+91 98450 12345\u202c", ["+919845012345"]),
        ("98450\u00a012345", ["+919845012345"]),
        ("\u200b9845012345", ["+919845012345"]),
        ("९८४५०१२३४५", ["+919845012345"]),
        ("９８４５０１２３４５", ["+919845012345"]),
        ("080-22233344", ["+918022233344"]),
        ("022 - 22355342", ["+912222355342"]),
        ("08022233344", ["+918022233344"]),
        ("+91 80 2223 3344", ["+918022233344"]),
        ("0821-2412345", ["+918212412345"]),
        ("+971 50 123 4567", ["+971501234567"]),
        ("+1 (212) 555-2368", ["+12125552368"]),
        ("00971501234567", ["+971501234567"]),
        ("9845012345 / 9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345,9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345;9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345 & 9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345 or 9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345\n9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345 9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345 ::: 9886012345", ["+919845012345", "+919886012345"]),
        ("9845012345 / 9845012345", ["+919845012345"]),
        ("9845012345 (Ravi)", ["+919845012345"]),
    ],
)  # fmt: skip
def test_phones_are_read_as_people_type_them(typed, numbers):
    """Spellings, labels, links and several numbers in one cell become E.164."""
    found = read(typed, "")
    assert isinstance(found, ParsedPhones), found
    assert found.numbers == numbers


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("9.84501E+09", "digits_lost"),
        ("9.18E+09", "digits_lost"),
        ("9,88602E+09", "digits_lost"),
        ("9.1E+11", "digits_lost"),
        ("98450", "too_short"),
        ("12", "too_short"),
        ("984501234", "too_short"),
        ("98450123456789012", "too_many_digits"),
        ("98450123456", "too_many_digits"),
        ("5234567890", "no_such_number"),
        ("0000000000", "no_such_number"),
        ("not known", "not_a_phone"),
        ("asha@example.in", "not_a_phone"),
        ("#N/A", "error_value"),
        ("=A1", "formula_without_value"),
        ("98450123O5", "not_a_phone"),
    ],
)
def test_invalid_phone_is_rejected_with_its_reason(typed, code):
    """The code says whether digits are lost, missing, too many or wrong."""
    found = read(typed, "")
    assert isinstance(found, CellError), found
    assert found.code == code


@pytest.mark.parametrize("typed", ["", " ", "-", "N/A", "NULL", "nil", "\u00a0", "'"])
def test_empty_cell_has_no_phone(typed):
    """A null word is not an error."""
    assert read(typed, "") is None


def test_extension_is_left_out_with_a_warning():
    """The CRM stores only the number."""
    found = read("080-22233344 ext 21", "")
    assert found == ParsedPhones(["+918022233344"], [("extension_left_out", "ext 21")])


def test_invalid_part_beside_a_valid_number_is_left_out_with_a_warning():
    """One valid number is enough for the row."""
    found = read("9845012345 / 12345", "")
    assert found == ParsedPhones(["+919845012345"], [("part_left_out", "12345")])


@pytest.mark.parametrize(
    "typed", ["9.84501E+09", "98765000000", "98450 XX 12345", "98450*12345", "984501234¹", "98450 1234 S", "98450-1234-l"]
)  # fmt: skip
def test_missing_digit_is_not_guessed(typed):
    """Lost, hidden or mistyped digits make the number an error."""
    assert isinstance(read(typed, ""), CellError)


def test_single_letter_beside_digits_is_rejected():
    """An O, S or l may be a mistyped 0, 5 or 1. Letters that are labels, such as M for mobile, are accepted."""
    assert read("9845012345 S", "") == CellError("not_a_phone")
    assert read("l 9845012345", "") == CellError("not_a_phone")
    assert read("M 9845012345", "").numbers == ["+919845012345"]


@pytest.mark.parametrize(
    ("typed", "numbers", "warnings"),
    [
        ("9845012345/46", ["+919845012345"], [("part_left_out", "46")]),
        ("080-22233344 / 22233345", ["+918022233344"], [("part_left_out", "22233345")]),
        ("080 22233344, ext. 21", ["+918022233344"], [("extension_left_out", "ext. 21")]),
        ("9845012345 (Ravi)", ["+919845012345"], [("words_left_out", "9845012345 (Ravi)")]),
        ("wrong number 9845012345", ["+919845012345"], [("words_left_out", "wrong number 9845012345")]),
        ("9845012345 / NA", ["+919845012345"], []),
        ("9845012345 / 0", ["+919845012345"], []),
    ],
)
def test_text_beside_a_number_is_named_in_a_warning(typed, numbers, warnings):
    """Nothing is dropped in silence, and the second half of `9845012345/46` is not guessed from the first."""
    assert read(typed, "") == ParsedPhones(numbers, warnings)


def test_numbers_without_separator_are_split_only_if_there_is_one_way():
    """Two possible ways would be a guess."""
    assert read("98450 12345 98860 12345", "").numbers == ["+919845012345", "+919886012345"]
    assert read("+919845012345+919886012345", "").numbers == ["+919845012345", "+919886012345"]
    assert read("9845012345 98860", "") == CellError("too_many_digits")


def test_bare_digits_that_end_in_zeros_get_a_warning():
    """Excel writes 9.84501E+09 out again as 9845010000. It may also be a real number, so it is not an error."""
    doubt = [("maybe_shortened", "9845010000")]
    assert read("9845010000", "") == ParsedPhones(["+919845010000"], doubt)
    assert read("919845010000.0", "").warnings == [("maybe_shortened", "919845010000.0")]
    assert read("98450 10000", "") == ParsedPhones(["+919845010000"], [])
    assert read("9845010000 / 9886012345", "").warnings == doubt


@pytest.mark.parametrize(
    ("typed", "dial_code"),
    [("9845012345", "971"), ("501234567", "+91"), ("22233344", "+91"), ("9845012345", "999")],
)
def test_number_that_does_not_exist_in_its_dial_code_is_rejected(typed, dial_code):
    """The default region is not tried, because the sheet says that the number is in another country."""
    found = read(typed, dial_code)
    assert isinstance(found, CellError), found
    assert found.value == f"+{dial_code.removeprefix('+')} {typed}"


@pytest.mark.parametrize(
    ("typed", "dial_code", "number"),
    [
        ("9845012345", "+91", "+919845012345"),
        ("9845012345", "91", "+919845012345"),
        ("09845012345", "0091", "+919845012345"),
        ("501234567", "+971", "+971501234567"),
        ("971501234567", "971", "+971501234567"),
        ("+971501234567", "+91", "+971501234567"),
        ("2125552368", "1", "+12125552368"),
        ("2125552368", "1.0", "+12125552368"),
        ("050 123 4567", "AE", "+971501234567"),
        ("50 123 4567", "UAE (+971)", "+971501234567"),
        ("9845012345", "-", "+919845012345"),
    ],
)
def test_dial_code_column_applies_to_the_phone(typed, dial_code, number):
    """Any spelling of the dial code works, and a number that already has its code keeps it."""
    assert read(typed, dial_code) == ParsedPhones([number], [])


def test_region_reads_its_local_numbers():
    """--region applies to numbers without a country code."""
    assert PhoneReader("AE").read("050 123 4567", "") == ParsedPhones(["+971501234567"], [])


def test_unclear_dial_code_is_named_in_a_warning():
    """The number is read without it, but not in silence."""
    assert read("9845012345", "somewhere").warnings == [("dial_code_left_out", "somewhere")]


COMPARED = int(os.environ.get("PHONES_COMPARED", "50000"))
"""Texts to compare: `make test` takes a sample; the full comparison ran with `PHONES_COMPARED=1000000` (docs/cells.md)."""


def generate_near_misses(count, seed=26):
    """Yield texts at the edge of what the fast path accepts: good spellings, two of three with one change."""
    chance = random.Random(seed)
    fronts = (
        "",
        "",
        "",
        "0",
        "91",
        "+91",
        "0091",
        "+91-",
        "+91 ",
        "(+91) ",
        "0 ",
        "0-",
        "091",
        "+",
        "00",
        "+0",
        "9191",
    )
    for _ in range(count):
        digits = chance.choice("6789987650") + "".join(chance.choices("0123456789", k=9))
        typed = list(chance.choice(fronts) + digits)
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(typed))
            match chance.randrange(5):
                case 0:
                    del typed[at]
                case 1:
                    typed.insert(at, chance.choice("0123456789"))
                case 2:
                    typed[at] = chance.choice("0123456789+")
                case _:
                    typed.insert(at, chance.choice((" ", "-", "(", ")", "\t", "+", "x", "\u0669")))
        yield "".join(typed) + chance.choice(("", "", "", ".0", " ", "."))


@pytest.mark.slow
def test_fast_path_agrees_with_phonenumbers():
    """The library gives the same number for each text that the fast path accepts, and no common spelling is missed."""
    for typed in generate_near_misses(COMPARED):
        fast = parse_indian_mobile(typed)
        try:
            text = typed.removesuffix(".0").replace("\t", " ").strip()  # a tab is white space to us
            number = phonenumbers.parse(f"+{text[2:]}" if text.startswith("00") else text, "IN")
        except phonenumbers.NumberParseException:
            number = None
        sound = number is not None and phonenumbers.is_valid_number(number)
        slow = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if sound else ""
        assert fast in ("", slow), typed
        is_common = COMMON_MOBILE.fullmatch(typed.strip()) and not typed.strip().endswith("0000")
        if sound and is_common and _is_mobile(number):
            assert fast == slow, typed


def test_five_digits_decide_whether_a_number_is_an_indian_mobile():
    """The pattern of phonenumbers says the same for every number of a series. A new version may change that."""
    chance = random.Random(5)
    pattern = phones._is_indian_mobile
    for first_five in (f"{series:05d}" for series in range(100_000)):
        rest = f"{chance.randrange(100_000):05d}"
        assert phones._is_mobile_series(first_five) is (pattern(first_five + rest) is not None), first_five


COMMON_MOBILE = re.compile(r"(?:\+91|91|0091|0)?[0-9]{10}")


def _is_mobile(number):
    return number.country_code == 91 and phonenumbers.number_type(number) in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )


TYPED = st.lists(
    st.sampled_from(
        [*list("0123456789" * 3 + " -()+./,;&|\n:x#EeoO९٣１¹"), "ext", "or", "91", "080", "98450"]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=600)
@given(st.one_of(TYPED, st.text(max_size=40)), st.sampled_from(["", "", "+91", "971", "1.0", "AE", "x"]))
def test_no_text_gives_a_digit_that_was_not_typed(typed, dial_code):
    """After its country code, each number is in the cell digit for digit, in that order."""
    found = read(typed, dial_code)
    if isinstance(found, ParsedPhones):
        assert found.numbers
        there = "".join(str(unicodedata.decimal(char)) for char in typed if char.isdecimal())
        for text in found.numbers:
            number = phonenumbers.parse(text)
            assert phonenumbers.is_valid_number(number)
            assert text.removeprefix(f"+{number.country_code}") in there, found


def test_digit_added_by_the_library_is_rejected():
    """The library adds a 9 to an Argentine mobile that nobody typed."""
    assert PhoneReader("AR").read("011 15-2312-3456", "") == CellError("not_a_phone")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("same", "part_left_out"),
        ("same as above", "part_left_out"),
        ("not available", "part_left_out"),
        ("98450XXXXX", "not_a_phone"),
        ("9845", "too_short"),
        ("#REF!", "error_value"),
        ("#N/A", "counted_as_empty"),
    ],
)
def test_other_phones_without_a_digit_do_not_reject_the_row(typed, code):
    """`same` loses nothing, and half of the answers in a form's "WhatsApp number" column are like that."""
    columns = tuple(
        ColumnChoice(index=at, header=header, field=field, source="option", confidence=1.0, reason="")
        for at, (header, field) in enumerate([("Phone", "customer_phone"), ("WhatsApp", "add_phones")])
    )
    draft = Drafter(Mapping(columns=columns), region="IN").draft(SourceRow(2, ("9845012345", typed)))
    assert (draft.payload, [issue.code for issue in draft.issues]) == (
        {"customer_phone": "+919845012345"},
        [code],
    )
