"""The phones of an account's team by the names that sheets have for them: the CRM takes the phone of a lead's owner.

They are answers of a person, kept in the account's folder so that no name is asked about twice. The CRM has no list of the
team, so a wrong phone is only found when the CRM refuses it. It is then forgotten (pipeline/resolve_owners.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from importer.atomic_file import replace_file
from importer.errors import NothingSentError
from importer.messages import run_messages
from importer.state.disk_errors import translate_write_errors

OWNERS_NAME = "owners.json"


def read_owner_phones(account: Path) -> dict[str, str]:
    """Return the phone of each known name. Raises NothingSentError for a damaged file: a lead could get no owner.

    A file that is missing or cannot be opened is like an empty one.
    """
    path = account / OWNERS_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except OSError:
        return {}
    except ValueError as error:
        raise NothingSentError(*run_messages.UNREADABLE_OWNERS.format(path=path, error=error)) from error


def update_owner_phones(account: Path, changes: Mapping[str, str]) -> None:
    """Remember the phone of each name in `changes`, and forget a name without one. Raises DiskWriteError."""
    known = read_owner_phones(account)
    updated = {name: phone for name, phone in {**known, **changes}.items() if phone}
    if updated == known:
        return
    temporary = account / f".{OWNERS_NAME}.new"
    with translate_write_errors(account):
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(updated, order="sorted")))
            file.flush()
            os.fsync(file.fileno())
        replace_file(temporary, account / OWNERS_NAME)
