"""Law 1 where rows are staged: what the reader says that it sent, what came, and what is on disk are one number."""

import msgspec
import pytest

from importer.access import Access, Secret
from importer.errors import UnreadableFile
from importer.models import SourceRow
from importer.pipeline import Silent, check
from importer.settings import resolve
from importer.staging import RowsReader, Sheet
from tests.support import KEY


class Forgetful(RowsReader):
    """Says that it has sent a row more than came."""

    def judged(self, recipe):
        yield from super().judged(recipe)
        self.done = msgspec.structs.replace(self.done, rows=self.done.rows + 1)


@pytest.mark.parametrize(
    ("reader", "numbers", "said"),
    [
        (RowsReader, (2, 3, 3), "has 3 rows, but 2 were staged"),
        (Forgetful, (2, 3), "has 3 rows, but 2 were staged"),
    ],
)
def test_a_row_that_is_lost_on_its_way_stops_everything(importer, crm, reader, numbers, said):
    """Of two rows that claim one number the journal would keep the last. No run is left behind that could be sent."""
    rows = [SourceRow(number, (f"984501000{at}",)) for at, number in enumerate(numbers)]
    sheet = Sheet(reader(("Phone",), rows), file="x.csv", sha256="0" * 64)
    access = Access(crm.base_url, Secret(KEY))
    with pytest.raises(UnreadableFile, match=said):
        check(sheet, resolve({"reports": str(importer.reports)}), access, Silent())
    assert not list(importer.reports.glob("*/*.sqlite"))
