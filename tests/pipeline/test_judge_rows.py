"""Guarantee "Conservation" while rows are judged: rows read, received and written are one number."""

import msgspec
import pytest

from importer.credentials import Credentials, Secret
from importer.errors import UnreadableFileError
from importer.models.row import SourceRow
from importer.pipeline.context import RunContext
from importer.pipeline.run import check
from importer.reader.source import InMemoryReader, Sheet
from importer.settings import resolve_settings
from tests.support import KEY


class LosingReader(InMemoryReader):
    """Says that it has sent one row more than it did."""

    def judge(self, config):
        yield from super().judge(config)
        self.end = msgspec.structs.replace(self.end, rows=self.end.rows + 1)


@pytest.mark.parametrize(
    ("reader", "numbers", "words"),
    [
        (InMemoryReader, (2, 3, 3), "has 3 rows, but only 2 were saved"),
        (LosingReader, (2, 3), "has 3 rows, but only 2 were saved"),
    ],
    ids=["two rows with one number", "a lost row"],
)
def test_lost_row_stops_the_run(importer, crm, reader, numbers, words):
    """The journal would keep the last of two rows with one number. No run that could be sent is left behind."""
    rows = [SourceRow(number, (f"984501000{at}",)) for at, number in enumerate(numbers)]
    sheet = Sheet(reader(("Phone",), rows), file="x.csv", sha256="0" * 64)
    context = RunContext(
        settings=resolve_settings({"reports": str(importer.reports)}),
        credentials=Credentials(crm.base_url, Secret(KEY)),
    )
    with pytest.raises(UnreadableFileError, match=words):
        check(sheet, context)
    assert not list(importer.reports.glob("*/*.sqlite"))
