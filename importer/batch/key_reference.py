"""Where the key of an account is: `env:NAME`, `file:PATH` or `keyring:NAME`. The key itself is read where a request is made."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import assert_never

import msgspec

from importer.credentials import Secret, build_secret, read_keyring
from importer.errors import MissingKeyError
from importer.messages import batch_messages

_MAX_KEY_BYTES = 10_000  # a device such as /dev/zero never ends


class KeyPlace(StrEnum):
    """The kinds of places that a reference can name."""

    ENVIRONMENT = "env"
    FILE = "file"
    KEYRING = "keyring"


class KeyReference(msgspec.Struct, frozen=True):
    """The place of a key. It is no secret, so it may stand in a manifest, in a log and in a task."""

    place: KeyPlace
    name: str

    def __str__(self) -> str:
        return f"{self.place}:{self.name}"


def parse_key_reference(text: str) -> KeyReference | None:
    """Return the reference, or None for text that is none. That text may be a key, so it must not be shown."""
    place, _, name = text.strip().partition(":")
    if place not in set(KeyPlace) or not name.strip():
        return None
    return KeyReference(KeyPlace(place), name.strip())


def read_key(reference: KeyReference, folder: Path, environ: Mapping[str, str]) -> Secret:
    """Return the key. A relative file is beside the manifest, in `folder`. Raises MissingKeyError."""
    match reference.place:
        case KeyPlace.ENVIRONMENT:
            text = environ.get(reference.name)
        case KeyPlace.FILE:
            text = _read_file(folder, reference.name)
        case KeyPlace.KEYRING:
            text = read_keyring(reference.name)
        case _:
            assert_never(reference.place)
    if not text or not text.strip():
        raise MissingKeyError(*batch_messages.NO_KEY[reference.place].format(name=reference.name))
    return build_secret(text, str(reference))


def _read_file(folder: Path, name: str) -> str | None:
    try:
        with (folder / Path(name).expanduser()).open("rb") as file:
            return file.read(_MAX_KEY_BYTES).decode("utf-8-sig")
    except (OSError, ValueError, RuntimeError):  # a NUL in the name, no UTF-8, no such user (~nobody/key)
        return None
