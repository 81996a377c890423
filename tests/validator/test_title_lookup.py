"""A title of the sheet is found in the account's list, or similar titles are suggested."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.messages.issue_messages import SEE_DROPDOWNS
from importer.models.mapping import Title
from importer.validator.title_lookup import TitleList, join_split_titles, normalize_title, suggest_titles

STAGES = TitleList(
    [
        Title("New"),
        Title("Warm lead"),
        Title("Hot lead"),
        Title("Site visit done"),
        Title("Old stage", active=False),
    ]
)


@pytest.mark.parametrize(
    ("typed", "title", "code", "hint"),
    [
        ("Warm lead", "Warm lead", None, ""),
        ("  warm   LEAD ", "Warm lead", None, ""),
        ("Warm led", "", "unknown", ' Did you mean "Warm lead"?'),
        ("visit done", "", "unknown", ' Did you mean "Site visit done"?'),
        ("Warm lead (mailed)", "", "unknown", ' Did you mean "Warm lead"?'),
        ("Under review", "", "unknown", SEE_DROPDOWNS),
        ("Closed - Not Converted", "", "unknown", SEE_DROPDOWNS),
        ("xyzzy", "", "unknown", SEE_DROPDOWNS),
        ("old stage", "", "disabled", SEE_DROPDOWNS),
    ],
)
def test_only_case_and_spaces_do_not_matter(typed, title, code, hint):
    """A title is returned in the account's own spelling. Anything else is an issue with similar titles."""
    found = STAGES.find(typed)
    assert (found.title, found.code, found.hint) == (title, code, hint)


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("Not contacted", []),
        ("Interested - not now", []),
        ("reachable", []),
        ("नहीं Contacted", []),
        ("Not reachble", ["Not reachable"]),
        ("Contacted twice", ["Contacted"]),
    ],
)
def test_title_is_not_suggested_for_its_opposite(typed, suggested):
    """Accepting it would mark people as contacted whom nobody has called."""
    assert suggest_titles(typed, ["Contacted", "Interested", "Not reachable"], limit=5) == suggested


def test_number_and_word_without_a_space_are_two_words():
    """Flats are written 2BHK as often as 2 BHK."""
    products = ["Villa plot", "3 BHK flat", "2 BHK flat"]
    assert suggest_titles("2BHK", products, limit=1) == ["2 BHK flat"]
    assert suggest_titles("flat 3bhk", products, limit=1) == ["3 BHK flat"]


def test_two_active_titles_with_one_name_are_ambiguous():
    """The API refuses such a name (400 Multiple lead groups found), so it is rejected before sending."""
    groups = TitleList([Title("Expo"), Title("Expo"), Title("Website")])
    assert groups.find("expo").code == "ambiguous"


def test_exact_spelling_selects_one_of_two_titles_that_differ_in_case():
    """A title that can be named exactly must stay reachable."""
    labels = TitleList([Title("VIP"), Title("vip")])
    assert labels.find("vip").title == "vip"
    assert labels.find("Vip").code == "ambiguous"


def test_disabled_title_does_not_hide_active_title_with_the_same_name():
    """Only active titles can be set, so only they count."""
    assert TitleList([Title("Expo", active=False), Title("Expo")]).find("EXPO").title == "Expo"


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (["Plots", "Whitefield"], ["Plots, Whitefield"]),
        (["VIP", "Plots", "Whitefield", "Hot"], ["VIP", "Plots, Whitefield", "Hot"]),
        (["Plots", "Hot"], ["Plots", "Hot"]),
        (["a", "b", "c"], ["a, b, c"]),
        ([], []),
    ],
    ids=["alone", "among others", "other titles", "two commas", "nothing"],
)
def test_title_with_a_comma_is_joined_again(parts, joined):
    """A cell is split at commas before the account is known. The longest title of the account wins."""
    titles = TitleList(
        [Title("Plots, Whitefield"), Title("VIP"), Title("Hot"), Title("Plots"), Title("a; b, c")]
    )
    assert join_split_titles(parts, titles) == joined


@given(st.lists(st.text(alphabet="ab ", min_size=1, max_size=4), max_size=6))
def test_joining_loses_no_part(parts):
    """Joining changes only where the text is split."""
    titles = TitleList([Title("a, b"), Title("b"), Title("a, a, b")])
    assert ", ".join(join_split_titles(parts, titles)) == ", ".join(parts)


@given(st.text(max_size=12))
def test_normalizing_twice_changes_nothing(text):
    """So normalized titles can be compared as keys."""
    assert normalize_title(normalize_title(text)) == normalize_title(text)
