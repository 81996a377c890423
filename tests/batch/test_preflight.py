"""Before anything is judged: accounts that are one are found, one that does not answer is not waited for, the disk has room."""

from __future__ import annotations

from concurrent.futures import Future
from typing import NamedTuple

import msgspec
import pytest

from importer.batch import preflight
from importer.batch.account_work import FetchedLists
from importer.batch.key_reference import KeyPlace, KeyReference
from importer.batch.manifest import Account, Job, Manifest
from importer.batch.preflight import check_free_space, open_accounts
from importer.errors import NothingSentError, ServerUnavailableError, UsageError
from importer.fields import Dropdown
from importer.models.mapping import Title
from importer.settings import resolve_settings
from importer.state.account_identity import AccountIdentity


class Usage(NamedTuple):
    free: int


def make_lists(name, *, url="https://crm.example", stage_id="", org_id=""):
    titles = {Dropdown.STAGE: (Title("New", id=stage_id, org_id=org_id),)}
    return FetchedLists(AccountIdentity(url, f"key of {name}"), titles)


def make_manifest(folder, *names, **settings):
    key = KeyReference(KeyPlace.ENVIRONMENT, "X")
    jobs = [
        Job(account=name, file=folder / f"{name}.csv", name=f"{name}.csv", settings=resolve_settings({"reports": str(folder / "r"), "run_id": name, **settings}))
        for name in names
    ]  # fmt: skip
    accounts = {name: Account(name=name, key=key, base_url="https://crm.example") for name in names}
    return Manifest(folder=folder, accounts=accounts, jobs=tuple(jobs))


class Answers:
    """Has the lists of all accounts."""

    def __init__(self, **answers):
        self._answers = answers
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self._answers[request.account.name]
        future = Future()
        future.set_exception(answer) if isinstance(answer, Exception) else future.set_result(answer)
        return future


def open_all(folder, **answers):
    manifest = make_manifest(folder, *answers)
    return open_accounts(manifest, manifest.jobs, folder, Answers(**answers))


def test_account_that_cannot_be_opened_leaves_the_others(tmp_path):
    """It is named with the reason, and the batch goes on."""
    error = ServerUnavailableError("The CRM is away.", "Try later.")
    opened, failed = open_all(tmp_path, a=make_lists("a"), b=error)
    assert list(opened) == ["a"]
    assert failed == {"b": "The CRM is away. Try later."}


def test_unexpected_error_of_an_account_leaves_the_others(tmp_path):
    """No account waits for what happens in another one, whatever it is. Its text is not shown: it may hold a key."""
    opened, failed = open_all(tmp_path, a=make_lists("a"), b=RuntimeError("secret"))
    assert list(opened) == ["a"]
    assert failed == {
        "b": "The account could not be opened (RuntimeError). Check the place of its key in the manifest."
    }


def test_file_that_cannot_exist_needs_no_room(tmp_path):
    """Its job says what is wrong with it."""
    (job,) = make_manifest(tmp_path, "a").jobs
    check_free_space([msgspec.structs.replace(job, file=tmp_path / "a\0b.csv")], tmp_path / "r")


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ({"stage_id": "1"}, {"stage_id": "2"}, False),
        ({"stage_id": "1"}, {"stage_id": "1"}, True),
        ({"org_id": "o"}, {"org_id": "o"}, True),
        ({"org_id": "o", "stage_id": "1"}, {"org_id": "p", "stage_id": "1"}, False),
        ({"stage_id": "1"}, {"stage_id": "1", "url": "https://other.example"}, False),
        ({}, {}, False),
    ],
)
def test_two_keys_of_one_account_are_found_by_its_lists(tmp_path, first, second, is_same):
    """Two processes would send to one account, with no order between its sheets."""
    answers = {"a": make_lists("a", **first), "b": make_lists("b", **second)}
    if not is_same:
        assert len(open_all(tmp_path, **answers)[0]) == 2
        return
    with pytest.raises(UsageError, match="a and b open the same account"):
        open_all(tmp_path, **answers)


@pytest.mark.parametrize(("max_wait", "expected"), [(900, 60), (5, 5)])
def test_crm_that_pushes_back_is_not_waited_for_long(tmp_path, max_wait, expected):
    """All accounts wait in the preflight, so one of them may not take --max-wait."""
    manifest = make_manifest(tmp_path, "a", max_wait=max_wait)
    fetch = Answers(a=make_lists("a"))
    open_accounts(manifest, manifest.jobs, tmp_path, fetch)
    assert fetch.requests[0].settings.max_wait == expected


def test_disk_must_have_room_for_the_journals(tmp_path, monkeypatch):
    """A journal takes up to four times its CSV. What is on the disk already needs no room."""
    manifest = make_manifest(tmp_path, "a", "b")
    for job in manifest.jobs:
        job.file.write_bytes(b"x" * 3_000_000)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: Usage(24_000_000))
    check_free_space(manifest.jobs, tmp_path / "r")
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: Usage(23_000_000))
    with pytest.raises(NothingSentError, match=r"has 23 MB free\. The batch may need 24 MB"):
        check_free_space(manifest.jobs, tmp_path / "r")
    manifest.jobs[0].folder.mkdir(parents=True)
    check_free_space(manifest.jobs, tmp_path / "r")
