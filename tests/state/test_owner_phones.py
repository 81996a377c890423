"""The phones of the team by name, in the account's folder: remembered, changed, forgotten."""

import pytest

from importer.errors import DiskWriteError, NothingSentError
from importer.state.owner_phones import OWNERS_NAME, read_owner_phones, update_owner_phones


def test_phones_are_remembered_changed_and_forgotten(tmp_path):
    assert read_owner_phones(tmp_path / "no such account") == {}
    update_owner_phones(tmp_path, {"rohit": "+919845000102", "kavya": "+919845000101"})
    update_owner_phones(tmp_path, {"rohit": "+919845000109", "kavya": "", "farah": ""})
    assert read_owner_phones(tmp_path) == {"rohit": "+919845000109"}
    assert [path.name for path in tmp_path.iterdir()] == [OWNERS_NAME]


def test_file_is_not_written_again_without_a_change(tmp_path):
    update_owner_phones(tmp_path, {"farah": ""})
    assert not list(tmp_path.iterdir())


def test_damaged_file_stops_the_run_with_advice(tmp_path):
    """Leads would silently get no owner."""
    (tmp_path / OWNERS_NAME).write_text('{"rohit": 5}', "utf-8")
    with pytest.raises(NothingSentError, match=r"owners\.json cannot be read") as caught:
        read_owner_phones(tmp_path)
    assert "importer asks for the phones again" in caught.value.advice


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "account").write_text("a file", "utf-8")
    with pytest.raises(DiskWriteError, match="Cannot write to the folder"):
        update_owner_phones(tmp_path / "account", {"rohit": "+919845000102"})
