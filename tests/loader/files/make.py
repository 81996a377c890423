"""Make quirks.xls, quirks.ods and quirks.xlsx with LibreOffice: python tests/loader/files/make.py (people are invented)."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import Workbook

HERE = Path(__file__).parent


def main() -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "Leads"
    table = {
        3: ("Phone", "Seen", "Note"),
        4: (9845012345, (dt.date(2024, 3, 4), "yyyy/mm/dd"), "=NA()"),
        5: ((12345, "0000000"), (45000, "dd-mmm-yy"), " two  spaces"),
        6: ((9845012346, '"+91" 00000 00000'), (dt.time(3, 4), "h:mm:ss"), "one\ntwo"),
        7: (9845012347, (dt.timedelta(hours=30), "[h]:mm:ss"), "=1+1"),
        9: (1e16, 0.1 + 0.2, "नमस्ते"),
        10: (9845012348, -1, "=1/0"),
    }
    for number, cells in table.items():
        for column, cell in enumerate(cells, 2):
            value, code = cell if isinstance(cell, tuple) else (cell, "General")
            sheet.cell(number, column, value).number_format = code
    for number in (5, 7, 8):
        sheet.row_dimensions[number].hidden = True
    book.create_sheet("Old")["A1"] = "Old phone"
    secret = book.create_sheet("Secret")
    secret["A1"] = "Secret phone"
    secret.sheet_state = "hidden"
    with TemporaryDirectory() as folder:
        source = Path(folder) / "quirks.xlsx"
        book.save(source)
        for kind in ("xls", "ods", "xlsx"):
            subprocess.run(
                [
                    "soffice",
                    f"-env:UserInstallation=file://{folder}/profile",
                    "--headless",
                    "--convert-to",
                    kind,
                    "--outdir",
                    str(HERE),
                    str(source),
                ],
                check=True,
                capture_output=True,
            )


if __name__ == "__main__":
    main()
