"""The way to the account: one spelling of its address, and sentences for what cannot be meant."""

import pytest

from importer.credentials import find_credentials, normalize_base_url
from importer.errors import MissingKeyError, UsageError


@pytest.mark.parametrize(
    ("spelled", "known_as"),
    [
        ("https://crm.example/superfone", "https://crm.example/superfone"),
        (" HTTPS://CRM.Example:443/superfone/ ", "https://crm.example/superfone"),
        ("https://crm.example.//superfone//", "https://crm.example/superfone"),
        ("https://crm.example:8443", "https://crm.example:8443"),
        ("https://crm.example/Superfone?", "https://crm.example/Superfone"),
        ("http://LOCALHOST:80/x", "http://localhost/x"),
        ("http://localhost:443/x", "http://localhost:443/x"),
        ("http://[0:0:0:0:0:0:0:1]:8000/x/", "http://[::1]:8000/x"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_an_address_has_one_spelling(spelled, known_as):
    """Or the memory of the notes that were sent would not know the account again, and send them twice."""
    assert normalize_base_url(spelled) == known_as
    assert normalize_base_url(known_as) == known_as


@pytest.mark.parametrize(
    "text",
    [
        "",
        "crm.example",
        "ftp://crm.example",
        "https://",
        "https://[",
        "https://[::1",
        "https://[::1]x",
        "https://a..b/",
        f"https://{'a' * 300}.example",
        "https://\uff43rm.example",
        "https://crm.example/\x01",
        "https://crm.example/a b",
        "https://crm.example:0",
        "https://crm.example:99999",
        "https://crm.example:x",
        "https://me:secret@crm.example",
        "https://:secret@crm.example",
        "https://me@crm.example",
        "https://crm.example/?a=b",
        "https://crm.example/#a",
        "https://crm\udcff.example",
    ],
)
def test_what_is_no_address_is_called_so(text):
    with pytest.raises(UsageError, match="is not an address"):
        normalize_base_url(text)


def test_an_env_file_that_is_no_text(tmp_path):
    (tmp_path / ".env").write_bytes(b"SUPERFONE_API_KEY=\xff\xfe")
    with pytest.raises(MissingKeyError, match="UTF-8"):
        find_credentials({}, tmp_path)
