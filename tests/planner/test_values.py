"""Which values of a field are equal, however the sheet and the CRM write them."""

import pytest

from importer.planner.values import canonicalize, fingerprint

EQUAL = [
    pytest.param("city", "Pune", " Pune\u00a0", id="spaces around a text"),
    pytest.param("first_name", "Zo\u00eb", "Zoe\u0308", id="composed and combining letters"),
    pytest.param("additional_info", "a\r\nb", "a \nb", id="line ends"),
    pytest.param("email", ["A@x.in", "b@x.in"], ["b@x.in", "a@X.in"], id="e-mail as a set in any case"),
    pytest.param("website", "HTTPS://Example.com/", "https://example.com", id="website host and slash"),
    pytest.param("website", "Example.com", "example.com/", id="website without a scheme"),
    pytest.param("deal_value", 120000, "120000.0", id="number by value"),
    pytest.param("address.latitude", 12.5, 12.50, id="coordinate by value"),
    pytest.param("add_labels", ["VIP", "Hot"], ["Hot", "VIP"], id="labels as a set"),
    pytest.param("city", None, "", id="blank text"),
    pytest.param("city", None, " \u00a0", id="blank spaces"),
    pytest.param("email", None, [], id="blank list"),
    pytest.param("add_labels", None, [""], id="blank label"),
]


@pytest.mark.parametrize(("field", "left", "right"), EQUAL)
def test_equal_values_have_one_canonical_value(field, left, right):
    """A difference that no person sees must not become an update."""
    assert canonicalize(field, left) == canonicalize(field, right)


DIFFERENT = [
    pytest.param("city", "Pune", "pune", id="case of a text"),
    pytest.param("website", "https://example.com/A", "https://example.com/a", id="case of a path"),
    pytest.param("website", "https://example.com", "http://example.com", id="scheme"),
    pytest.param("email", ["a@x.in"], ["a@x.in", "b@x.in"], id="one more address"),
    pytest.param("deal_value", 0, None, id="zero is not blank"),
    pytest.param("deal_value", 120000, 12000, id="other number"),
    pytest.param("additional_info", "a\nb", "a b", id="line end is not a space"),
]


@pytest.mark.parametrize(("field", "left", "right"), DIFFERENT)
def test_different_values_stay_different(field, left, right):
    """A difference that a person sees must be shown."""
    assert canonicalize(field, left) != canonicalize(field, right)


def test_fingerprint_needs_the_key_and_names_the_field():
    """The memory of values reveals none of them, and equal texts in two fields are not the same."""
    assert fingerprint(b"k", "city", "Pune") == fingerprint(b"k", "city", "Pune")
    assert fingerprint(b"k", "city", "Pune") != fingerprint(b"other", "city", "Pune")
    assert fingerprint(b"k", "city", "Pune") != fingerprint(b"k", "source", "Pune")
    assert fingerprint(b"k", "email", frozenset({"a", "b"})) == fingerprint(
        b"k", "email", frozenset({"b", "a"})
    )
