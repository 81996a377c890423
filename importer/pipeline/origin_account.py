"""Whether the key opens the account of the run that wrote a sheet."""

from __future__ import annotations

from enum import Enum, auto

from importer.credentials import normalize_base_url
from importer.journal.run_metadata import RunMetadata
from importer.pipeline.context import RunContext
from importer.state.account_identity import (
    AccountIdentity,
    KnownAccount,
    choose_account,
    is_same_account,
    read_traits,
)


class OriginAccount(Enum):
    """Whether the key opens the account of the run that wrote a sheet."""

    SAME = auto()
    OTHER = auto()
    UNKNOWN = auto()  # another key, and lists without ids


def compare_account(origin: RunMetadata, context: RunContext) -> OriginAccount:
    """Return whether the run was for the account that the key opens; SAME at another address, which says enough."""
    account, identity = context.account, context.identity
    assert account is not None
    if origin.account == identity.key or is_other_address(origin, identity.base_url):
        return OriginAccount.SAME
    if origin.account not in account.keys and _is_other_account(origin, context, account.other_keys):
        return OriginAccount.OTHER
    of_run = AccountIdentity(identity.base_url, origin.account)
    is_same = is_same_account(of_run, origin.titles, identity, context.titles)
    return OriginAccount.SAME if is_same else OriginAccount.UNKNOWN


def _is_other_account(origin: RunMetadata, context: RunContext, other_keys: frozenset[str]) -> bool:
    """Return whether the run was certainly for another account: this computer knows it, or no id of its lists exists."""
    base_url, traits = context.identity.base_url, read_traits(context.titles)
    of_run = KnownAccount(
        name="", base_url=base_url, keys=frozenset({origin.account}), traits=read_traits(origin.titles)
    )
    is_possible = choose_account([of_run], base_url, context.identity.key, traits) is not None
    return origin.account in other_keys or not is_possible


def is_other_address(origin: RunMetadata, base_url: str) -> bool:
    """Return whether the run was for another CRM. Early versions kept the address as it was typed."""
    return base_url not in (origin.base_url, normalize_base_url(origin.base_url))
