"""The memory of what was written to each field: it recognises values, and nothing can be read back from it."""

import sqlite3

import pytest

from importer.planner.values import canonicalize
from importer.state.account_memory import MEMORY_NAME, AccountMemory, read_memory
from importer.state.field_memory import FieldMemory, LeadWrite

URL, PHONE, OTHER = "http://127.0.0.1:1/superfone", "+919845000001", "+919845000002"


@pytest.fixture
def folder(tmp_path):
    """The state folder of an account."""
    return tmp_path


def open_memory(folder, base_url=URL):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    return FieldMemory(AccountMemory(connection, folder), base_url)


def write(memory, phone=PHONE, run_id="run-1", **fields):
    memory.remember([LeadWrite(phone, fields, fields)], run_id=run_id, written_at="2026-11-30T10:00:00+05:30")


def test_value_that_was_written_is_recognised(folder):
    """As the sheet's value, and as the CRM's; any other value is neither."""
    write(open_memory(folder), city="Pune", email=["B@x.in", "a@x.in"])
    known = open_memory(folder).read([PHONE, OTHER])
    assert known.keys() == {PHONE}
    assert (known[PHONE].run_id, known[PHONE].written_at) == ("run-1", "2026-11-30T10:00:00+05:30")
    city, email = known[PHONE].fields["city"], known[PHONE].fields["email"]
    assert city.is_ours(canonicalize("city", " Pune "))
    assert city.is_theirs(canonicalize("city", "Pune"))
    assert not city.is_ours(canonicalize("city", "Mumbai"))
    assert not city.is_theirs(None)
    assert email.is_ours(canonicalize("email", ["a@x.in", "b@x.in"]))


def test_last_write_counts_and_other_fields_stay(folder):
    """A second run over the same lead with other fields."""
    memory = open_memory(folder)
    write(memory, city="Pune", source="Expo")
    write(memory, run_id="run-2", city="Mumbai")
    known = memory.read([PHONE])[PHONE]
    assert known.run_id == "run-2"
    assert known.fields["city"].is_ours("Mumbai")
    assert not known.fields["city"].is_ours("Pune")
    assert known.fields["source"].is_ours("Expo")


def test_appended_value_keeps_the_sheets_and_the_requests_value_apart(folder):
    """With `append` the request has the CRM's old lines too."""
    memory = open_memory(folder)
    write = LeadWrite(PHONE, {"additional_info": "new"}, {"additional_info": "old\nnew"})
    memory.remember([write], run_id="r", written_at="t")
    base = memory.read([PHONE])[PHONE].fields["additional_info"]
    assert base.is_ours("new")
    assert base.is_theirs("old\nnew")
    assert not base.is_theirs("new")


def test_what_the_crm_showed_after_a_write_counts_as_ours(folder):
    """Only for fields that were written: a value of the CRM alone is no memory."""
    memory = open_memory(folder)
    write(memory, city="Pune  City")
    shown = [(PHONE, {"city": "PUNE CITY", "source": "Web"}), (OTHER, {"city": "Pune"})]
    memory.learn_shown(shown, run_id="run-0")
    assert not memory.read([PHONE])[PHONE].fields["city"].is_theirs("PUNE CITY"), "not written by that run"
    memory.learn_shown(shown, run_id="run-1")
    known = memory.read([PHONE, OTHER])
    assert known.keys() == {PHONE}
    assert known[PHONE].fields.keys() == {"city"}
    city = known[PHONE].fields["city"]
    assert city.is_theirs("PUNE CITY")
    assert city.is_theirs("Pune  City")
    assert city.is_ours("Pune  City")


def test_accounts_and_addresses_are_apart(folder):
    """The same phone at another address is another lead."""
    write(open_memory(folder), city="Pune")
    assert open_memory(folder, "https://other.example/superfone").read([PHONE]) == {}


def test_file_holds_no_phone_and_no_value(folder):
    """The memory outlives `importer purge`, so it must not hold what purge promises to remove."""
    write(open_memory(folder), first_name="Asha", city="Pune", deal_value=120000, email=["asha@rao.example"])
    found = b"".join(path.read_bytes() for path in folder.iterdir())
    for text in ("Asha", "Pune", "120000", "rao.example", PHONE, PHONE[3:]):
        assert text.encode() not in found


def test_values_of_a_short_list_cannot_be_guessed_without_the_salt(folder, tmp_path_factory):
    """Two computers have different fingerprints of one value."""
    prints = []
    for place in (folder, tmp_path_factory.mktemp("other")):
        memory = open_memory(place)
        write(memory, lead_stage_name="Won")
        prints.append(memory.read([PHONE])[PHONE].fields["lead_stage_name"].sheet)
    assert prints[0] != prints[1]


# --- leads whose last row went in: what `--changed` may leave out


def read_settled(memory, policies="overwrite"):
    return memory.read_settled([PHONE, OTHER], policies).keys()


@pytest.fixture
def settled(folder):
    """A memory in which run-1 wrote two fields of a lead."""
    memory = open_memory(folder)
    memory.set_policies("run-1", "overwrite")
    memory.set_policies("run-2", "overwrite")
    write(memory, city="Pune", source="Expo")
    return memory


def test_policies_of_the_last_run_must_be_the_same(settled):
    """And known: a run of an earlier version did not say them."""
    assert read_settled(settled) == {PHONE}
    assert not read_settled(settled, "overwrite city=fill")
    write(settled, run_id="run-0", city="Pune")
    assert not read_settled(settled)


def test_row_that_is_under_way_is_in_doubt_until_it_goes_in(settled):
    """A killed process leaves it so: its intent is on disk in the same commit."""
    settled.unsettle([PHONE, OTHER], run_id="run-2")
    assert not read_settled(settled)
    write(settled, run_id="run-2", city="Goa")
    assert read_settled(settled) == {PHONE}


def test_doubt_of_another_run_ends_with_a_row_that_has_all_fields(settled):
    """run-1 may have written a source that nobody knows. A row with only a city says nothing about it."""
    settled.unsettle([PHONE], run_id="run-1")
    settled.unsettle([PHONE], run_id="run-2")
    write(settled, run_id="run-2", city="Goa")
    assert not read_settled(settled)
    write(settled, run_id="run-2", city="Goa", source="Web")
    assert read_settled(settled) == {PHONE}


@pytest.mark.parametrize(
    ("first", "then"), [("add_labels", "remove_labels"), ("remove_labels", "add_labels")]
)
def test_label_that_was_removed_after_it_was_added_is_not_known_any_more(settled, first, then):
    """The other way round, too. A row that does both keeps both."""
    write(settled, **{first: ["VIP"]})
    write(settled, **{then: ["VIP"]})
    known = settled.read([PHONE])[PHONE].fields
    assert known.keys() == {"city", "source", then}
    write(settled, add_labels=["VIP"], remove_labels=["Cold"])
    assert settled.read([PHONE])[PHONE].fields.keys() == {"city", "source", "add_labels", "remove_labels"}


def test_reading_the_memory_changes_nothing(folder, settled):
    """No file is made, none is changed, and a write is refused. Without a memory of this version there is none."""
    with read_memory(folder / "nothing") as memory:
        assert memory is None
    assert not (folder / "nothing").exists()
    with read_memory(folder) as memory:
        assert read_settled(FieldMemory(memory, URL)) == {PHONE}
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            memory.sql.execute("DELETE FROM memory.leads")
    with sqlite3.connect(folder / MEMORY_NAME) as connection:
        connection.execute("DROP TABLE unsettled_leads")
    with read_memory(folder) as memory:
        assert memory is None
