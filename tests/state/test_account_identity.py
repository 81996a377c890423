"""Which account a key opens: two keys of one account share its memory, two accounts never do."""

import pytest

from importer.credentials import Credentials, Secret
from importer.fields import Dropdown
from importer.models.mapping import Title
from importer.state.account_identity import (
    AccountTraits,
    KnownAccount,
    choose_account,
    fingerprint_key,
    read_traits,
)

URL = "https://crm.example"
IDS = frozenset({"lead-stage 1", "lead-stage 2"})


def build_traits(*ids, org=None):
    return AccountTraits(org_ids=frozenset({org} if org else ()), list_ids=frozenset(ids))


def build_known(name="a", keys=("k1",), base_url=URL, **traits):
    return KnownAccount(name=name, base_url=base_url, keys=frozenset(keys), traits=AccountTraits(**traits))


@pytest.mark.parametrize(
    ("known", "found", "key", "is_same"),
    [
        (build_traits("s 1", "s 2"), build_traits("s 1", "s 2"), "k2", True),
        (build_traits("s 1", "s 2"), build_traits("s 2", "s 9"), "k2", True),
        (build_traits("s 1", "s 2"), build_traits("s 8", "s 9"), "k2", False),
        (build_traits("s 1", "s 2"), build_traits("s 8", "s 9"), "k1", True),
        (build_traits("s 1"), build_traits(), "k2", True),
        (build_traits(), build_traits("s 1"), "k2", True),
        (build_traits("s 1", org="7"), build_traits("s 1", org="8"), "k2", False),
        (build_traits("s 1", org="7"), build_traits("s 1", org="8"), "k1", False),
        (build_traits("s 1", org="7"), build_traits("s 9", org="7"), "k2", True),
        (build_traits("s 1", org="7"), build_traits("s 1"), "k2", True),
        (build_traits("s 1", org="7"), build_traits("s 9"), "k2", False),
    ],
    ids=[
        "same lists",
        "lists that changed",
        "other lists",
        "the same key, whatever the lists",
        "no ids now",
        "no ids before",
        "other organisation",
        "a practice CRM started anew",
        "same organisation",
        "organisation not told, same lists",
        "organisation not told, other lists",
    ],
)
def test_key_opens_a_known_account_unless_its_lists_prove_another(known, found, key, is_same):
    """Where it cannot be told, the accounts count as one: a note that is held back can be sent, a doubled one stays."""
    account = KnownAccount(name="a", base_url=URL, keys=frozenset({"k1"}), traits=known)
    assert (choose_account([account], URL, key, found) is account) == is_same


def test_address_tells_accounts_apart():
    """Two CRMs have nothing in common, even with one key."""
    account = build_known(list_ids=IDS)
    assert choose_account([account], "https://other.example", "k1", account.traits) is None


def test_account_of_the_key_comes_before_one_with_more_in_common():
    """What the lists look like is only a guess."""
    own, similar = build_known("own", ["k1"]), build_known("similar", ["k2"], list_ids=IDS)
    assert choose_account([similar, own], URL, "k1", AccountTraits(list_ids=IDS)) is own


def test_new_key_joins_the_account_with_the_most_in_common():
    """An account without ids may be any, one with the same ids is most likely it."""
    unclear, similar = build_known("unclear"), build_known("similar", ["k2"], list_ids=IDS)
    assert choose_account([unclear, similar], URL, "k3", AccountTraits(list_ids=IDS)) is similar


def test_account_remembers_ids_of_lists_that_were_removed():
    """A key that comes a year later still finds one stage of then."""
    account = build_known(list_ids=frozenset({"s 1"})).learn("k2", build_traits("s 2", org="7"))
    assert account.keys == {"k1", "k2"}
    assert account.traits == build_traits("s 1", "s 2", org="7")
    assert account.learn("k2", build_traits()).traits == account.traits


def test_traits_are_those_of_the_account_s_own_lists():
    """Source types have no id, and labels come and go."""
    titles = {
        Dropdown.SOURCE_TYPE: (Title("OTHERS"),),
        Dropdown.STAGE: (Title("New", id="1", org_id="7"), Title("Old", active=False, id="2")),
        Dropdown.GROUP: (Title("Walk-ins", id="1"),),
        Dropdown.LABEL: (Title("VIP", id="5"),),
    }
    assert read_traits(titles) == build_traits("lead-stage 1", "lead-stage 2", "lead-group 1", org="7")


def test_fingerprint_tells_keys_and_addresses_apart():
    """Each of both is a part of it, and neither can be read from it."""
    of = [fingerprint_key(Credentials(url, Secret(key))) for url in (URL, "http://x") for key in ("k1", "k2")]
    assert len(set(of)) == 4
    assert all(len(one) == 16 and "k1" not in one for one in of)
