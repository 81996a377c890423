"""Judged rows before the sending: phone groups and the name of the file."""

from importer.journal.run_journal import Journal
from importer.journal.staging import to_staged_row
from importer.models.row import Accepted, NewVerdict, SourceRow
from importer.models.status import StagedVerdict
from tests.journal.records import (
    build_invalid_row,
    build_metadata,
    build_valid_row,
)


def test_phone_groups_span_the_whole_file(tmp_path):
    """Rows of one phone are found however far apart they are. Rejected rows are in no group."""
    rows = [build_valid_row(2), build_valid_row(3), build_invalid_row(4)]
    twin = rows[0]._replace(number=90)
    journal = Journal.create(tmp_path / "r", build_metadata("r"))
    journal.stage([*rows, twin])
    assert [[row.row.number for row in group] for group in journal.staging.read_phone_groups()] == [[2, 90]]


def test_phone_groups_come_in_batches(tmp_path, monkeypatch):
    """Memory does not grow with the number of shared phones, and rows may be judged again between two groups."""
    monkeypatch.setattr("importer.journal.staging._PHONES_PER_QUERY", 3)
    journal = Journal.create(tmp_path / "r", build_metadata("r"))
    rows = [build_valid_row(n) for n in range(1, 21)]
    journal.stage([*rows, *(row._replace(number=row.number + 100) for row in rows)])
    groups = []
    for group in journal.staging.read_phone_groups():
        groups.append([row.row.number for row in group])
        journal.staging.update_verdicts(
            [NewVerdict(group[1].row.number, StagedVerdict.DUPLICATE, None, (), group[0].row.number)]
        )
    assert groups == [[n, n + 100] for n in range(1, 21)]


def test_file_has_another_name_until_staging_is_complete(tmp_path):
    """A process that is killed while it judges rows leaves nothing that looks like a run."""
    journal = Journal.create(tmp_path / "r", build_metadata("r"))
    journal.stage([build_valid_row(2)])
    assert not (tmp_path / "r" / "journal.sqlite").exists()
    journal.staging.complete()
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["journal.sqlite"]
    journal.stage([build_valid_row(3)])
    assert journal.rows == 2


def test_groups_are_connected_by_further_numbers(tmp_path):
    """Directly or by way of other rows, over the whole file. A number in another text does not connect."""
    numbers = [f"+9198000000{n:02}" for n in range(8)]
    rows = [
        (2, numbers[0], {}),
        (3, numbers[1], {"add_phones": [numbers[0]]}),
        (4, numbers[2], {"add_phones": [numbers[6]]}),
        (5, numbers[3], {"add_phones": [numbers[6], numbers[7]]}),
        (6, numbers[4], {"customer_note": f'"add_phones":["{numbers[0]}"]'}),
        (7, numbers[5], {"add_phones": ["+918022233344"]}),
        (8, numbers[2], {}),
    ]
    with Journal.create(tmp_path, build_metadata("r")) as journal:
        journal.staging.stage(
            to_staged_row(Accepted(SourceRow(number, ("x",)), phone, {"customer_phone": phone, **payload}))
            for number, phone, payload in rows
        )
        groups = [[row.row.number for row in group] for group in journal.staging.read_phone_groups()]
        again = [[row.row.number for row in group] for group in journal.staging.read_phone_groups()]
    assert groups == again == [[2, 3], [4, 5, 8]]
