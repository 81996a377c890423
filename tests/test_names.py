"""The names of the package keep the rules of CONTRIBUTING.md, measured by tools/measure_names.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.conftest import SLOW_PLACES, SOCKET_PLACES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "importer"
# An issue allowed about 110 modules; docs/decisions/0009 says why there are more.
THIN_LINES, MAX_THIN_SHARE = 40, 0.05
MAX_LINES = 350  # a longer file has a second subject; about 300 is the aim
MAX_OF_SHARE, MAX_PARTICIPLE_SHARE, MIN_VERB_SHARE = 0.01, 0.02, 0.65


def load_measure_names():
    """Import the script, which is not a package."""
    spec = importlib.util.spec_from_file_location("measure_names", ROOT / "tools" / "measure_names.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


measure_names = load_measure_names()


@pytest.fixture(scope="module")
def functions():
    """Return every function and method that the figures count."""
    return list(measure_names.find_functions(PACKAGE))


def name_places(functions):
    return [f"{function.file.relative_to(ROOT)}:{function.line} {function.name}" for function in functions]


def test_functions_begin_with_a_verb(functions):
    """A function's name says what it does: at least 65% begin with a verb."""
    verbless = [function for function in functions if not measure_names.starts_with_verb(function.name)]
    assert 1 - len(verbless) / len(functions) >= MIN_VERB_SHARE, name_places(verbless)


def test_names_do_not_begin_or_end_with_of(functions):
    """`headers_of(x)` is `x.headers` or `read_headers(x)`: at most 1%."""
    found = [function for function in functions if measure_names.has_of(function.name)]
    assert len(found) / len(functions) <= MAX_OF_SHARE, name_places(found)


def test_actions_are_not_named_by_participles(functions):
    """`held()` that locks is `lock()`: at most 2%."""
    found = [function for function in functions if measure_names.is_participle(function.name)]
    assert len(found) / len(functions) <= MAX_PARTICIPLE_SHARE, name_places(found)


def test_every_file_name_is_unique():
    """Tracebacks and editors show the base name only."""
    assert measure_names.find_repeated_file_names(PACKAGE) == []


def test_few_modules_are_thin():
    """Thin files are merged with their only user. The one-line `__init__.py` of each package does not count."""
    modules = [file for file in PACKAGE.rglob("*.py") if file.name != "__init__.py"]
    thin = [file for file in modules if file.read_text("utf-8").count("\n") <= THIN_LINES]
    assert len(thin) <= MAX_THIN_SHARE * len(modules), [str(file.relative_to(ROOT)) for file in thin]


def test_no_module_is_long():
    """What has a second subject becomes a file of its own."""
    lines = {file.name: file.read_text("utf-8").count("\n") for file in PACKAGE.rglob("*.py")}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


@pytest.mark.parametrize("place", [*SOCKET_PLACES, *SLOW_PLACES])
def test_places_of_slow_tests_exist(place):
    """`make quick` leaves these out by name, so a renamed file gets its new name in tests/conftest.py."""
    assert (ROOT / "tests" / place).exists()


@pytest.mark.parametrize(
    ("name", "is_verb", "has_of", "is_participle"),
    [
        ("find_header_row", True, False, False),
        ("_is_final", True, False, False),
        ("headers_of", False, True, False),
        ("_held", False, False, True),
        ("moved_into", False, False, True),
        ("feed_rows", True, False, False),
    ],
)
def test_names_are_measured(name, is_verb, has_of, is_participle):
    """The measure can fail."""
    assert measure_names.starts_with_verb(name) is is_verb
    assert measure_names.has_of(name) is has_of
    assert measure_names.is_participle(name) is is_participle
