"""Each case of a table has an id that says its values: see conftest.py."""

from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from importer.models.status import RowStatus
from tests.case_ids import MAX_CHARACTERS, name_case


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (["--yes", "--rate", 5], "--yes,--rate,5"),
        (((1, "b"), frozenset({"d", "c"})), "1,b,c,d"),
        ({"KEY": "", "PORT": None}, "KEY=,PORT=None"),
        ([RowStatus.FAILED, int], "failed,int"),
        ([], "empty"),
        ("", "''"),
        (" \n", "' \\\\n'"),
        (b'{"data": null}', '{"data": null}'),
        (PurePosixPath("/home/a"), "/home/a"),
        (datetime(2026, 11, 30, tzinfo=UTC), "2026-11-30 00:00:00+00:00"),
        (KeyError("phone"), "KeyError('phone')"),
        (["Asha\nRao", "आशा"], "Asha Rao,\\u0906\\u0936\\u093e"),
    ],
)
def test_value_that_pytest_would_number_has_a_name(value, name):
    assert name_case(value) == name


@pytest.mark.parametrize("value", ["Asha", 1, 2.5, True, None, RowStatus.FAILED, len, KeyError])
def test_value_that_pytest_names_well_keeps_its_name(value):
    assert name_case(value) is None


def test_long_value_is_cut():
    assert name_case("a" * MAX_CHARACTERS) is None
    for value in ("a" * 100_000, b"[" * 100_000, ["आ" * 50]):
        name = name_case(value)
        assert len(name) == MAX_CHARACTERS
        assert name.endswith("...")


@pytest.mark.parametrize("value", [[object()], lambda: 0], ids=["an object", "a lambda"])
def test_value_without_a_text_of_its_own_needs_an_id(value):
    with pytest.raises(TypeError, match="needs an id"):
        name_case(value)


@pytest.mark.parametrize("command", [["importer", "run"]])
def test_every_table_uses_these_names(request, command):
    assert request.node.name.endswith("[importer,run]")
