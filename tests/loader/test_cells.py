"""Cells become values: what spreadsheets and people add is understood, and text stays text."""

import unicodedata
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.loader.cells.emails import read_emails
from importer.loader.cells.numeric_cells import (
    AmountRange,
    MoneyReader,
    read_latitude,
    read_longitude,
    read_money,
)
from importer.loader.cells.person_names import (
    NameAboveLines,
    find_name_beside_phone,
    has_common_name,
    read_full_name,
    reads_like_person,
)
from importer.loader.cells.text import (
    NULL_WORDS,
    TEXT_READERS,
    CellError,
    is_normalized,
    normalize_name,
    normalize_note,
    normalize_text,
    read_list,
)
from importer.loader.rows.drafts import Drafter
from importer.models.mapping import ColumnChoice, Mapping
from importer.models.row import SourceRow


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("₹1,20,000/-", 120000),
        ("Rs. 1,20,000/-", 120000),
        ("Rs.2.5L", 250000),
        ("₹2.5L", 250000),
        ("INR 50000", 50000),
        ("50,000 INR", 50000),
        ("1.5 Lakh", 150000),
        ("2 lacs", 200000),
        ("2 Cr", 20000000),
        ("1.25 crores", 12500000),
        ("10k", 10000),
        ("10 K only", 10000),
        ("5 thousand", 5000),
        ("1.2 million", 1200000),
        ("१,२०,००० रुपये".replace(" रुपये", ""), 120000),
        ("५ लाख", 500000),
        ("1,200,000", 1200000),
        ("12,00,000.50", 1200000.5),
        ("0", 0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("-500", -500),
        ("(500)", -500),
        ("₹ -500", -500),
        ("120000.0", 120000),
        ("  ₹\u00a01,000 ", 1000),
        ("1.1 lakh", 110000),
        ("0.1 Cr", 1000000),
        ("45 Lakhs only.", 4500000),
        ("₨ 5,000", 5000),
        ("₹-500", -500),
        ("1.500 lakh", 150000),
        ("0.125", 0.125),
    ],
)
def test_amounts_are_read_as_written_in_india(typed, value):
    """Currency signs, Indian grouping and units such as lakh, crore and k are understood."""
    found = read_money(typed)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "typed",
    [
        "1,2,3",
        "1,20",
        "12,0000",
        "about 5k",
        "50-1 cr",
        "2025-26",
        "10-11-2026",
        "-5-10",
        "5.000-6.000",
        "above",
        "max 50L+",
        "five",
        "1.2.3",
        "10%",
        "$5",
        "5 5",
        "(5",
        "1,20,00",
        "--5",
        "Rs-5000",
        "5.000",
        "12.500",
        "1½ lakh",
        "5000¹",
        "1 Cr 20 L",
        "500/month",
    ],
)
def test_unclear_amount_is_rejected(typed):
    """A wrong comma or an unknown unit could mean two amounts, and an upper end below the lower one is no range."""
    found = read_money(typed)
    assert isinstance(found, CellError), found
    assert found.code == "not_a_number"


def test_amount_with_lost_digits_is_rejected():
    """1.2E+05 may stand for many amounts."""
    assert read_money("1.2E+05") == CellError("digits_lost")


@pytest.mark.parametrize("typed", ["12345678901234567890", "99999999999999.99", "-10000001 crore"])
def test_amount_too_large_for_exact_json_is_rejected(typed):
    """An integer of 20 digits is not valid JSON for all readers, and above 10^13 paise are rounded."""
    assert read_money(typed).code == "out_of_range"


@given(st.decimals(min_value=0, max_value=10**13, places=2), st.sampled_from(["", "₹", "Rs. ", "INR "]))
def test_amount_with_paise_is_exact(amount, sign):
    """No paisa is lost between the cell and the number."""
    assert Decimal(str(read_money(f"{sign}{amount}"))) == amount


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_whole_amount_is_exact(amount):
    """Whole amounts keep every digit, with and without commas."""
    assert read_money(str(amount)) == amount
    assert read_money(f"{amount:,}") == amount


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("asha@example.in", ["asha@example.in"]),
        ("  Asha@Example.IN ", ["Asha@example.in"]),
        ("a@example.in, b@example.in", ["a@example.in", "b@example.in"]),
        ("a@example.in;b@example.in", ["a@example.in", "b@example.in"]),
        ("a@example.in / b@example.in", ["a@example.in", "b@example.in"]),
        ("a@example.in b@example.in", ["a@example.in", "b@example.in"]),
        ("a@example.in, a@example.in", ["a@example.in"]),
        ("Asha Rao <asha@example.in>", ["asha@example.in"]),
        ("mailto:asha@example.in", ["asha@example.in"]),
        ("a@example.in ::: b@example.in", ["a@example.in", "b@example.in"]),
        ("राम@example.in", ["राम@example.in"]),
        ("o'hara+x@sub.example.co.in", ["o'hara+x@sub.example.co.in"]),
        ("a@example.in/b@example.in", ["a@example.in", "b@example.in"]),
        ("a@example.in and b@example.in", ["a@example.in", "b@example.in"]),
        ("a@example.in & b@example.in", ["a@example.in", "b@example.in"]),
        ("Rao, Asha <a@example.in>; Ravi <b@example.in>", ["a@example.in", "b@example.in"]),
        ("Email Id: a@example.in", ["a@example.in"]),
        ('"a@example.in"', ["a@example.in"]),
        ("a@example.in.", ["a@example.in"]),
    ],
)
def test_emails_are_read_as_people_type_them(typed, found):
    """Labels, names, brackets and several addresses in one cell are understood."""
    assert read_emails(typed) == found


@pytest.mark.parametrize(
    "typed",
    ["asha", "asha@", "@example.in", "asha@example", "a b@example.in c", "asha@@example.in", "asha@exam ple.in",
     "asha@example..in", "a@example.in, b@", "asha@-example.in", "Asha <a@example.in>, Ravi", "asha @example.in",
     ".asha@example.in", "no email asha", "none@", "unknown@asha"],
)  # fmt: skip
def test_invalid_email_is_rejected(typed):
    """An address is never repaired by a guess."""
    found = read_emails(typed)
    assert isinstance(found, CellError), found
    assert found.code == "not_an_email"


@given(st.from_regex(r"[a-zA-Z0-9_%+.-]{1,70}@[a-z0-9.-]{1,40}", fullmatch=True))
def test_fast_path_of_emails_agrees_with_the_library(typed):
    """A simple address is validated once for its domain. The result is the same as the library's."""
    from email_validator import EmailNotValidError, validate_email

    try:
        wanted = [validate_email(typed.rstrip("."), check_deliverability=False).normalized]
    except EmailNotValidError:
        wanted = None
    found = read_emails(typed)
    assert (found if isinstance(found, list) else None) == wanted


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("  Asha  ", "Asha"),
        ("Asha\u00a0Rao", "Asha Rao"),
        ("\u200bAsha\ufeff", "Asha"),
        ("e\u0301", "é"),
        ("line\r\nline", "line\nline"),
        ("'+91", "+91"),
        ("'tis", "'tis"),
        ('="007"', "007"),
        ("=) hello", "=) hello"),
        ("a  b", "a  b"),
        ("नमस्ते", "नमस्ते"),
        ("क्\u200dष", "क्\u200dष"),
        ("0012", "0012"),
        ("1E5", "1E5"),
        ("12/04/2026", "12/04/2026"),
    ],
)
def test_text_is_normalized_and_stays_text(typed, value):
    """Excel's marks and invisible characters are removed; numbers and dates stay as typed."""
    assert normalize_text(typed) == value


_ADDED = "\u00ad\u200b\u2060\ufeff\u202a\u202c\u200e"
_SPACES = "\u00a0\u2009\u202f\u3000"


@given(st.text(max_size=60))
def test_normalizing_keeps_all_letters(typed):
    """A text stays as it is, except for NFC, odd spaces, zero-width characters, CR and spaces at its ends."""
    found = normalize_text(typed)
    if isinstance(found, str) and typed.strip()[:1] not in ("'", "="):
        dropped = set(
            "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e"
        ) | set("\u2066\u2067\u2068\u2069")
        assert _keep_letters(found, dropped) == _keep_letters(typed, dropped)


@given(st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=30), st.data())
def test_characters_added_by_copying_are_removed(typed, data):
    """The result is the same with invisible characters anywhere and odd spaces around the text."""
    normalized = normalize_text(typed)
    at = data.draw(st.integers(0, len(typed)))
    added = data.draw(st.text(_ADDED, max_size=3))
    around = data.draw(st.text(_SPACES, max_size=2))
    assert normalize_text(f"{around}{typed[:at]}{added}{typed[at:]}{around}") == normalized


def _keep_letters(text, dropped):
    """Return the text without the marks that may be dropped, and without white space."""
    kept = "".join(char for char in unicodedata.normalize("NFC", text) if char not in dropped)
    return "".join(unicodedata.normalize("NFC", kept).split())


@pytest.mark.parametrize("word", [*sorted(NULL_WORDS), "N/A", "NULL", "NA", "NIL", "", "   ", "\xa0"])
def test_null_words_are_empty(word):
    """A cell that says "nothing here" leaves the field unchanged."""
    assert normalize_text(word) is None
    assert normalize_name(word) is None


def test_null_nil_and_na_can_be_names():
    """They count as names in the spelling of a name. A city or a remark `Nil` is empty."""
    assert [normalize_name(name) for name in ("Null", "Nil", "Na")] == ["Null", "Nil", "Na"]
    assert normalize_text("Nil") is None


def test_zero_width_joiner_stays_only_where_it_is_needed():
    """Indian letters and emoji need it. Beside a Latin letter it would only hide a stage."""
    assert normalize_text("क्\u200dष") == "क्\u200dष"
    assert normalize_text("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"
    assert normalize_text("Warm\u200d lead") == "Warm lead"


@pytest.mark.parametrize(
    ("typed", "low", "high"),
    [
        ("80-90L", 80_00_000, 90_00_000),
        ("80L-90", 80_00_000, 90_00_000),
        ("45 – 50 lakh", 45_00_000, 50_00_000),
        ("50 lakh to 1 cr", 50_00_000, 1_00_00_000),
        ("₹50,000/- to ₹80,000/-", 50_000, 80_000),
        ("५०-६० लाख", 50_00_000, 60_00_000),
        ("0-5", 0, 5),
        ("50L+", 50_00_000, None),
        ("Above 50 lakh", 50_00_000, None),
        ("50L onwards", 50_00_000, None),
        ("35L se 40L tak", 35_00_000, 40_00_000),
        ("50 से 60 लाख तक", 50_00_000, 60_00_000),
        ("upto 60L", None, 60_00_000),
        ("60 लाख तक", None, 60_00_000),
    ],
)
def test_range_has_both_ends_in_rupees(typed, low, high):
    """A unit that stands at one end is the unit of both. An end that the cell leaves open is None."""
    assert read_money(typed) == AmountRange(low, high)


def test_range_gets_the_unit_of_the_header():
    assert MoneyReader("Budget (in lakhs)").read("80-90") == AmountRange(80_00_000, 90_00_000)


@pytest.mark.parametrize("shown", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?"])
def test_excel_error_is_an_error_and_not_empty(shown):
    """The value is lost, so the user must know about it."""
    assert normalize_text(shown) == CellError("error_value")
    assert read_money(shown) == CellError("error_value")


@pytest.mark.parametrize("shown", ["=A1+1", "=VLOOKUP(A2,B:C,2,0)", "=Sheet2!A1", "='My sheet'!B2", "=(1)"])
def test_formula_without_value_is_an_error(shown):
    """A formula is not sent to the CRM as text."""
    assert normalize_text(shown) == CellError("formula_without_value")


def test_html_breaks_become_lines():
    """Exports of web forms write `<br>` for a new line."""
    assert normalize_note("one<br>two<BR/>three") == "one\ntwo\nthree"


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Asha Rao", ("Asha", "Rao")),
        ("Asha", ("Asha", "")),
        ("Dr. Nandini K. Murthy", ("Dr. Nandini K.", "Murthy")),
        ("Rao, Asha", ("Asha", "Rao")),
        ("  asha   devi  rao ", ("asha devi", "rao")),
        ("सुनीता देशपांडे", ("सुनीता", "देशपांडे")),
        ("A, B, C", ("A, B,", "C")),
        ("Acme Traders, Pune", ("Acme Traders,", "Pune")),
        ("Asha Rao, MBA", ("Asha Rao,", "MBA")),
        ("Kumar, M.D.", ("Kumar,", "M.D.")),
        ("Dr. A. P. J. Rao", ("Dr. A. P. J.", "Rao")),
        ("Mr. Ravi", ("Mr. Ravi", "")),
        ("MRS Asha Rao", ("MRS Asha", "Rao")),
        ("Ravi ji", ("Ravi ji", "")),
        ("Shri Ravi Kumar ji", ("Shri Ravi", "Kumar ji")),
        ("श्री विजय", ("श्री विजय", "")),
        ("Dr", ("Dr", "")),
    ],
)
def test_full_name_is_split(typed, names):
    """The last word is the last name, and `Rao, Asha` is turned round."""
    assert read_full_name(typed) == names


@pytest.mark.parametrize(
    ("typed", "name", "lines"),
    [
        ("Shri Asha Rao\n14, MG Road\nPune", ("Shri Asha", "Rao"), "14, MG Road\nPune"),
        ("Asha Rao,\r\nFlat 4", ("Asha", "Rao"), "Flat 4"),
        ("Asha\nBaner, Pune", ("Asha", ""), "Baner, Pune"),
    ],
)
def test_address_below_a_name_is_no_part_of_it(typed, name, lines):
    """A column `Name & Address` has both in each cell."""
    assert read_full_name(typed) == NameAboveLines(name, lines)


@pytest.mark.parametrize("typed", ["Asha\nRao", "Asha\nDevi Rao\n"])
def test_name_may_have_several_lines(typed):
    """Somebody has wrapped the cell."""
    assert read_full_name(typed) == (typed.rsplit(maxsplit=1)[0].replace("\n", " "), "Rao")


@pytest.mark.parametrize("typed", ["Unknown", "NOT KNOWN", "Unknown Caller", "अज्ञात"])
def test_word_for_no_name_is_none(typed):
    """A salesman would greet Mr. Unknown. A phone's own call log has such names."""
    assert read_full_name(typed) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-03",
        "2026-10-03 11:00:00",
        "3 Oct 2026",
        "03-Oct-26",
        "3/10/2026 10:15",
        "12.3.24",
        "३ अक्टूबर २०२६",
    ],
)
def test_date_is_not_a_name(text):
    """The row is of another table, or its cells have moved: ten leads were once called `2026-10-03`."""
    assert read_full_name(text) == CellError("not_a_name")


@pytest.mark.parametrize(
    "text", ["24x7", "99 Acres", "Studio 54", "3 Idiots", "May 2024", "7 Eleven Traders 24"]
)
def test_name_with_digits_is_a_name(text):
    """Firms have them, and people are saved with the month in which they called."""
    assert isinstance(read_full_name(text), tuple)


@pytest.mark.parametrize(
    "text", ["Asha Rao", "Mr. Ravi", "A. P. J. Rao", "asha rao", "IMRAN KHAN", "Anne-Marie D'Souza", "विजय"]
)
def test_name_of_a_person_reads_like_one(text):
    """With a title or initials, in capitals or small letters, in any script."""
    assert reads_like_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "Gandhi Nagar",
        "Sharma Traders",
        "Villa plot",
        "2 BHK",
        "call back",
        "Shop 12, MG Road",
        "",
        "a@b.in",
        "Mr.",
    ],
)
def test_other_texts_do_not_read_like_a_person(text):
    """Places, firms, products and remarks are no names."""
    assert not reads_like_person(text)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("Mr. Ravi / 9845012345", "Mr. Ravi"),
        ("Fatima Mehta - 98450 12345", "Fatima Mehta"),
        ("9845012345 Zubin Wadia", "Zubin Wadia"),
        ("Zubin Wadia (9845012345)", "Zubin Wadia"),
        ("Meena Verma, 9845012345, 9845012346", "Meena Verma"),
        ("Mrs Harpreet Gill mob 9845012345", "Mrs Harpreet Gill"),
        ("Manoj Mehta\n9845012345", "Manoj Mehta"),
        ("+91-98450-12345: Asha", "Asha"),
        ("9845012345", ""),
        ("9845012345 (wife)", ""),
        ("Wife 9845012345", ""),
        ("Mother Asha Rao 9845012345", ""),
        ("Office 9845012345", ""),
        ("Wrong No 9845012345", ""),
        ("9845012345 Switched Off", ""),
        ("9845012345 call after 6 pm", ""),
        ("9845012345 / Not Interested", ""),
        ("Zubin 9845012345", ""),
        ("Asha Rao (mother) 9845012345", ""),
        ("Zubin Wadia - 9845012345 - Baner", "Zubin Wadia"),
        ("Baner - 9845012345 - Zubin Wadia", "Zubin Wadia"),
        ("Zubin Wadia, Baner, 9845012345", "Zubin Wadia"),
        ("Zubin Wadia (Baner) 9845012345", "Zubin Wadia"),
        ("Zubin Wadia - Baner: 9845012345", "Zubin Wadia"),
    ],
)
def test_name_beside_a_phone_is_found(cell, name):
    """Only what is a name for sure: a single word may be anything, unless it is a common name."""
    assert find_name_beside_phone(cell).name == name


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("3) Zubin Wadia - 98450 12345 - wedding 12 Feb - 300 pax", "wedding 12 Feb, 300 pax"),
        ("3. Zubin Wadia 9845012345", ""),
        ("Baner / Zubin Wadia / 9845012345 / 98450", "Baner"),
        ("Zubin Wadia mob: +91 98450-12345, 2 BHK", "2 BHK"),
    ],
)
def test_other_words_beside_a_name_keep_their_numbers(cell, words):
    """The number of a line and a number that was cut say nothing."""
    assert find_name_beside_phone(cell) == ("Zubin Wadia", words)


def test_common_names_and_titles_are_known():
    """They are what makes a column of names clear: a column of places has none."""
    assert all(map(has_common_name, ("Zubin Kumar", "Mr. Zubin", "Zubin ji")))
    assert not any(map(has_common_name, ("Zubin Wadia", "Thane West", "ji")))


def test_lists_are_split_at_separators():
    """The validator joins the parts of a title with a comma again."""
    assert read_list("VIP; Hot | Parking, two cars\nExpo") == ["VIP", "Hot", "Parking", "two cars", "Expo"]
    assert read_list(" , ;") is None
    assert read_list("VIP, -, N/A") == ["VIP"]


@pytest.mark.parametrize(
    ("typed", "found"), [("12.97", 12.97), ("-90", -90.0), ("१२.५", 12.5), ("12.97°", 12.97)]
)
def test_degrees_are_read(typed, found):
    """A degree sign and digits of other scripts are understood."""
    assert read_latitude(typed) == found


def test_invalid_degrees_are_rejected():
    """Degrees out of range and other notations are errors."""
    assert read_latitude("91") == CellError("out_of_range", "-90 and 90")
    assert read_longitude("181") == CellError("out_of_range", "-180 and 180")
    for typed in ("east", "12° 58' N", "1_0", "1e1", "inf", "12,97"):
        assert read_longitude(typed) == CellError("not_degrees"), typed


@given(st.text(max_size=60))
def test_readers_accept_any_text(typed):
    """Every reader returns a value, an error or None for any text."""
    for read in (
        normalize_text,
        normalize_name,
        normalize_note,
        read_money,
        read_emails,
        read_list,
        read_full_name,
        read_latitude,
    ):
        read(typed)


def test_all_invalid_addresses_of_a_cell_are_named():
    """They can be fixed in one go."""
    fault = read_emails("asha@example.in, ravi@, meena.example.in")
    assert isinstance(fault, CellError)
    assert fault.value == "ravi@, meena.example.in"
    assert fault.hint.count(";") == 1
    one = read_emails("asha@example.in, ravi@")
    assert isinstance(one, CellError)
    assert (one.value, one.hint.count(";")) == ("ravi@", 0)


_NEARLY_NORMALIZED = st.text(st.sampled_from("aZ09 ,./:&()_-'=#\"\\\t\n<ß\u00a0\u0661"), max_size=14)


@given(
    st.one_of(
        _NEARLY_NORMALIZED,
        st.sampled_from(sorted(NULL_WORDS)),
        st.text(),
        st.from_regex(r"\A[A-Z0-9][a-z0-9 .-]{9,}\Z"),
        st.from_regex(r"\A[0-9]+\.0+\Z"),
    )
)
def test_normalized_text_is_not_changed(typed):
    """No reader changes a text for which `is_normalized` is true, and JSON needs no escape in it."""
    if is_normalized(typed):
        assert [read(typed) for read in TEXT_READERS] == [typed] * len(TEXT_READERS)
        assert msgspec.json.encode(typed).decode() == f'"{typed}"'


def test_common_texts_are_recognized_as_normalized():
    """PIN codes, addresses and remarks are; the speed of the import depends on it."""
    assert all(map(is_normalized, ["411001", "12 MG Road, Pune", "Met at stall 3, call after 10:00"]))
    assert not any(
        map(
            is_normalized,
            [
                "",
                "nil",
                "(no name)",
                " 411001",
                "411001 ",
                "=1+1 and more",
                "12 MG Road, Pune ",
                'say "hi" to them',
                "Pune\n411001 ",
                "\u0664\u0661",
            ],
        )
    )


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("address.additional", "411001.0", "411001"),
        ("address.initials", "101.00", "101"),
        ("address.additional", "411 001", "411 001"),
        ("address.additional", "2.5", "2.5"),
        ("address.text", "12.0", "12.0"),
        ("additional_info", "12.0", "12.0"),
    ],
)
def test_point_zero_is_removed_from_pin_codes(field, typed, kept):
    """Pandas writes a column of whole numbers like this if one of its cells is empty."""
    columns = tuple(
        ColumnChoice(index=at, header=name, field=name, source="option", confidence=1.0, reason="")
        for at, name in enumerate(["customer_phone", field])
    )
    draft = Drafter(Mapping(columns=columns), region="IN").draft(SourceRow(2, ("9845012345", typed)))
    [value] = [value for name, value in draft.payload.items() if name != "customer_phone"]
    assert (list(value.values()) if isinstance(value, dict) else [value]) == [kept]
