"""Find the API key and the base address of the account, and keep the key out of everything that is printed."""

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
from importer.messages import settings_messages

DEFAULT_BASE_URL = "https://prod-api.superfone.co.in/superfone"
ENV_FILE = ".env"
API_KEY_VARIABLE = "SUPERFONE_API_KEY"
BASE_URL_VARIABLE = "SUPERFONE_BASE_URL"

_KEYRING_SERVICE = "superfone-importer"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_VISIBLE_ASCII = re.compile(
    r"[\x21-\x7e]+"
)  # no blank, no letter beyond ASCII: what a header and an address may hold
_NETLOC = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[^@:\[\]]+)(?::\d*)?"
)  # `host:8000`, `[::1]`; no `user:password@host`
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*"
)  # `crm.example`: labels of 1 to 63


class Secret:
    """The API key. Only `reveal` returns it; logs, tracebacks and reports show `Secret('***')`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself: for the request header, and for removing it from logs."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a secret cannot be sent to another process")


class Credentials(msgspec.Struct, frozen=True):
    """The base address of the account and its API key."""

    base_url: str
    key: Secret


def find_credentials(environ: Mapping[str, str], folder: Path, *, typed_key: str = "") -> Credentials:
    """Return the base address and key from the environment, else from `.env` in `folder`, else from the OS keyring.

    A key that a person has typed goes before all of them. Raises MissingKeyError if there is no key, UsageError for an address that the key must not be sent to.
    """
    if environ.get(API_KEY_VARIABLE):
        values = environ
    else:
        values = {**_read_env_file(folder / ENV_FILE), **{k: v for k, v in environ.items() if v}}
    base_url = normalize_base_url(values.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL)
    key = (typed_key or values.get(API_KEY_VARIABLE) or read_keyring(base_url) or "").strip()
    if not key:
        raise MissingKeyError(*settings_messages.NO_KEY.format(variable=API_KEY_VARIABLE))
    return Credentials(base_url, build_secret(key, API_KEY_VARIABLE))


def build_secret(text: str, place: str) -> Secret:
    """Return the key. Raises MissingKeyError for text that no header can hold; `place` is where it was found."""
    if not _VISIBLE_ASCII.fullmatch(text.strip()):
        raise MissingKeyError(*settings_messages.MALFORMED_KEY.format(variable=place))
    return Secret(text.strip())


def normalize_base_url(text: str) -> str:
    """Return the base address in one spelling. Raises UsageError for other text, and for plain http to other machines.

    The note ledger identifies an account by its address, so `HTTPS://Host:443//x/` must equal `https://host/x`.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = _normalize_host(parts.hostname or ""), parts.port
    except ValueError:
        raise _build_address_error(text) from None
    is_well_formed = _NETLOC.fullmatch(parts.netloc) and _VISIBLE_ASCII.fullmatch(text.strip())
    if not is_well_formed or parts.scheme not in _DEFAULT_PORTS or port == 0 or parts.query or parts.fragment:
        raise _build_address_error(text)
    if parts.scheme == "http" and not is_loopback(host.strip("[]")):
        raise UsageError(*settings_messages.PLAIN_HTTP.format(variable=BASE_URL_VARIABLE, text=text))
    port_text = f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else ""
    path = re.sub("/{2,}", "/", parts.path).rstrip("/")
    return f"{parts.scheme}://{host}{port_text}{path}"


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine: nobody can listen on the way, and no proxy is needed."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _build_address_error(text: str) -> UsageError:
    return UsageError(
        *settings_messages.NOT_AN_ADDRESS.format(
            variable=BASE_URL_VARIABLE, text=text, example=DEFAULT_BASE_URL
        )
    )


def _normalize_host(name: str) -> str:
    """Return the name or IP address of a host in one spelling. Raises ValueError if it is neither."""
    if ":" in name:
        return f"[{ip_address(name)}]"
    host = name.removesuffix(".")
    if not _HOST.fullmatch(host):
        raise ValueError("not a host name")
    return host


def _read_env_file(path: Path) -> dict[str, str]:
    """Return the values of a `.env` file. Raises MissingKeyError if it holds the key and others can read it."""
    if not path.is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file

    try:
        values = {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    except UnicodeDecodeError:
        raise MissingKeyError(*settings_messages.ENV_FILE_NOT_UTF8.format(path=path)) from None
    if API_KEY_VARIABLE in values and _is_readable_by_others(path):
        raise MissingKeyError(*settings_messages.ENV_FILE_NOT_PRIVATE.format(path=path))
    return values


def _is_readable_by_others(path: Path) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def read_keyring(name: str) -> str | None:
    """Return the key that `keyring set superfone-importer NAME` saved, if the optional package is installed.

    The name is the base address of the account, or the one that a manifest gives.
    """
    try:
        import keyring  # noqa: PLC0415 - an optional extra

        key: str | None = keyring.get_password(_KEYRING_SERVICE, name)
    except Exception:  # noqa: BLE001 - not installed, no session (cron), or set up wrongly: each raises its own error
        return None  # the advice of MissingKeyError says what to do
    return key
