"""LibreOffice and Chromium without a screen, each with a profile of its own that is thrown away."""

from __future__ import annotations

import shutil
import subprocess
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
"""UTF-8 CSV with commas, cells as they are shown."""


def saved_by_office(path: Path, kind: str, folder: Path, *, read_as: str | None = None) -> Path:
    """The file as LibreOffice saves it: `kind` is a suffix, with a filter behind a colon where one is meant."""
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory() as profile:
        command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--norestore"]
        told = [f"--infilter={read_as}"] if read_as else []
        subprocess.run(
            [*command, *told, "--convert-to", kind, "--outdir", folder, path],
            check=True, capture_output=True, timeout=110,
        )  # fmt: skip
    saved = folder / f"{path.stem}.{kind.partition(':')[0]}"
    assert saved.exists()
    return saved


def in_chromium(page: Path, *arguments: str) -> str:
    """What Chromium prints about a page."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            ["chromium", *_QUIET, f"--user-data-dir={profile}", *arguments, page.as_uri()],
            check=True, capture_output=True, text=True, timeout=110,
        )  # fmt: skip
    return done.stdout


CSV_AS_TEXT = "CSV:44,34,76,1," + "/".join(f"{column}/2" for column in range(1, 15))
"""How a careful person opens CSV in LibreOffice: UTF-8, commas, every column as Text (else 007 becomes 7)."""
