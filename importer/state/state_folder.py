"""The state folder: what must outlive a reports folder, by account, in one place for all working folders.

    STATE/
      accounts.lock            held for the moment in which an account is found or added
      ACCOUNT/                 named by the fingerprint of its first key
        account.json           address, fingerprints of keys, ids of lists: which account a key opens
        sending.lock, .json    one run at a time sends to the account, and which one it is
        watching.lock, .json   one watcher at a time imports a file into it
        memory.sqlite          notes that were sent, and runs that sent them (state/account_memory.py)
        owners.json            phones of the team by name (state/owner_phones.py)

No phone of a lead, no text of a sheet but the team's names, and no key is in it. See docs/state.md and docs/decisions/0011-state.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs

from importer.atomic_file import fsync_file, fsync_folders, replace_file
from importer.errors import NothingSentError
from importer.messages import run_messages
from importer.models.mapping import AccountTitles
from importer.state.account_identity import (
    AccountIdentity,
    KnownAccount,
    choose_account,
    read_traits,
)
from importer.state.network_drives import find_network_type

STATE_DIR_VARIABLE = "IMPORTER_STATE_DIR"
_APP_NAME = "superfone-importer"
_ACCOUNT_NAME = "account.json"
_MAX_WAIT_S = 10.0  # the lock is held for milliseconds


class AccountState(NamedTuple):
    """The folder of one account's state, and the fingerprints that tell its runs from those of other accounts.

    `keys` are those of the account, the one in use among them. `other_keys` certainly open other accounts.
    """

    folder: Path
    keys: frozenset[str]
    other_keys: frozenset[str] = frozenset()


def find_state_folder(environ: Mapping[str, str]) -> Path:
    """Return the absolute path of the state folder. It need not exist."""
    if given := environ.get(STATE_DIR_VARIABLE, "").strip():
        return Path(given).expanduser().absolute()
    return Path(platformdirs.user_state_dir(_APP_NAME, appauthor=False))


def open_account(state: Path, identity: AccountIdentity, titles: AccountTitles) -> AccountState:
    """Return the state of the account that the key opens, and remember the key. Raises NothingSentError.

    `titles` are the lists that the CRM gave for this key. Without a look at them, a key could join another account.
    """
    return open_account_states(state, [(identity, titles)])[0]


def open_account_states(
    state: Path, accounts: Sequence[tuple[AccountIdentity, AccountTitles]]
) -> list[AccountState]:
    """Do the same for several accounts, with one look at all that are known. Raises NothingSentError."""
    with _translate_errors(state):
        _refuse_network_drive(state)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _lock_accounts(state):
            known = {account.name: account for account in _read_accounts(state)}
            opened = [_find_or_add(state, known, *account) for account in accounts]
            return [_build_state(state, list(known.values()), account) for account in opened]


def find_account(state: Path, identity: AccountIdentity, titles: AccountTitles) -> AccountState:
    """Return the same for a caller that only reads. Its folder is missing if nothing was sent to the account yet.

    A state folder that cannot be read is like an empty one.
    """
    key = identity.key
    try:
        known = _read_accounts(state)
    except (OSError, NothingSentError):
        known = []
    found = choose_account(known, identity.base_url, key, read_traits(titles))
    return AccountState(state / key, frozenset({key})) if found is None else _build_state(state, known, found)


def list_account_folders(state: Path) -> list[Path]:
    """Return the folders of all accounts."""
    return sorted(path.parent for path in state.glob(f"*/{_ACCOUNT_NAME}"))


def _find_or_add(
    state: Path, known: dict[str, KnownAccount], identity: AccountIdentity, titles: AccountTitles
) -> KnownAccount:
    """Return the account, with its key learnt, which is then among the known ones by name."""
    accounts, traits = list(known.values()), read_traits(titles)
    found = choose_account(accounts, identity.base_url, identity.key, traits)
    account = found or KnownAccount(name=_choose_name(accounts, identity.key), base_url=identity.base_url)
    if (learnt := account.learn(identity.key, traits)) != found:
        _write_account(state / account.name, learnt)
    known[learnt.name] = learnt
    return learnt


def _build_state(state: Path, known: list[KnownAccount], account: KnownAccount) -> AccountState:
    others = (other.keys for other in known if other.name != account.name)
    return AccountState(state / account.name, account.keys, frozenset().union(*others) - account.keys)


def _choose_name(known: list[KnownAccount], key: str) -> str:
    """Return a free name. A key has two accounts only where a practice CRM was started again.

    A folder that lost its account.json keeps its memory: it belongs to the key that it is named by.
    """
    taken = {account.name for account in known}
    names = (key, *(f"{key}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _read_accounts(state: Path) -> list[KnownAccount]:
    return [_read_account(folder) for folder in list_account_folders(state)]


def _read_account(folder: Path) -> KnownAccount:
    path = folder / _ACCOUNT_NAME
    try:
        account = msgspec.json.decode(path.read_bytes(), type=KnownAccount)
    except ValueError as error:
        raise NothingSentError(*run_messages.UNREADABLE_ACCOUNT.format(path=path, error=error)) from error
    return msgspec.structs.replace(account, name=folder.name)


def _write_account(folder: Path, account: KnownAccount) -> None:
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{_ACCOUNT_NAME}.new"
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(account, order="deterministic")))
    fsync_file(temporary)
    fsync_folders(replace_file(temporary, folder / _ACCOUNT_NAME))


def _refuse_network_drive(state: Path) -> None:
    """Raise NothingSentError for a drive of another computer: neither locks nor SQLite's shared memory hold there."""
    if (kind := find_network_type(Path(os.path.realpath(state)))) is not None:
        text = run_messages.STATE_ON_NETWORK_DRIVE
        raise NothingSentError(*text.format(folder=state, kind=kind, variable=STATE_DIR_VARIABLE))


@contextmanager
def _lock_accounts(state: Path) -> Iterator[None]:
    """Let one process at a time find or add an account: two would make two folders of one account."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only sending needs it

    try:
        with FileLock(state / "accounts.lock", timeout=_MAX_WAIT_S):
            yield
    except Timeout:
        raise NothingSentError(*run_messages.STATE_IN_USE.format(folder=state)) from None


@contextmanager
def _translate_errors(state: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = run_messages.CANNOT_WRITE_STATE
        reason = error.strerror or str(error)
        raise NothingSentError(
            *text.format(folder=state, reason=reason, variable=STATE_DIR_VARIABLE)
        ) from error
