"""The way to the account: its base address in one spelling, and the key, which shows itself to nobody."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from importer.errors import MissingKeyError, UsageError

DEFAULT_BASE_URL = "https://prod-api.superfone.co.in/superfone"
ENV_FILE = ".env"
API_KEY_VARIABLE = "SUPERFONE_API_KEY"
BASE_URL_VARIABLE = "SUPERFONE_BASE_URL"

_PORTS = {"http": 80, "https": 443}
_PLACE = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^@:\[\]]+)(?::\d*)?")  # no name or password in front
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


class Secret:
    """The API key. It shows itself only to who asks by `reveal`, never in a log, traceback or report."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself: for the request header, and for nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a secret does not travel between processes")


class Credentials(msgspec.Struct, frozen=True):
    """Where the account is, and the key to it."""

    base_url: str
    key: Secret


def find_credentials(environ: Mapping[str, str], folder: Path) -> Credentials:
    """Base address and key: from the environment, else `.env` in `folder`, else the OS keyring.

    Raises MissingKeyError with how to set one, UsageError for an address that the key must not travel to.
    """
    if environ.get(API_KEY_VARIABLE):
        named = environ
    else:
        named = {**_read_env_file(folder / ENV_FILE), **{k: v for k, v in environ.items() if v}}
    base_url = normalize_base_url(named.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL)
    key = (named.get(API_KEY_VARIABLE) or _from_keyring(base_url) or "").strip()
    if not key:
        raise MissingKeyError(
            "No API key was given.",
            f'Set it first: export {API_KEY_VARIABLE}="..." (Windows PowerShell: $env:{API_KEY_VARIABLE}="..."). Superfone gives you the key. '
            "To practise without one: importer sandbox",
        )
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise MissingKeyError(
            "The API key holds a space or a character that no key has.",
            f"Set {API_KEY_VARIABLE} again, by copy and paste.",
        )
    return Credentials(base_url, Secret(key))


def normalize_base_url(text: str) -> str:
    """The base address in its one spelling. Plain http is refused except to this machine.

    The memory of the notes that were sent knows an account by it, so `HTTPS://Host:443//x/` must not be another
    than `https://host/x`. Raises UsageError for what is no address.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = _host_of(parts.hostname or ""), parts.port
    except ValueError:
        raise _no_address(text) from None
    plain = _PLACE.fullmatch(parts.netloc) and re.fullmatch(r"[\x21-\x7e]+", text.strip())
    if not plain or parts.scheme not in _PORTS or port == 0 or parts.query or parts.fragment:
        raise _no_address(text)
    if parts.scheme == "http" and not is_loopback(host.strip("[]")):
        raise UsageError(
            f"{BASE_URL_VARIABLE} is plain http ({text}), so everybody on the way could read the key.",
            "Use https.",
        )
    shown_port = f":{port}" if port not in (None, _PORTS[parts.scheme]) else ""
    path = re.sub("/{2,}", "/", parts.path).rstrip("/")
    return f"{parts.scheme}://{host}{shown_port}{path}"


def _no_address(text: str) -> UsageError:
    return UsageError(
        f"{BASE_URL_VARIABLE} is not an address: {text!r}.", f"It looks like {DEFAULT_BASE_URL}."
    )


def _host_of(name: str) -> str:
    """A host's name or number in its one spelling. Raises ValueError for what can be none."""
    if ":" in name:
        return f"[{ip_address(name)}]"
    host = name.removesuffix(".")
    if not _HOST.fullmatch(host):
        raise ValueError("a name that no host has")
    return host


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: nobody is on the way, and no proxy need be."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read_env_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - only where such a file lies

    try:
        found = {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    except UnicodeDecodeError:
        raise MissingKeyError(
            f"{path} is not a text file in UTF-8.", "Save it as one, or set the key another way."
        ) from None
    if (
        API_KEY_VARIABLE in found
        and os.name == "posix"
        and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ):
        raise MissingKeyError(
            f"Others on this machine can read the key in {path}.", f"Close it first: chmod 600 {path}"
        )
    return found


def _from_keyring(base_url: str) -> str | None:
    """The key that `keyring set superfone-importer BASE_URL` keeps, where the extra is installed."""
    try:
        import keyring  # noqa: PLC0415 - an optional extra

        found: str | None = keyring.get_password("superfone-importer", base_url)
    except Exception:  # noqa: BLE001 - none here, none for this session (cron), or one that is set up wrongly: each raises its own
        return None  # the advice of MissingKeyError says what to do
    return found
