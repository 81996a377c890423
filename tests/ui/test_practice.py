"""The practice CRM of a reports folder: one for all `importer ui` over it, always at the same address."""

import pytest

from importer.pipeline.account_lists import fetch_account_titles
from importer.settings import Settings
from importer.ui.practice import PracticeCrm


@pytest.fixture
def two(tmp_path):
    """The practice CRM as two commands see it."""
    found = PracticeCrm(tmp_path), PracticeCrm(tmp_path)
    yield found
    for one in found:
        one.close()


def read_lists(credentials):
    return fetch_account_titles(credentials, Settings(timeout=5.0, max_wait=5.0), lambda _: None)


def test_two_pages_share_it_and_the_second_takes_over(two):
    """Runs know their CRM by its address: it may not move because another page was opened and closed."""
    first, second = two
    address = first.start().base_url
    assert second.start().base_url == address
    assert second.page_url == first.page_url
    second.close()  # the one that uses it stops nothing
    assert read_lists(first.start())
    first.close()
    assert second.start().base_url == address
    assert read_lists(second.start())


def test_it_keeps_its_address_after_a_restart(tmp_path):
    addresses = set()
    for _ in range(2):
        practice = PracticeCrm(tmp_path)
        addresses.add(practice.start().base_url)
        practice.close()
    assert len(addresses) == 1
