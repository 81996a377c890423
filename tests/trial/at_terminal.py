"""Answers the questions of `importer run` at a terminal as the owner of a sheet would: mostly with Enter."""

from __future__ import annotations

from pathlib import Path

from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox
from tests.cli.terminal import Terminal
from tests.support import leads
from tests.trial.compare import Comparison, compare, make_environment
from tests.trial.people import TrialSheet

_SOURCE = "Trial"
_MAX_QUESTIONS = 60
_STANDARD_ANSWERS = (
    ("Send it to [", ""),
    ("Where do these leads come from?", _SOURCE),
    ("without the cell", "y"),
    ("without such cells", "y"),
)
"""By a part of the question. Every other question is answered with Enter."""


def import_at_terminal(sheet: TrialSheet, folder: Path) -> Comparison:
    """Run `importer run FILE` on a terminal, answer its questions, and compare the leads."""
    sheet.write(folder / sheet.file)
    with run_sandbox(SandboxOptions()) as crm:
        terminal = Terminal(folder, "run", sheet.file, **make_environment(crm.base_url, folder))
        try:
            _answer_questions(terminal, sheet)
            code = terminal.wait_for_exit()
        finally:
            terminal.close()
        return compare(sheet, leads(crm), code, terminal.plain)


def _answer_questions(terminal: Terminal, sheet: TrialSheet) -> None:
    for _ in range(_MAX_QUESTIONS):
        shown = terminal.wait_for_question()
        if not shown:
            return
        terminal.type(_find_answer(shown, sheet))
    raise AssertionError(f"The questions do not end:\n{terminal.plain}")


def _find_answer(shown: str, sheet: TrialSheet) -> str:
    """Return what the owner types. `shown` is everything since the last answer; its last line is the question."""
    question = shown.splitlines()[-1]
    if "to the CRM on this machine" in question:
        return "y"
    own = (answer for part, answer in sheet.answers.items() if part in shown)
    standard = (answer for part, answer in _STANDARD_ANSWERS if part in question)
    return next(own, next(standard, ""))
