"""The base address of the account has one spelling, and wrong ones are refused."""

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
def test_base_url_has_one_spelling(spelled, known_as):
    """The note ledger identifies an account by its address: with two spellings it would send notes twice."""
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
def test_wrong_base_url_is_refused(text):
    """The error names the variable and shows the address."""
    with pytest.raises(UsageError, match="is not an address"):
        normalize_base_url(text)


def test_env_file_must_be_utf8(tmp_path):
    """The error says what to do instead of showing a traceback."""
    (tmp_path / ".env").write_bytes(b"SUPERFONE_API_KEY=\xff\xfe")
    with pytest.raises(MissingKeyError, match="UTF-8"):
        find_credentials({}, tmp_path)
