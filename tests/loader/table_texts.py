"""Open a text as a table, and list what came out of it."""

from __future__ import annotations

from pathlib import Path

from importer.loader.table.table_reader import OpenOptions, Table, open_table


def open_text(folder: Path, content: str | bytes, **options: object) -> Table:
    """Open a file with this content."""
    (folder / "sheet").write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(folder / "sheet", OpenOptions(**options))


def list_rows(table: Table) -> list[tuple[int, tuple[str, ...], list[str]]]:
    """Return number, cells and codes of each row."""
    return [(row.number, row.cells, [issue.code for issue in row.issues]) for row in table.rows]


def list_notices(table: Table) -> list[str]:
    """Return each notice with its kind."""
    return [f"{notice.kind}: {notice.text}" for notice in table.notices]
