"""The benchmarks still fit the code: they run by hand, so nothing else would notice."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

MODULES = sorted(path.stem for path in (Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_benchmark_imports_what_there_is(name):
    """A function that was renamed would be found by the next `make bench` only, after half an hour."""
    importlib.import_module(f"benchmarks.{name}")
