"""Run LibreOffice and Chromium without a screen, each with its own temporary profile."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HAS_OFFICE = shutil.which("soffice") is not None
HAS_CHROMIUM = shutil.which("chromium") is not None
needs_office = pytest.mark.skipif(not HAS_OFFICE, reason="LibreOffice is not installed")
needs_chromium = pytest.mark.skipif(not HAS_CHROMIUM, reason="Chromium is not installed")

_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
CSV_OUT = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
"""The filter for UTF-8 CSV with commas and cells as they are shown."""


def save_with_office(path: Path, kind: str, folder: Path, *, read_as: str | None = None) -> Path:
    """Let LibreOffice save a file and return the new path. `kind` is a suffix, with a filter after a colon if needed."""
    return save_all_with_office([path], kind, folder, read_as=read_as)[0]


def save_all_with_office(
    paths: Sequence[Path], kind: str, folder: Path, *, read_as: str | None = None
) -> list[Path]:
    """Let one LibreOffice save several files: its start costs one CPU second, and a file next to nothing."""
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory() as profile:
        command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--norestore"]
        options = [f"--infilter={read_as}"] if read_as else []
        subprocess.run(
            [*command, *options, "--convert-to", kind, "--outdir", folder, *paths],
            check=True, capture_output=True, timeout=110,
        )  # fmt: skip
    saved = [folder / f"{path.stem}.{kind.partition(':')[0]}" for path in paths]
    assert len(set(saved)) == len(paths)
    assert all(path.exists() for path in saved)
    return saved


def run_chromium(page: Path, *arguments: str) -> str:
    """Return what Chromium prints about a page."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            ["chromium", *_QUIET, f"--user-data-dir={profile}", *arguments, page.as_uri()],
            check=True, capture_output=True, text=True, timeout=110,
        )  # fmt: skip
    return done.stdout


CSV_AS_TEXT = "CSV:44,34,76,1," + "/".join(f"{column}/2" for column in range(1, 15))
"""The filter for opening CSV as a careful person does: UTF-8, commas, every column as Text (otherwise 007 becomes 7)."""
