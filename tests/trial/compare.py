"""Imports a sheet of a trial into a sandbox and compares the leads with what is expected of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox
from tests.support import KEY, leads
from tests.trial.people import ExpectedLead, TrialSheet

_TITLE = re.compile(r"^(mr|mrs|ms|dr|shri|smt)\.?\s+", re.IGNORECASE)


class Comparison(msgspec.Struct):
    """What became of the leads of one sheet."""

    file: str
    expected: int
    exit_code: int
    went_in: int = 0
    named: int = 0
    wrongly_named: list[str] = []
    sourced: int = 0
    complete: int = 0
    """With all their texts, such as the city or the course."""
    unexpected: list[str] = []
    missing: list[str] = []
    nameless: list[str] = []
    lost_texts: list[str] = []
    output: str = ""


def make_environment(base_url: str, folder: Path) -> dict[str, str]:
    """Return the environment of a command that talks to a sandbox."""
    state = {"IMPORTER_STATE_DIR": str(folder / "state")}
    return {**os.environ, **state, "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": base_url, "COLUMNS": "120"}


def import_with_yes(sheet: TrialSheet, folder: Path, python: str) -> Comparison:
    """Run `importer run FILE --yes` with an interpreter that has any version of importer. Compare the leads."""
    sheet.write(folder / sheet.file)
    with run_sandbox(SandboxOptions()) as crm:
        ended = subprocess.run(
            [python, "-m", "importer", "run", sheet.file, "--yes"],
            cwd=folder,
            env=make_environment(crm.base_url, folder),
            capture_output=True,
            text=True,
            check=False,
        )
        return compare(sheet, leads(crm), ended.returncode, ended.stdout + ended.stderr)


def compare(
    sheet: TrialSheet, found: Mapping[str, Mapping[str, Any]], exit_code: int, output: str
) -> Comparison:
    """Compare the leads of the CRM, by phone, with those that the sheet must give."""
    result = Comparison(sheet.file, len(sheet.leads), exit_code, output=output)
    expected = {lead.phone: lead for lead in sheet.leads}
    result.unexpected = sorted(found.keys() - expected.keys())
    for phone, lead in expected.items():
        if phone in found:
            _compare_lead(result, lead, found[phone])
        else:
            result.missing.append(phone)
    return result


def _compare_lead(result: Comparison, expected: ExpectedLead, found: Mapping[str, Any]) -> None:
    result.went_in += 1
    person = f"{found.get('first_name', '')} {found.get('last_name', '')}".strip()
    name = _TITLE.sub("", person or found.get("business_name", ""))
    if not name and expected.name:
        result.nameless.append(expected.phone)
    elif _TITLE.sub("", expected.name).casefold() == name.casefold():
        result.named += 1
    else:
        result.wrongly_named.append(f"{expected.phone}: {name!r}, not {expected.name!r}")
    source = found.get("source", "")
    result.sourced += bool(source) and expected.source in ("", source)
    everything = str(found)
    lost = [text for text in expected.texts if text not in everything]
    result.complete += not lost
    result.lost_texts += [f"{expected.phone}: {text}" for text in lost]
