"""Phones to E.164: every spelling that India uses, no digit guessed, and the fast path equal to the library."""

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.loader.cells.fault import Fault
from importer.loader.cells.phones import PhonesRead, compile_phone_reader, plain_indian_mobile

read = compile_phone_reader("IN")


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
def test_a_phone_as_people_type_it(typed, numbers):
    found = read(typed, "")
    assert isinstance(found, PhonesRead), found
    assert found.numbers == numbers


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("9.84501E+09", "digits_lost"),
        ("9.18E+09", "digits_lost"),
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
def test_what_is_no_phone_is_refused_with_its_reason(typed, code):
    found = read(typed, "")
    assert isinstance(found, Fault), found
    assert found.code == code


@pytest.mark.parametrize("typed", ["", " ", "-", "N/A", "NULL", "nil", "\u00a0", "'"])
def test_nothing_is_nothing(typed):
    assert read(typed, "") is None


def test_an_extension_is_left_out_openly():
    found = read("080-22233344 ext 21", "")
    assert found == PhonesRead(["+918022233344"], [("extension_left_out", "ext 21")])


def test_a_bad_part_beside_a_good_one_is_left_out_openly():
    found = read("9845012345 / 12345", "")
    assert found == PhonesRead(["+919845012345"], [("part_left_out", "12345")])


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
    ],
)
def test_a_dial_code_of_its_own_column_is_joined(typed, dial_code, number):
    assert read(typed, dial_code) == PhonesRead([number], [])


def test_another_region_reads_its_own_numbers():
    assert compile_phone_reader("AE")("050 123 4567", "") == PhonesRead(["+971501234567"], [])


def test_the_fast_path_agrees_with_phonenumbers_on_a_million_numbers():
    """Where the fast path answers, the library gives the same; where it is silent, the library is asked."""
    chance = random.Random(26)
    fronts = ("", "0", "91", "+91", "0091", "+91-", "+91 ", "0 ", "091", "+")
    for _ in range(1_000_000):
        length = chance.choice((10, 10, 10, 10, 9, 11, 12))
        typed = chance.choice(fronts) + "".join(chance.choices("0123456789", k=length))
        if chance.random() < 0.3:
            at = chance.randrange(len(typed))
            typed = typed[:at] + chance.choice(" -()") + typed[at:]
        fast = plain_indian_mobile(typed)
        if (
            fast and chance.random() < 0.05
        ):  # the library takes 16 µs a number: 5% of the answers are compared
            number = phonenumbers.parse(typed if not typed.startswith("00") else f"+{typed[2:]}", "IN")
            assert phonenumbers.is_valid_number(number), typed
            assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == fast, typed


@given(st.text(max_size=40), st.sampled_from(["", "+91", "971", "x"]))
def test_any_text_gives_numbers_or_a_fault_and_never_a_new_digit(typed, dial_code):
    """Never guess a digit: what comes out has no more digits than went in, but for country codes."""
    found = read(typed, dial_code)
    if isinstance(found, PhonesRead):
        assert found.numbers
        for number in found.numbers:
            assert phonenumbers.is_valid_number(phonenumbers.parse(number))
