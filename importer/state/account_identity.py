"""Which account a key opens. The API does not say it, so the account's lists are compared (decision 0011).

Two keys may open one account, and then they share its lock and its memory. So a new key gets an account of its own
only where its lists prove that it is another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from importer.credentials import Credentials
from importer.fields import Dropdown
from importer.models.mapping import AccountTitles

_IDENTIFYING_LISTS = (Dropdown.STAGE, Dropdown.GROUP)
"""Lists that each account has of its own. Source types are the same everywhere."""


class AccountTraits(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of an account's lists tell about it. Both sets are empty where the CRM gives no such ids."""

    org_ids: frozenset[str] = frozenset()
    list_ids: frozenset[str] = frozenset()


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that this machine has sent to: its address, fingerprints of its keys, and all traits ever seen.

    `name` is that of its folder.
    """

    name: str
    base_url: str
    keys: frozenset[str] = frozenset()
    traits: AccountTraits = AccountTraits()

    def learn(self, key: str, traits: AccountTraits) -> KnownAccount:
        """Return the account with one more key and more list ids. The organisation is the one seen last."""
        merged = AccountTraits(
            org_ids=traits.org_ids or self.traits.org_ids,
            list_ids=self.traits.list_ids | traits.list_ids,
        )
        return msgspec.structs.replace(self, keys=self.keys | {key}, traits=merged)


class AccountIdentity(msgspec.Struct, frozen=True):
    """The address of an account and the fingerprint of its key: all that judging needs to know, and no secret."""

    base_url: str
    key: str


def identify_account(credentials: Credentials) -> AccountIdentity:
    """Return the account that the credentials open, without the key itself."""
    return AccountIdentity(credentials.base_url, fingerprint_key(credentials))


def fingerprint_key(credentials: Credentials) -> str:
    """Return 16 hex digits that identify base address and key, and reveal nothing about the key."""
    return hashlib.sha256(f"{credentials.base_url}\0{credentials.key.reveal()}".encode()).hexdigest()[:16]


def read_traits(titles: AccountTitles) -> AccountTraits:
    """Return what the lists tell about their account."""
    found = [(name, title) for name in _IDENTIFYING_LISTS for title in titles.get(name, ())]
    return AccountTraits(
        org_ids=frozenset(title.org_id for _, title in found if title.org_id),
        list_ids=frozenset(f"{name.value} {title.id}" for name, title in found if title.id),
    )


def is_same_account(
    one: AccountIdentity, one_titles: AccountTitles, other: AccountIdentity, other_titles: AccountTitles
) -> bool:
    """Return whether two keys certainly open one account: they are equal, or their lists have rows in common."""
    if one.base_url != other.base_url:
        return False
    traits, other_traits = read_traits(one_titles), read_traits(other_titles)
    if traits.org_ids and other_traits.org_ids:
        return not traits.org_ids.isdisjoint(other_traits.org_ids)
    return one.key == other.key or not traits.list_ids.isdisjoint(other_traits.list_ids)


def choose_account(
    known: Sequence[KnownAccount], base_url: str, key: str, traits: AccountTraits
) -> KnownAccount | None:
    """Return the account that the key opens, or None if it is none of the known ones.

    Of several that it may be, the one with the most in common: its own key counts more than ids.
    """
    possible = [
        account
        for account in known
        if account.base_url == base_url and not _is_other_account(account, key, traits)
    ]
    return max(
        possible,
        key=lambda account: (key in account.keys, len(account.traits.list_ids & traits.list_ids)),
        default=None,
    )


def _is_other_account(account: KnownAccount, key: str, traits: AccountTraits) -> bool:
    """Return whether it is certain that the key opens another account.

    A key opens the same account all its life. Only a practice CRM that was started again has the old key and another
    organisation.
    """
    if account.traits.org_ids and traits.org_ids:
        return account.traits.org_ids.isdisjoint(traits.org_ids)
    if key in account.keys:
        return False
    both_have_ids = bool(account.traits.list_ids and traits.list_ids)
    return both_have_ids and account.traits.list_ids.isdisjoint(traits.list_ids)
