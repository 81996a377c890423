"""The options of the library's functions: the same as the command's, and known to type checkers and editors."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import get_type_hints

from importer.api import _TERMINAL_OPTIONS
from importer.cli.flags import SENDING_OPTIONS
from importer.library_options import ApplyOptions, PlanOptions, SendingOptions, UndoOptions
from importer.settings import Settings

ROOT = Path(__file__).parents[1]
WIDER = {
    "sheet": str | int | Sequence[str | int],
    "only": str | Sequence[str],
    "map": str | PurePath,
    "save": str | PurePath,
    "reports": str | PurePath,
    "column": Mapping[str, str],
    "default": Mapping[str, str | float],
    "policy": Mapping[str, str],
}
"""What a caller may give besides the type of the setting: `resolve_settings` makes that of it."""


def test_options_are_fields_of_settings():
    """A new option of the command goes into `importer/library_options.py` too, with the type of its field."""
    in_settings = {
        name: WIDER.get(name, kind) | None
        for name, kind in get_type_hints(Settings).items()
        if name not in _TERMINAL_OPTIONS
    }
    typed = get_type_hints(PlanOptions) | get_type_hints(ApplyOptions) | get_type_hints(UndoOptions)
    assert typed == in_settings


def test_resume_and_retry_take_the_options_of_the_commands():
    """One list of the options of sending, for the command and for the library."""
    assert SendingOptions.__optional_keys__ == SENDING_OPTIONS | {"reports"}


SCRIPT = """
import importer

result = importer.check_file("leads.xlsx", sheet=2, rate="auto", column={"Mob": "customer_phone"}, default={"deal_value": 5})
options: importer.ImportOptions = {"limit": 10, "duplicates": "first"}
importer.run_import("leads.xlsx", **options)
reveal_type(result.to_frame())
for row in result.rows():
    reveal_type(row.status)
    reveal_type(row.cells)
reveal_type(importer.retry_run(result, rate=20))
reveal_type(importer.resume_run("april", max_wait=60).summary.folder)

importer.check_file("leads.xlsx", sheeet="x")
importer.run_import("leads.xlsx", rate="fast")
importer.run_import("leads.xlsx", duplicates="newest")
importer.check_file("leads.xlsx", yes=True)
importer.resume_run("april", sheet="x")
"""


def test_type_checker_finds_wrong_options(tmp_path):
    """Under --strict, every right call of the script is accepted and each wrong one is refused."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", script]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    lines = SCRIPT.splitlines()
    first_wrong = lines.index('importer.check_file("leads.xlsx", sheeet="x")') + 1
    errors = {int(number) for number in re.findall(r"script\.py:(\d+): error", said)}
    assert errors == set(range(first_wrong, len(lines) + 1)), said
    assert re.findall('Revealed type is "(.*)"', said) == [
        "pandas.core.frame.DataFrame",
        "importer.models.status.RowStatus",
        "dict[str, str]",
        "importer.result.Result | None",
        "str",
    ], said
