"""The key: where it may come from, and that it shows itself to nobody who does not ask."""

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


def test_a_secret_shows_itself_to_nobody():
    """Neither in a log, nor in a traceback's locals, nor on its way to another process."""
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
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "KEY = " in told or KEY not in told.replace(f"KEY = {KEY!r}", "")


def env_file(folder, text, mode=0o600):
    path = folder / ".env"
    path.write_text(text)
    path.chmod(mode)
    return folder


def test_the_environment_goes_before_the_env_file(tmp_path):
    env_file(tmp_path, "SUPERFONE_API_KEY=from-file\nSUPERFONE_BASE_URL=https://file.example\n")
    found = find_credentials({"SUPERFONE_API_KEY": "from-env"}, tmp_path)
    assert found.key.reveal() == "from-env"
    assert found.base_url == DEFAULT_BASE_URL  # a key is not sent to an address from somewhere else


def test_the_env_file_gives_key_and_address(tmp_path):
    env_file(tmp_path, 'SUPERFONE_API_KEY="k$HOME"\nSUPERFONE_BASE_URL=https://file.example/s/\n')
    found = find_credentials({}, tmp_path)
    assert found.key.reveal() == "k$HOME"  # taken as it stands
    assert found.base_url == "https://file.example/s"


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_an_env_file_that_others_may_read_is_refused(tmp_path, mode):
    env_file(tmp_path, "SUPERFONE_API_KEY=k\n", mode)
    with pytest.raises(MissingKeyError, match="Others on this machine") as raised:
        find_credentials({}, tmp_path)
    assert "chmod 600" in raised.value.advice
    assert find_credentials({"SUPERFONE_API_KEY": "k"}, tmp_path).key.reveal() == "k"


def keyring_with(monkeypatch, answer):
    """A stand-in for the optional extra."""
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


def test_the_keyring_keeps_a_key_for_each_address(tmp_path, monkeypatch):
    asked = keyring_with(monkeypatch, "from-keyring")
    found = find_credentials({"SUPERFONE_BASE_URL": "https://crm.example/superfone"}, tmp_path)
    assert found.key.reveal() == "from-keyring"
    assert asked == [("superfone-importer", "https://crm.example/superfone")]


@pytest.mark.parametrize(
    "answer", [None, RuntimeError("no DBUS_SESSION_BUS_ADDRESS"), ValueError("keyringrc.cfg")]
)
def test_a_keyring_that_has_none_is_no_fault(tmp_path, monkeypatch, answer):
    """Nor one that cannot be asked: under cron there is no session for it. Besides its own errors it raises many others."""
    keyring_with(monkeypatch, answer)
    with pytest.raises(MissingKeyError, match="No API key was given"):
        find_credentials({}, tmp_path)


def test_without_the_extra_nothing_is_missed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingKeyError):
        find_credentials({}, tmp_path)


@pytest.mark.parametrize("key", ["two words", "tab\tin", "line\nbreak", "schlüssel", "\u200bkey"])
def test_a_key_that_cannot_be_one_is_refused_without_being_told(tmp_path, key):
    """A header that is cut in two by a line break would be an attack; a refusal must not print the key either."""
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
def test_addresses_that_the_key_must_not_travel_to(tmp_path, url):
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
def test_plain_http_stays_on_this_machine(tmp_path, url, spelled):
    found = find_credentials({"SUPERFONE_API_KEY": "k", "SUPERFONE_BASE_URL": url}, Path(tmp_path))
    assert found.base_url == spelled
