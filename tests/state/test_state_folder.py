"""The state folder: where it is, one folder for each account, and what stops a run that cannot use it."""

import os
from pathlib import Path

import pytest

from importer.credentials import Credentials, Secret
from importer.errors import NothingSentError
from importer.fields import Dropdown
from importer.models.mapping import Title
from importer.state import network_drives
from importer.state.account_identity import identify_account
from importer.state.network_drives import Mount
from importer.state.state_folder import (
    STATE_DIR_VARIABLE,
    find_account,
    find_state_folder,
    list_account_folders,
    open_account,
    open_account_states,
)

URL = "https://crm.example"


def build_credentials(key):
    return Credentials(URL, Secret(key))


def build_titles(*ids):
    return {Dropdown.STAGE: tuple(Title(f"Stage {one}", id=one) for one in ids)}


def test_environment_names_the_state_folder(tmp_path, monkeypatch):
    """A relative path is one of the working folder. Without the variable it is the user's own state folder."""
    monkeypatch.chdir(tmp_path)
    assert find_state_folder({STATE_DIR_VARIABLE: " there "}) == tmp_path / "there"
    assert find_state_folder({STATE_DIR_VARIABLE: "~/x"}) == Path.home() / "x"
    for environ in ({}, {STATE_DIR_VARIABLE: " "}):
        assert find_state_folder(environ).name == "superfone-importer"
        assert find_state_folder(environ).is_absolute()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no fsync of a folder")
def test_new_account_is_on_disk_at_once(tmp_path, synced):
    """Its content comes before its name, and its folder's name too: with the folder, its memory of notes would go."""
    folder = open_account(tmp_path / "new" / "state", identify_account(build_credentials("k1")), {}).folder
    assert synced[:4] == [folder / ".account.json.new", folder, folder.parent, tmp_path / "new"]


def test_keys_of_one_account_share_a_folder(tmp_path):
    """The second key has the lists of the first, so it has its lock and its memory too."""
    first = open_account(tmp_path, identify_account(build_credentials("k1")), build_titles("1", "2"))
    second = open_account(tmp_path, identify_account(build_credentials("k2")), build_titles("2", "3"))
    assert first.folder == second.folder
    assert first.keys < second.keys
    assert second.other_keys == frozenset()


def test_accounts_at_one_address_have_folders_of_their_own(tmp_path):
    """Their lists have nothing in common. Each knows which keys are not its own."""
    a = open_account(tmp_path, identify_account(build_credentials("k1")), build_titles("1", "2"))
    b = open_account(tmp_path, identify_account(build_credentials("k2")), build_titles("8", "9"))
    assert a.folder != b.folder
    assert b.other_keys == a.keys
    assert open_account(tmp_path, identify_account(build_credentials("k1")), {}).other_keys == b.keys
    assert len(list_account_folders(tmp_path)) == 2


def test_accounts_opened_together_are_as_if_one_after_another(tmp_path):
    """A batch opens hundreds, with one look at all that are known. Two keys of one account share a folder here too."""
    given = [(identify_account(build_credentials(f"key{n}")), build_titles(f"id{n % 4}")) for n in range(6)]
    single = [open_account(tmp_path / "single", *one) for one in given]
    found = open_account_states(tmp_path / "together", given)
    assert [state.folder.name for state in found] == [state.folder.name for state in single]
    again = [open_account(tmp_path / "together", *one) for one in given]
    assert [state.folder for state in again] == [state.folder for state in found]
    assert [(state.keys, state.other_keys) for state in again] == [
        (state.keys, state.other_keys) for state in [open_account(tmp_path / "single", *one) for one in given]
    ]


def test_known_key_finds_its_account_whatever_its_lists_are(tmp_path):
    """A key opens the same account all its life."""
    made = open_account(tmp_path, identify_account(build_credentials("k1")), build_titles("1"))
    assert open_account(tmp_path, identify_account(build_credentials("k1")), {}) == made
    assert find_account(tmp_path, identify_account(build_credentials("k1")), {}) == made


def test_reading_creates_nothing(tmp_path):
    """`check` needs no state folder."""
    state = tmp_path / "state"
    assert not find_account(state, identify_account(build_credentials("k1")), {}).folder.exists()
    assert not state.exists()
    state.write_text("a file")
    assert find_account(state, identify_account(build_credentials("k1")), {}).other_keys == frozenset()


def test_folder_without_its_description_keeps_its_memory(tmp_path):
    """Someone deletes account.json, as the error for a damaged one says: the memory must not be lost with it."""
    made = open_account(tmp_path, identify_account(build_credentials("k1")), build_titles("1"))
    (made.folder / "account.json").write_text("{")
    with pytest.raises(NothingSentError, match=r"account\.json cannot be read") as raised:
        open_account(tmp_path, identify_account(build_credentials("k1")), build_titles("1"))
    assert "delete it" in raised.value.advice
    assert find_account(tmp_path, identify_account(build_credentials("k1")), {}).keys == made.keys
    (made.folder / "account.json").unlink()
    assert open_account(tmp_path, identify_account(build_credentials("k1")), build_titles("1")) == made


def test_no_key_is_in_the_state_folder(tmp_path):
    """A fingerprint stands for it."""
    open_account(tmp_path, identify_account(build_credentials("canary-key")), build_titles("1"))
    assert b"canary" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_state_folder_is_private(tmp_path):
    """It says which files were sent, and from which folders."""
    open_account(tmp_path / "state", identify_account(build_credentials("k1")), {})
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_state_folder_that_cannot_be_written_is_named(tmp_path):
    """Nothing is sent without a memory."""
    (tmp_path / "state").write_text("a file, not a folder")
    with pytest.raises(NothingSentError, match=r"Cannot write to the state folder .*state: ") as raised:
        open_account(tmp_path / "state", identify_account(build_credentials("k1")), {})
    assert STATE_DIR_VARIABLE in raised.value.advice


def test_state_folder_on_a_network_drive_is_refused(tmp_path, monkeypatch):
    """A link to such a drive is refused too, and nothing is made on it."""
    monkeypatch.setattr(
        network_drives,
        "read_mounts",
        lambda: [Mount("nas:/", str(tmp_path.resolve() / "team"), "nfs4", "rw")],
    )
    (tmp_path / "team").mkdir()
    (tmp_path / "link").symlink_to("team")
    for state in (tmp_path / "team" / "state", tmp_path / "link" / "state"):
        with pytest.raises(NothingSentError, match=r"on a network drive \(nfs4\)"):
            open_account(state, identify_account(build_credentials("k1")), {})
    assert list((tmp_path / "team").iterdir()) == []
    open_account(tmp_path / "here", identify_account(build_credentials("k1")), {})
