"""The agency of the tests: three accounts, and the command in its folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.batch.agency import Agency, open_agency


@pytest.fixture
def agency(tmp_path, monkeypatch, capsys) -> Iterator[Agency]:
    """Return an agency with three accounts whose jobs run in threads."""
    with open_agency(tmp_path, ("acme", "birla", "coral"), monkeypatch, capsys) as found:
        yield found
