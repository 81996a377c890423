"""Shows what the sheets of a trial become: python -m tests.trial [twenty|ten|third] [--python PATH] [--terminal] [-v]."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.trial.at_terminal import import_at_terminal
from tests.trial.compare import Comparison, import_with_yes
from tests.trial.ten_sheets import make_ten_sheets
from tests.trial.third_sheets import make_third_trial
from tests.trial.twenty_sheets import make_twenty_sheets

_HEAD = ("sheet", "leads", "in", "named", "wrong name", "source", "complete", "other leads", "exit")


def main() -> None:
    """Import every sheet of a trial and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", choices=["twenty", "ten", "third"])
    parser.add_argument(
        "--python", default=sys.executable, help="an interpreter with another version of importer"
    )
    parser.add_argument("--only", default="", help="the sheets whose name has this")
    parser.add_argument("--terminal", action="store_true", help="answer the questions instead of --yes")
    parser.add_argument("-v", action="store_true", dest="verbose")
    options = parser.parse_args()
    sheets = {"twenty": make_twenty_sheets, "ten": make_ten_sheets, "third": make_third_trial}[
        options.trial
    ]()
    results = []
    for sheet in sheets:
        if options.only in sheet.file:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                results.append(
                    import_at_terminal(sheet, folder)
                    if options.terminal
                    else import_with_yes(sheet, folder, options.python)
                )
    _print_table(results)
    if options.verbose:
        for result in results:
            _print_details(result)


def _print_table(results: list[Comparison]) -> None:
    print(" | ".join(_HEAD))
    rows = [
        (r.file, r.expected, r.went_in, r.named, len(r.wrongly_named), r.sourced, r.complete, len(r.unexpected), r.exit_code)
        for r in results
    ]  # fmt: skip
    for row in rows:
        print(" | ".join(map(str, row)))
    print(" | ".join(("all", *(str(sum(row[i] for row in rows)) for i in range(1, 8)), "")))  # type: ignore[misc]


def _print_details(result: Comparison) -> None:
    print(f"\n=== {result.file}\n{result.output}")
    for name in ("missing", "nameless", "wrongly_named", "unexpected", "lost_texts"):
        if getattr(result, name):
            print(f"{name}: {getattr(result, name)}")


if __name__ == "__main__":
    main()
