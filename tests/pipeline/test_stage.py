"""Law 1 where rows are staged: what the reader says that it sent, what came, and what is on disk are one number."""

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


class Forgetful(InMemoryReader):
    """Says that it has sent a row more than came."""

    def judge(self, config):
        yield from super().judge(config)
        self.end = msgspec.structs.replace(self.end, rows=self.end.rows + 1)


@pytest.mark.parametrize(
    ("reader", "numbers", "said"),
    [
        (InMemoryReader, (2, 3, 3), "has 3 rows, but 2 were staged"),
        (Forgetful, (2, 3), "has 3 rows, but 2 were staged"),
    ],
)
def test_a_row_that_is_lost_on_its_way_stops_everything(importer, crm, reader, numbers, said):
    """Of two rows that claim one number the journal would keep the last. No run is left behind that could be sent."""
    rows = [SourceRow(number, (f"984501000{at}",)) for at, number in enumerate(numbers)]
    sheet = Sheet(reader(("Phone",), rows), file="x.csv", sha256="0" * 64)
    credentials = Credentials(crm.base_url, Secret(KEY))
    with pytest.raises(UnreadableFileError, match=said):
        check(
            sheet,
            RunContext(
                settings=resolve_settings({"reports": str(importer.reports)}), credentials=credentials
            ),
        )
    assert not list(importer.reports.glob("*/*.sqlite"))
