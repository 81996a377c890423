"""The API key: where it may come from, and that it is never shown."""

import copy
import pickle
import sys
import traceback
import types
from pathlib import Path

import pytest

from importer.credentials import DEFAULT_BASE_URL, Credentials, Secret, find_credentials
from importer.errors import MissingKeyError, UsageError

KEY = "canary-KEY-7f3a9b"


def test_secret_is_never_shown():
    """Not in a log, not in the local variables of a traceback, not on its way to another process."""
    secret = Secret(KEY)
    credentials = Credentials(DEFAULT_BASE_URL, secret)
    assert secret.reveal() == KEY
    assert KEY not in f"{secret} {secret!r} {credentials} {credentials!r} {[secret]} {secret:}"
    for way in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            way(secret)
    try:
        int(secret)
    except TypeError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "KEY = " in text or KEY not in text.replace(f"KEY = {KEY!r}", "")


def write_env_file(folder, text, mode=0o600):
    path = folder / ".env"
    path.write_text(text)
    path.chmod(mode)
    return folder


def test_environment_overrides_env_file(tmp_path):
    """A key from the environment is not sent to an address from the file."""
    write_env_file(tmp_path, "SUPERFONE_API_KEY=from-file\nSUPERFONE_BASE_URL=https://file.example\n")
    found = find_credentials({"SUPERFONE_API_KEY": "from-env"}, tmp_path)
    assert found.key.reveal() == "from-env"
    assert found.base_url == DEFAULT_BASE_URL  # a key is not sent to an address from somewhere else


def test_env_file_has_key_and_address(tmp_path):
    """Values are used as they are, without replacing variables."""
    write_env_file(tmp_path, 'SUPERFONE_API_KEY="k$HOME"\nSUPERFONE_BASE_URL=https://file.example/s/\n')
    found = find_credentials({}, tmp_path)
    assert found.key.reveal() == "k$HOME"  # not expanded
    assert found.base_url == "https://file.example/s"


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_env_file_readable_by_others_is_refused(tmp_path, mode):
    """A key in the environment does not need the file."""
    write_env_file(tmp_path, "SUPERFONE_API_KEY=k\n", mode)
    with pytest.raises(MissingKeyError, match="Others on this machine") as raised:
        find_credentials({}, tmp_path)
    assert "chmod 600" in raised.value.advice
    assert find_credentials({"SUPERFONE_API_KEY": "k"}, tmp_path).key.reveal() == "k"


def install_keyring(monkeypatch, answer):
    """Install a fake keyring package; return the list of what it is asked for."""
    asked = []

    def get_password(service, name):
        asked.append((service, name))
        if isinstance(answer, Exception):
            raise answer
        return answer

    module = types.ModuleType("keyring")
    module.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", module)
    return asked


def test_keyring_has_key_for_each_address(tmp_path, monkeypatch):
    """A sandbox and the real CRM have different keys."""
    asked = install_keyring(monkeypatch, "from-keyring")
    found = find_credentials({"SUPERFONE_BASE_URL": "https://crm.example/superfone"}, tmp_path)
    assert found.key.reveal() == "from-keyring"
    assert asked == [("superfone-importer", "https://crm.example/superfone")]


@pytest.mark.parametrize(
    "answer", [None, RuntimeError("no DBUS_SESSION_BUS_ADDRESS"), ValueError("keyringrc.cfg")]
)
def test_keyring_without_key_is_not_an_error(tmp_path, monkeypatch, answer):
    """Under cron there is no session for the keyring, which raises many kinds of errors."""
    install_keyring(monkeypatch, answer)
    with pytest.raises(MissingKeyError, match="No API key was given"):
        find_credentials({}, tmp_path)


def test_keyring_is_optional(tmp_path, monkeypatch):
    """The package may not be installed."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingKeyError):
        find_credentials({}, tmp_path)


@pytest.mark.parametrize("key", ["two words", "tab\tin", "line\nbreak", "schlüssel", "\u200bkey"])
def test_malformed_key_is_refused_but_not_shown(tmp_path, key):
    """A line break in a header would be an attack; the error must not print the key."""
    with pytest.raises(MissingKeyError) as raised:
        find_credentials({"SUPERFONE_API_KEY": key}, tmp_path)
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example/superfone",
        "http://127.0.0.1.example/superfone",
        "http://localhost.example",
        "ftp://crm.example",
        "https://user:pass@crm.example",
        "https://crm.example/?x=1",
        "https://crm.example:99999",
        "crm.example",
    ],
)
def test_key_is_not_sent_to_unsafe_address(tmp_path, url):
    """Plain http, other schemes, and addresses with a password or a query are refused."""
    with pytest.raises(UsageError):
        find_credentials({"SUPERFONE_API_KEY": "k", "SUPERFONE_BASE_URL": url}, Path(tmp_path))


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("http://127.0.0.1:8000/superfone", "http://127.0.0.1:8000/superfone"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:80/s", "http://[::1]/s"),
    ],
)
def test_plain_http_is_allowed_to_loopback(tmp_path, url, spelled):
    """The key does not leave this machine."""
    found = find_credentials({"SUPERFONE_API_KEY": "k", "SUPERFONE_BASE_URL": url}, Path(tmp_path))
    assert found.base_url == spelled
