"""Titles: the sheet's spelling against the account's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.models.mapping import Title
from importer.validator.title_lookup import TitleList, normalize_title, suggest_titles, whole_titles

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
    ("typed", "title", "fault", "hint"),
    [
        ("Warm lead", "Warm lead", "", ""),
        ("  warm   LEAD ", "Warm lead", "", ""),
        ("Warm led", "", "unknown", ' Did you mean "Warm lead"?'),
        ("visit done", "", "unknown", ' Did you mean "Site visit done"?'),
        ("Warm lead (mailed)", "", "unknown", ' Did you mean "Warm lead"?'),
        ("Under review", "", "unknown", " importer dropdowns lists what there is."),
        ("Closed - Not Converted", "", "unknown", " importer dropdowns lists what there is."),
        ("xyzzy", "", "unknown", " importer dropdowns lists what there is."),
        ("old stage", "", "disabled", " importer dropdowns lists what there is."),
    ],
)
def test_case_and_spacing_are_forgiven_and_nothing_else(typed, title, fault, hint):
    """A title comes out in the account's own spelling; anything else is a fault with the nearest titles."""
    found = STAGES.find(typed)
    assert (found.title, found.fault, found.hint) == (title, fault, hint)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Not contacted", []),
        ("Interested - not now", []),
        ("reachable", []),
        ("नहीं Contacted", []),
        ("Not reachble", ["Not reachable"]),
        ("Contacted twice", ["Contacted"]),
    ],
)
def test_a_title_is_not_meant_by_what_denies_it(typed, said):
    """Whoever takes what is proposed would make people contacted whom nobody has called."""
    assert suggest_titles(typed, ["Contacted", "Interested", "Not reachable"], limit=5) == said


def test_two_active_titles_of_one_name_are_ambiguous():
    """The API refuses such a name (400 Multiple lead groups found), so we refuse it before sending."""
    groups = TitleList([Title("Expo"), Title("Expo"), Title("Website")])
    assert groups.find("expo").fault == "ambiguous"


def test_an_exact_spelling_tells_two_titles_apart_that_differ_in_case():
    """Forgiving case must not make a title unreachable that can be named exactly."""
    labels = TitleList([Title("VIP"), Title("vip")])
    assert labels.find("vip").title == "vip"
    assert labels.find("Vip").fault == "ambiguous"


def test_a_disabled_namesake_does_not_hide_the_active_title():
    """Only active titles can be attached, so only they count."""
    assert TitleList([Title("Expo", active=False), Title("Expo")]).find("EXPO").title == "Expo"


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["Plots", "Whitefield"], ["Plots, Whitefield"]),
        (["VIP", "Plots", "Whitefield", "Hot"], ["VIP", "Plots, Whitefield", "Hot"]),
        (["Plots", "Hot"], ["Plots", "Hot"]),
        (["a", "b", "c"], ["a, b, c"]),
        ([], []),
    ],
)
def test_a_title_with_a_comma_is_put_together_again(pieces, whole):
    """A cell is split at commas before the account is known; the longest title of the account wins."""
    titles = TitleList(
        [Title("Plots, Whitefield"), Title("VIP"), Title("Hot"), Title("Plots"), Title("a; b, c")]
    )
    assert whole_titles(pieces, titles) == whole


@given(st.lists(st.text(alphabet="ab ", min_size=1, max_size=4), max_size=6))
def test_no_piece_is_lost_or_moved(pieces):
    """Putting pieces together changes nothing but where the cuts are."""
    titles = TitleList([Title("a, b"), Title("b"), Title("a, a, b")])
    assert ", ".join(whole_titles(pieces, titles)) == ", ".join(pieces)


@given(st.text(max_size=12))
def test_looseness_is_idempotent(text):
    """A loose text is its own loose text, so keys can be compared."""
    assert normalize_title(normalize_title(text)) == normalize_title(text)
